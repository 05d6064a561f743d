import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { report } from '../reliability/report.ts'
import { sign } from './sign.ts'

/** `CORS_SIDECAR_KILLS=200` for a release, 1000 at night. */
const kills = Number(process.env.CORS_SIDECAR_KILLS ?? 10)
const script = fileURLToPath(new URL('serve.ts', import.meta.url))

let directory: string
const children: ChildProcess[] = []
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'crash-'))
})
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
  await rm(directory, { recursive: true, force: true })
})

/** Long enough for a half-finished write in place to be noticed. */
const origins = (name: string): string[] =>
  Array.from({ length: 150 }, (_, i) => `https://${name}-${i}.example`)
const documentOf = (name: string): string =>
  `<CORSConfiguration><CORSRule>${origins(name)
    .map((origin) => `<AllowedOrigin>${origin}</AllowedOrigin>`)
    .join('')}<AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>`
const fileOf = (name: string): string =>
  `rules:\n  - allowedOrigins:\n${origins(name)
    .map((origin) => `      - "${origin}"\n`)
    .join('')}    allowedMethods: [GET]\n`

async function serve(shell?: string): Promise<{ child: ChildProcess; port: number }> {
  const child =
    shell === undefined
      ? spawn(process.execPath, [script, directory], { stdio: ['ignore', 'pipe', 'inherit'] })
      : spawn('/bin/sh', ['-c', shell, 'sh', process.execPath, script, directory], {
          stdio: ['ignore', 'pipe', 'inherit'],
        })
  children.push(child)
  const [line] = await once(child.stdout ?? child, 'data')
  return { child, port: Number(String(line)) }
}

/** Resolves with status and body, or with status 0 when the server died first. */
function call(port: number, method: string, body: string): Promise<{ status: number; text: string }> {
  const unsigned = { method, target: '/photos/?cors', host: `127.0.0.1:${port}`, bucket: 'photos' }
  return new Promise((resolve) => {
    const outgoing = request({
      host: '127.0.0.1',
      port,
      method,
      path: unsigned.target,
      agent: false,
      headers: { ...sign('oss', unsigned), 'Content-Length': Buffer.byteLength(body) },
    })
    const died = (): void => resolve({ status: 0, text: '' })
    outgoing.on('error', died)
    outgoing.on('response', (incoming) => {
      let text = ''
      incoming.on('data', (chunk: Buffer) => (text += chunk.toString()))
      incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text })).on('error', died)
    })
    outgoing.end(body)
  })
}

test(`killed ${kills} times during PUT, the file is always an old or a new one, whole`, {
  timeout: 30_000 + kills * 10_000,
}, async () => {
  const names = ['a', 'b', 'c']
  const whole = new Set([undefined, ...names.map(fileOf)])
  let answered: string | undefined
  let written: string | undefined
  let strays = 0
  let cutOff = 0
  for (let round = 0; round < kills; round++) {
    const { child, port } = await serve()
    const settled: string[] = []
    const puts = names.map(async (name) => {
      const { status } = await call(port, 'PUT', documentOf(name))
      if (status === 200) settled.push(name)
    })
    // From before the first request is read to after the last is answered, in even steps.
    await new Promise((resolve) => setTimeout(resolve, ((round * 7) % 20) * 5))
    child.kill('SIGKILL')
    await once(child, 'close')
    await Promise.all(puts)
    const text = await readFile(join(directory, 'photos.yaml'), 'utf8').catch(() => undefined)
    expect(whole.has(text), `round ${round}`).toBe(true)
    // An acknowledged write must persist, unless a later one replaced it.
    if (settled.length > 0) answered = settled.at(-1)
    if (answered !== undefined) expect(text).toBeDefined()
    const present = await readdir(directory)
    const visible = present.filter((name) => !name.startsWith('.'))
    expect(visible).toEqual(text === undefined ? [] : ['photos.yaml'])
    strays += present.length - visible.length
    if (settled.length < names.length) cutOff++
    written = names.find((name) => fileOf(name) === text)
  }
  report({ kills, cutOff, strays })

  // What a killed write leaves behind is never read as a rule file, even when it is complete.
  const stray = `.photos.yaml.${'0123456789abcdef'}.tmp`
  await writeFile(join(directory, stray), fileOf('stray'))
  const { port } = await serve()
  const { status, text } = await call(port, 'GET', '')
  expect({ status, reported: /https:\/\/(\w+)-0\.example/.exec(text)?.[1] }).toEqual({
    status: written === undefined ? 404 : 200,
    reported: written,
  })
})

test('a full disk gives 503 in the dialect, and the old rules stay', async () => {
  const first = await serve()
  expect((await call(first.port, 'PUT', documentOf('a'))).status).toBe(200)
  first.child.kill('SIGKILL')
  await once(first.child, 'close')
  // The file size limit of 4 KB simulates a full disk.
  const full = await serve('ulimit -f 8; exec "$@"')
  const answer = await call(full.port, 'PUT', documentOf('b'))
  expect(answer.status).toBe(503)
  expect(answer.text).toContain('<Code>ServiceUnavailable</Code>')
  expect((await call(full.port, 'GET', '')).text).toContain('https://a-0.example')
  expect(await readdir(directory)).toEqual(['photos.yaml'])
  expect(await readFile(join(directory, 'photos.yaml'), 'utf8')).toBe(fileOf('a'))
})
