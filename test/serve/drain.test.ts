import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { type ClientRequest, type IncomingMessage, request as startRequest } from 'node:http'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer, text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { quietPort } from '../quiet-port.ts'
import { report } from '../reliability/report.ts'
import { folderWith } from '../rules/directory.ts'
import { exchange } from './exchange.ts'
import { generationFile, generationOf, origin } from './generations.ts'
import { endProgram, main, type Program, startProgram } from './program.ts'
import { sha256, startStore, type TestStore } from './store.ts'

/** Requests waiting for the store when SIGTERM arrives. */
const waitingCount = Number(process.env.DRAIN_REQUESTS ?? 100)

let rules = ''
let store: TestStore

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'drain-')), { 'site.yaml': generationFile(1) })
  store = await startStore()
})

afterAll(async () => {
  await store.close()
  await rm(rules, { recursive: true })
})

async function serve(...more: readonly string[]): Promise<Program> {
  const program = await startProgram(store.url, rules, more)
  onTestFinished(() => endProgram(program))
  return program
}

/** Begins a request whose response the test sends at the store. */
function begin(program: Program, name: string, method = 'GET', headers = {}): ClientRequest {
  const request = startRequest(`${program.data}/site/${name}`, {
    method,
    agent: false,
    headers: { Origin: origin, ...headers },
  })
  request.on('error', () => {})
  return request
}

async function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  const [response] = await once(request, 'response')
  return response
}

