import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'
import { folderWith } from '../rules/directory.ts'
import { exchange } from './exchange.ts'
import { generationFile } from './generations.ts'
import { endProgram, main, type Program, startProgram } from './program.ts'

async function rulesFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'hostile-clients-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return folderWith(folder, { 'bucket.yaml': generationFile(1) })
}

/** A store that never answers `/never`, answers `/held` on demand, and `/large` with more than any buffer holds. */
async function startStore(held: (answer: () => void) => void = () => {}): Promise<string> {
  const server = createServer((request, response) => {
    if (request.url?.endsWith('/never') === true) return
    if (request.url?.endsWith('/held') === true) {
      held(() => response.end('object'))
      return
    }
    response.end(request.url?.endsWith('/large') === true ? Buffer.alloc(64 * 1024 * 1024) : 'object')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function start(...flags: readonly string[]): Promise<Program> {
  const program = await startProgram(await startStore(), await rulesFolder(), flags)
  onTestFinished(() => endProgram(program))
  return program
}

async function connection(url: string): Promise<Socket> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1').on('error', () => {})
  onTestFinished(() => void socket.destroy())
  await Promise.race([once(socket, 'connect'), once(socket, 'close')])
  return socket
}

const requestOf = (target: string, filler = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: store\r\nX-A: ${filler}\r\n\r\n`

test('requests sent ahead of an answer that does not come are bounded by their bytes', async () => {
  const { data } = await start()
  const socket = await connection(data)
  const closed = once(socket.resume(), 'close')
  socket.write(requestOf('/bucket/never') + requestOf('/bucket/never', 'y'.repeat(15_000)).repeat(6))
  await closed
  expect((await exchange(`${data}/bucket/object`)).status).toBe(200)
})

test('a few small requests sent ahead are all answered, in order', async () => {
  const { data } = await start()
  const socket = await connection(data)
  let text = ''
  const complete = new Promise<void>((resolve) => {
    socket.setEncoding('latin1').on('data', (piece) => {
      text += piece
      if (text.split('object').length > 20) resolve()
    })
  })
  socket.write(requestOf('/bucket/object').repeat(20))
  await complete
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(20)
})

test('a reader that reads nothing is cut off, even if it keeps sending', async () => {
  const program = await start('--idle-timeout', '500ms')
  const socket = await connection(program.data)
  socket.pause()
  socket.write(requestOf('/bucket/large'))
  const drip = setInterval(() => socket.write('\r\n'), 100)
  onTestFinished(() => clearInterval(drip))
  const line = await program.logged((fields) => fields['url.path'] === '/bucket/large')
  expect(line['http.response.status_code']).toBe(200)
  expect(Number(line['http.response.body.size'])).toBeLessThan(64 * 1024 * 1024)
})

test('idle connections are closed for health checks, new requests and connections to the store', async () => {
  const held = Promise.withResolvers<() => void>()
  const store = await startStore(held.resolve)
  const { dataPort, adminPort } = await startWithFiles(128, store)
  const data = `http://127.0.0.1:${dataPort}`
  const busy = await connection(data)
  busy.write(requestOf('/bucket/held'))
  const answer = await held.promise
  for (let batch = 0; batch < 10; batch++)
    await Promise.all(Array.from({ length: 20 }, () => connection(data)))
  expect((await exchange(`http://127.0.0.1:${adminPort}/healthz`)).status).toBe(200)
  expect((await exchange(`${data}/bucket/object`)).status).toBe(200)
  answer()
  const [bytes] = await once(busy, 'data')
  expect(String(bytes)).toMatch(/^HTTP\/1\.1 200 OK/)
})

/** `serve` as a process with at most `most` file descriptors. */
async function startWithFiles(
  most: number,
  store: string,
): Promise<{ readonly dataPort: unknown; readonly adminPort: unknown }> {
  const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const argv = [main, 'serve', '--upstream', store, '--rules', await rulesFolder(), ...ports]
  // Sets both limits, because Node raises the soft limit to the hard one.
  const shell = `ulimit -n ${most}; exec "$0" "$@"`
  const child = spawn('/bin/sh', ['-c', shell, process.execPath, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const serving = Promise.withResolvers<Record<string, unknown>>()
  createInterface(child.stdout).on('line', (line) => {
    const fields = JSON.parse(line)
    if (fields.msg === 'serving') serving.resolve(fields)
  })
  const { 'server.port': dataPort, 'admin.port': adminPort } = await serving.promise
  return { dataPort, adminPort }
}

test('idle connections to the admin port are closed for health checks', async () => {
  const { admin } = await start()
  for (let batch = 0; batch < 15; batch++)
    await Promise.all(Array.from({ length: 20 }, () => connection(admin)))
  expect((await exchange(`${admin}/healthz`)).status).toBe(200)
})
