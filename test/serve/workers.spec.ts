import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { accessKeyId, secret, sign } from '../bucket-cors/sign.ts'
import { folderWith, replace } from '../rules/directory.ts'
import { type Answered, adminJson, exchange, metric, preflight } from './exchange.ts'
import { currentGeneration, generationFile, generationOf, origin } from './generations.ts'
import { endProgram, type LogLine, main, type Program, spawnProgram, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

let folder = ''
let rules = ''
let store: TestStore
let program: Program

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'workers-'))
  rules = await folderWith(join(folder, 'rules'), { 'site.yaml': generationFile(1) })
  const credentials = join(folder, 'credentials.yaml')
  await writeFile(credentials, `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`)
  store = await startStore()
  const write = ['--bucket-cors-api', 'write', '--credentials', credentials]
  const candidates = await folderWith(join(folder, 'candidates'), {
    'site.yaml': generationFile(1).replace(origin, 'https://evil.example'),
  })
  const more = ['--workers', '2', '--candidate-rules', candidates, ...write]
  program = await startProgram(store.url, rules, more)
  // The minimum of all workers.
  await vi.waitFor(
    async () => expect(await metric(program.admin, 'cors_sidecar_candidate_rules_generation')).toBe(1),
    { timeout: 10_000 },
  )
})

afterAll(async () => {
  await endProgram(program)
  await store.close()
  await rm(folder, { recursive: true })
})

/** The kernel picks a worker for each connection, so requests are sent until both have answered. */
async function atBoth(send: () => Promise<Answered>): Promise<readonly Answered[]> {
  const answers: Answered[] = []
  while (new Set(answers.map(processOf)).size < 2 && answers.length < 2000)
    answers.push(...(await Promise.all([send(), send(), send(), send()])))
  return answers
}

const generationsAtBoth = async (bucket: string) =>
  (await atBoth(() => exchange(`${program.data}/${bucket}/object`, preflight(origin, 'PUT')))).map(
    generationOf,
  )

/** Expects all of `values` to be `value`, and at least one. */
const all = (values: readonly unknown[], value: unknown): void =>
  expect([...new Set(values)]).toEqual([value])

/** The part of a COS request id that identifies the process. */
const processOf = ({ headers }: Answered): string | undefined =>
  atob(String(headers['x-cos-request-id'])).split('_')[1]

const isServing = ({ msg }: LogLine): boolean => msg === 'a worker is serving'

const isRunning = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

let denied = 0

test('two workers serve one port', async () => {
  const refused = await atBoth(() =>
    exchange(`${program.data}/site/object`, preflight('https://evil.example')),
  )
  denied = refused.length
  all(
    refused.map(({ status }) => status),
    403,
  )
  expect(new Set(refused.map(processOf)).size).toBe(2)
  expect(await metric(program.admin, 'cors_sidecar_workers')).toBe(2)
})

test('metrics, rules, denials and differences are those of all workers', async () => {
  const answers = await generationsAtBoth('site')
  const allowed = answers.length
  all(answers, 1)
  const labels = (decision: string, reason: string): string =>
    `bucket="site",kind="preflight",decision="${decision}",reason="${reason}",mode="enforce"`
  const decided = (decision: string, reason: string) =>
    metric(program.admin, `cors_sidecar_decisions_total{${labels(decision, reason)}}`)
  expect(await decided('allow', 'matched')).toBe(allowed)
  expect(await decided('deny', 'origin')).toBe(denied)
  expect(await metric(program.admin, 'cors_sidecar_rules_reloads_total{result="applied"}')).toBe(1)
  expect(await metric(program.admin, 'cors_sidecar_rule_files{state="ok"}')).toBe(1)
  expect((await adminJson(program.admin, '/-/rules')).files).toMatchObject([
    { file: 'site.yaml', state: 'ok' },
  ])
  await vi.waitFor(async () => {
    const { total, recent, groups } = await adminJson(program.admin, '/-/denials')
    expect(total).toBe(denied)
    expect(recent).toHaveLength(Math.min(denied, 200))
    expect(groups).toMatchObject([{ origin: 'https://evil.example', count: denied, overcount: 0 }])
    const { compared, different, groups: differences } = await adminJson(program.admin, '/-/candidates')
    expect({ compared, different }).toEqual({ compared: allowed + denied, different: allowed + denied })
    expect(differences).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ count: allowed }),
        expect.objectContaining({ count: denied }),
      ]),
    )
  }, 20_000)
})