async function connected({ data }: Program): Promise<Socket> {
  const socket = connect(Number(new URL(data).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

const draining = (program: Program) => program.logged(({ msg }) => msg === 'draining')

test('SIGTERM finishes running requests, soon refuses new ones, and exits with 0', {
  timeout: 60_000,
}, async () => {
  const program = await serve()
  const content = Buffer.alloc(3_000_000, 'abcdefghij')

  const download = begin(program, 'held-download').end()
  const atDownload = await store.held('held-download')
  atDownload.response.writeHead(200, { 'Content-Length': content.length })
  atDownload.response.write(content.subarray(0, 100_000))
  const downloaded = await responseTo(download)

  const upload = begin(program, 'held-upload', 'PUT', { 'Content-Length': content.length })
  upload.write(content.subarray(0, 100_000))
  const atUpload = await store.held('held-upload')
  const stored = buffer(atUpload.request)

  const waiting = Array.from({ length: waitingCount }, (_, index) => `held-${index}`)
  const answers = waiting.map((name) =>
    exchange(`${program.data}/site/${name}`, { headers: { Origin: origin } }),
  )
  const atWaiting = await Promise.all(waiting.map((name) => store.held(name)))

  const silent = await connected(program)
  const idle = await connected(program)
  idle.write('GET /site/object HTTP/1.1\r\nHost: store.test\r\n\r\n')
  const [head] = await once(idle, 'data')
  expect(String(head)).toMatch(/^HTTP\/1\.1 200 /)
  expect((await exchange(`${program.admin}/readyz`)).status).toBe(200)

  program.signal('SIGTERM')
  await draining(program)
  // Requests that a load balancer sends before it notices are served, on new and on kept connections.
  expect((await exchange(`${program.data}/site/object`)).headers.connection).toBe('close')
  const closed = [once(silent, 'close'), once(idle, 'close')]
  await Promise.all(closed)
  expect((await exchange(`${program.admin}/readyz`)).status).toBe(503)
  expect((await exchange(`${program.admin}/healthz`)).status).toBe(200)
  await expect(connected(program)).rejects.toMatchObject({ code: 'ECONNREFUSED' })

  for (const { response } of atWaiting) response.end('done')
  const settled = await Promise.allSettled(answers)
  const answered = settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  report({ inFlight: waitingCount, dropped: settled.length - answered.length })
  expect(answered).toHaveLength(waitingCount)
  for (const answer of answered) {
    expect(generationOf(answer)).toBe(1)
    expect(answer.headers.connection).toBe('close')
    expect(answer.body.toString()).toBe('done')
  }
  upload.end(content.subarray(100_000))
  expect(sha256(await stored)).toBe(sha256(content))
  atUpload.response.end()
  expect((await responseTo(upload)).resume().statusCode).toBe(200)
  expect((await exchange(`${program.admin}/readyz`)).status).toBe(503)
  atDownload.response.end(content.subarray(100_000))
  expect(sha256(await buffer(downloaded))).toBe(sha256(content))

  expect(await program.ended).toEqual({ code: 0, signal: null, err: '' })
  const lines = program.out().map((line) => JSON.parse(line))
  expect(lines.at(-1)).toMatchObject({ msg: 'ended' })
  expect(lines.filter(({ msg }) => msg === 'request')).toHaveLength(waitingCount + 4)
})

test.each(['1', '2'])('/drained answers when every transfer is over, with %s processes', async (workers) => {
  const program = await serve('--workers', workers)
  const name = `held-for-${workers}`
  const download = begin(program, name).end()
  const { response } = await store.held(name)
  response.write('a beginning')
  const downloaded = await responseTo(download)
  const order: string[] = []
  const drained = exchange(`${program.admin}/drained`).then((answer) => {
    order.push('drained')
    return answer
  })
  program.signal('SIGTERM')
  await draining(program)
  order.push('the store answers')
  response.end(' and an end')
  expect(await text(downloaded)).toBe('a beginning and an end')
  expect(await drained).toMatchObject({ status: 200 })
  expect(order).toEqual(['the store answers', 'drained'])
  expect(await program.ended).toMatchObject({ code: 0 })
})

test.each(['SIGTERM', 'SIGINT'] as const)('a second signal, %s, ends the process at once', async (second) => {
  const program = await serve()
  const download = begin(program, `held-${second}`).end()
  const { response } = await store.held(`held-${second}`)
  response.write('a beginning')
  const downloaded = await responseTo(download)
  program.signal('SIGTERM')
  await draining(program)
  program.signal(second)
  await expect(buffer(downloaded)).rejects.toThrow()
  expect(await program.ended).toEqual({ code: 0, signal: null, err: '' })
})

test('transfers that are not finished within --drain-timeout are aborted', async () => {
  const program = await serve('--drain-timeout', '200ms')
  const download = begin(program, 'held-too-long').end()
  const { response } = await store.held('held-too-long')
  response.write('a beginning')
  const downloaded = await responseTo(download)
  program.signal('SIGTERM')
  await expect(buffer(downloaded)).rejects.toThrow()
  expect(await program.ended).toEqual({ code: 0, signal: null, err: '' })
  expect(await program.logged(({ msg }) => msg === 'request')).toMatchObject({ aborted: true })
})

test.each([
  '1',
  '2',
])('a log reader that has gone does not delay the exit, with workers: %s', async (workers) => {
  const program = await serve('--workers', workers, '--drain-timeout', '1s')
  program.abandonOutput()
  expect((await exchange(`${program.data}/site/object`)).status).toBe(200)
  program.signal('SIGTERM')
  expect(await program.ended).toEqual({ code: 0, signal: null, err: '' })
})

test.skipIf(!existsSync('/dev/full'))(
  'a full disk loses log lines but no requests, and does not delay the exit',
  async () => {
    const [data, admin] = [quietPort(), quietPort()]
    const ports = ['--listen', `127.0.0.1:${data}`, '--admin', `127.0.0.1:${admin}`]
    const where = ['--upstream', store.url, '--rules', rules, '--drain-timeout', '1s']
    const argv = [main, 'serve', ...where, ...ports]
    const full = openSync('/dev/full', 'w')
    const child = spawn(process.execPath, argv, { stdio: ['ignore', full, 'pipe'] })
    onTestFinished(() => void child.kill('SIGKILL'))
    if (child.stderr === null) throw new Error('the output is not piped')
    const err = text(child.stderr)
    await vi.waitFor(() => exchange(`http://127.0.0.1:${admin}/readyz`), { timeout: 20_000, interval: 100 })
    // Many more than are written at once.
    for (let i = 0; i < 100; i++)
      expect((await exchange(`http://127.0.0.1:${data}/site/object`)).status).toBe(200)
    child.kill('SIGTERM')
    const [code, signal] = await once(child, 'exit')
    expect({ code, signal, err: await err }).toEqual({ code: 0, signal: null, err: '' })
  },
)