test('every worker has the new rules when POST /-/reload answers', async () => {
  for (let next = 2; next <= 6; next++) {
    await replace(rules, 'site.yaml', generationFile(next))
    expect(await adminJson(program.admin, '/-/reload', 'POST')).toMatchObject({ generation: next })
    all(await generationsAtBoth('site'), next)
  }
})

test('a file that is renamed into place, and SIGHUP, reach every worker', async () => {
  const live = (generation: number) =>
    program.logged((line) => line.msg === 'rules applied' && line.generation === generation)
  await replace(rules, 'site.yaml', generationFile(7))
  await live(7)
  await vi.waitFor(async () => all(await generationsAtBoth('site'), 7))
  await replace(rules, 'site.yaml', generationFile(8))
  program.signal('SIGHUP')
  await live(8)
  await vi.waitFor(async () => all(await generationsAtBoth('site'), 8))
})

test('every worker has what PUT ?cors has written when it is answered', async () => {
  const host = new URL(program.data).host
  const call = { method: 'PUT', target: '/fresh/?cors', host, bucket: 'fresh' }
  for (const age of [101, 102, 103]) {
    const body = `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><ExposeHeader>ETag</ExposeHeader><MaxAgeSeconds>${age}</MaxAgeSeconds></CORSRule></CORSConfiguration>`
    const headers = { Host: host, ...sign('cos', { ...call, body }) }
    const put = await exchange(`${program.data}${call.target}`, { method: 'PUT', headers, body })
    expect({ status: put.status, body: put.body.toString() }).toEqual({ status: 200, body: '' })
    const answers = await atBoth(() => exchange(`${program.data}/fresh/object`, preflight(origin)))
    all(
      answers.map(({ headers }) => headers['access-control-max-age']),
      String(age),
    )
  }
})

test('a worker that dies is replaced and counted, and the last good rules of a bad file stay', async () => {
  const good = await currentGeneration(program.data, 'site')
  await replace(rules, 'site.yaml', 'rules: [\n')
  await adminJson(program.admin, '/-/reload', 'POST')
  const series = 'cors_sidecar_rule_matches_total{bucket="site",rule="g8"}'
  const matched = Number(await metric(program.admin, series))
  expect(matched).toBeGreaterThan(0)

  const pids = program
    .out()
    .map((line): LogLine => JSON.parse(line))
    .filter(isServing)
  expect(pids).toHaveLength(2)
  const before = program.out().length
  process.kill(Number(pids[0]?.['process.pid']), 'SIGKILL')
  const ended = await program.logged(({ msg }) => msg === 'a worker ended and is being replaced', before)
  expect(ended).toMatchObject({ 'process.pid': pids[0]?.['process.pid'], signal: 'SIGKILL' })
  await program.logged(isServing, before)

  expect(await metric(program.admin, 'cors_sidecar_worker_restarts_total')).toBe(1)
  expect(await metric(program.admin, 'cors_sidecar_workers')).toBe(2)
  // A dead worker's counts must stay, or Prometheus would see a restart.
  expect(await metric(program.admin, series)).toBe(matched)
  const after = await generationsAtBoth('site')
  all(after, good)
  expect(await metric(program.admin, series)).toBe(matched + after.length)
  await rm(join(rules, 'site.yaml'))
  await replace(rules, 'site.yaml', generationFile(9))
  await adminJson(program.admin, '/-/reload', 'POST')
  all(await generationsAtBoth('site'), 9)
})

test('a worker that is killed under load leaves no client waiting', async () => {
  let going = true
  const client = async (): Promise<void> => {
    while (going)
      await new Promise<void>((ended) => {
        const socket = connect(Number(new URL(program.data).port), '127.0.0.1')
        socket.on('error', () => {}).once('close', () => ended())
        socket.on('data', () => {})
        socket.end('GET /site/object HTTP/1.1\r\nHost: store.test\r\nConnection: close\r\n\r\n')
      })
  }
  const clients = Array.from({ length: 16 }, client)
  for (let kill = 0; kill < 3; kill++) {
    const serving = program
      .out()
      .map((line): LogLine => JSON.parse(line))
      .filter(isServing)
    const before = program.out().length
    process.kill(Number(serving.at(-1)?.['process.pid']), 'SIGKILL')
    await program.logged(isServing, before)
  }
  going = false
  await Promise.all(clients)
})

test('log lines of several processes are never mixed', async () => {
  const target = `/site/${'x'.repeat(1500)}?a=${'%C3%BC'.repeat(300)}`
  const headers = { Origin: origin, 'User-Agent': '"'.repeat(1000) }
  const send = () => exchange(`${program.data}${target}`, { headers })
  const answers = await Promise.all(Array.from({ length: 200 }, send))
  expect(answers.map(({ status }) => status)).toEqual(Array(200).fill(200))
  const isOne = (line: LogLine): boolean => String(line['url.path']).startsWith('/site/xxx')
  await vi.waitFor(() => expect(program.out().filter((line) => isOne(JSON.parse(line)))).toHaveLength(200), {
    timeout: 10_000,
  })
})

test('SIGTERM finishes the running requests of every worker, and exits with 0', async () => {
  const names = Array.from({ length: 20 }, (_, index) => `held-${index}`)
  const answers = Promise.allSettled(
    names.map((name) => exchange(`${program.data}/site/${name}`, { headers: { Origin: origin } })),
  )
  const held = await Promise.all(names.map((name) => store.held(name)))
  const idle = await Promise.all(
    [1, 2].map(async () => {
      const socket = connect(Number(new URL(program.data).port), '127.0.0.1')
      socket.write('GET /site/object HTTP/1.1\r\nHost: store.test\r\n\r\n')
      await once(socket, 'data')
      return socket
    }),
  )
  program.signal('SIGTERM')
  await Promise.all(idle.map((socket) => once(socket, 'close')))
  expect((await exchange(`${program.admin}/readyz`)).status).toBe(503)
  // Each worker stops accepting at a time of its own.
  await vi.waitFor(
    () => expect(exchange(`${program.data}/site/object`)).rejects.toMatchObject({ code: 'ECONNREFUSED' }),
    { timeout: 10_000 },
  )
  for (const { response } of held) response.end('done')
  expect(
    (await answers).map((answer) =>
      answer.status === 'fulfilled' ? generationOf(answer.value) : answer.reason,
    ),
  ).toEqual(Array(20).fill(9))
  expect(await program.ended).toEqual({ code: 0, signal: null, err: '' })
  const lines = program.out().map((line): LogLine => JSON.parse(line))
  expect(lines.at(-1)).toMatchObject({ msg: 'ended' })
  for (const line of lines.filter(isServing)) expect(isRunning(Number(line['process.pid']))).toBe(false)
})

test('workers do not outlive their primary', async () => {
  const orphaned = await startProgram(store.url, rules, ['--workers', '2'])
  onTestFinished(() => endProgram(orphaned))
  // Their last lines have not been written yet, and no longer can be.
  for (let i = 0; i < 4; i++) await exchange(`${orphaned.data}/site/object`)
  orphaned.signal('SIGKILL')
  // Its stderr is theirs too, and ends with the last of them.
  expect(await orphaned.ended).toEqual({ code: null, signal: 'SIGKILL', err: '' })
})

test('a worker that hangs is killed and replaced, and PUT ?cors still takes effect', async () => {
  await replace(rules, 'stuck.yaml', generationFile(1))
  const credentials = join(folder, 'credentials.yaml')
  const more = ['--workers', '2', '--bucket-cors-api', 'write', '--credentials', credentials]
  const stuck = await startProgram(store.url, rules, more)
  onTestFinished(() => endProgram(stuck))
  const { 'process.pid': pid } = await stuck.logged(isServing)
  const served = await metric(stuck.admin, 'cors_sidecar_rules_generation')
  process.kill(Number(pid), 'SIGSTOP')

  const host = new URL(stuck.data).host
  const call = { method: 'PUT', target: '/stuck/?cors', host, bucket: 'stuck' }
  const body = `<CORSConfiguration><CORSRule><AllowedOrigin>${origin}</AllowedOrigin><AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>77</MaxAgeSeconds></CORSRule></CORSConfiguration>`
  // A new connection may go to the hung worker, and ends when that is killed.
  const put = async (): Promise<number> => {
    const headers = { Host: host, ...sign('cos', { ...call, body }) }
    const answer = await exchange(`${stuck.data}${call.target}`, { method: 'PUT', headers, body }).catch(
      () => undefined,
    )
    return answer?.status ?? put()
  }
  const answered = put()
  expect(await answered).toBe(200)
  expect(await stuck.logged(({ msg }) => msg === 'a worker does not respond and is killed')).toMatchObject({
    level: 'error',
    'process.pid': pid,
  })
  await vi.waitFor(
    async () => expect(await metric(stuck.admin, 'cors_sidecar_worker_restarts_total')).toBe(1),
    { timeout: 20_000, interval: 100 },
  )
  await vi.waitFor(async () => expect(await metric(stuck.admin, 'cors_sidecar_workers')).toBe(2), {
    timeout: 20_000,
    interval: 100,
  })
  expect(isRunning(Number(pid))).toBe(false)
  expect(await metric(stuck.admin, 'cors_sidecar_worker_restarts_total')).toBe(1)
  expect(await metric(stuck.admin, 'cors_sidecar_rules_generation')).toBeGreaterThanOrEqual(Number(served))
  for (let i = 0; i < 8; i++) {
    const { headers } = await exchange(`${stuck.data}/stuck/object`, preflight(origin))
    expect(headers['access-control-max-age']).toBe('77')
  }
})

test('a worker that hangs while the program ends is killed', async () => {
  const stuck = await startProgram(store.url, rules, ['--workers', '2', '--drain-timeout', '100ms'])
  onTestFinished(() => endProgram(stuck))
  const { 'process.pid': pid } = await stuck.logged(isServing)
  process.kill(Number(pid), 'SIGSTOP')
  stuck.signal('SIGTERM')
  expect(await stuck.ended).toMatchObject({ code: 0, err: '' })
  const errors = stuck
    .out()
    .map((line): LogLine => JSON.parse(line))
    .filter(({ level }) => level === 'error')
  expect(errors).toMatchObject([
    { msg: 'a worker did not exit in time and is being killed', 'process.pid': pid },
  ])
})

test('a port in use is one line and exit code 2', async () => {
  const listen = ['--listen', `127.0.0.1:${store.port}`, '--admin', '127.0.0.1:0']
  const settings = ['--upstream', store.url, '--rules', rules, '--log-level', 'silent', '--workers', '2']
  const { ended } = spawnProgram(['serve', ...listen, ...settings])
  expect(await ended).toEqual({
    code: 2,
    signal: null,
    err: `error: --listen 127.0.0.1:${store.port}: the port is in use: stop the program that uses it, or choose another port\n`,
  })
})

test('a worker started by hand is refused', async () => {
  const { ended } = spawnProgram(['worker'])
  const { code, err } = await ended
  expect({ code, err }).toEqual({
    code: 2,
    err: 'error: only serve --workers starts this command: run cors-sidecar serve instead\n',
  })
  const child = spawn(process.execPath, [main, '--help'])
  const [help] = await once(child.stdout, 'data')
  expect(String(help)).not.toMatch(/^ {2}worker/m)
})
