import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { surviveFailedWrites } from '../../src/proxy/failed-writes.ts'
import { lacking, nginx } from '../doctor/hops.ts'
import { headOf, openClient, playStore, startPath, whole } from './path.ts'

/** Uploads per cell of the matrix and per path. */
const tries = Number(process.env.EARLY_ANSWERS ?? 3)

interface RefusingStore {
  readonly port: number
  readonly status: number
  /** Lines of a request that the store refuses. */
  readonly lines?: string
}

const refusal = (version: string, status: string): string =>
  `HTTP/${version} ${status}\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused`

/** Sends a head, or part of a requested body, and closes at once: unread data makes the kernel send a reset. */
async function closingStore(answer: string): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    const refuse = (): void => {
      socket.pause()
      socket.end(answer, () => socket.destroy())
    }
    socket.once('data', (head) => {
      if (!head.includes('Expect')) refuse()
      else socket.once('data', refuse).write('HTTP/1.1 100 Continue\r\n\r\n')
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

async function lingeringStore(answer: string): Promise<number> {
  const { port } = await playStore((side) => {
    if (side.text.includes('\r\n\r\n') && !side.socket.writableEnded) side.socket.end(answer)
    // Discarded data need not be kept.
    side.text = side.text.slice(-4)
  })
  return port
}

const versitygw = (process.env.VERSITYGW ?? '')
  .split(delimiter)
  .concat((process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'versitygw')))
  .find(isProgram)

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return path !== ''
  } catch {
    return false
  }
}

/** A real S3 server, which refuses unsigned requests without lingering. */
async function startVersitygw(program: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'versitygw-'))
  await mkdir(join(folder, 'bucket1'))
  const spare = createServer().listen(0, '127.0.0.1')
  await once(spare, 'listening')
  const address = spare.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  spare.close()
  await once(spare, 'close')
  const where = ['--port', `127.0.0.1:${address.port}`, '--access', 'a', '--secret', 'b', 'posix', folder]
  const child = spawn(program, where, { stdio: 'ignore' })
  const exited = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await exited
    await rm(folder, { recursive: true })
  })
  while (!(await accepts(address.port))) await new Promise((resolve) => setTimeout(resolve, 50))
  return address.port
}

async function accepts(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  const isOpen = await new Promise<boolean>((resolve) =>
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false)),
  )
  socket.destroy()
  return isOpen
}

const stores: Readonly<Record<string, () => Promise<RefusingStore>>> = {
  'closes with a reset at once': async () => ({
    port: await closingStore(refusal('1.1', '413 Payload Too Large')),
    status: 413,
  }),
  'speaks HTTP/1.0 and closes at once': async () => ({
    port: await closingStore(refusal('1.0', '501 Unsupported method')),
    status: 501,
  }),
  'answers and reads on': async () => ({
    port: await lingeringStore(refusal('1.1', '403 Forbidden')),
    status: 403,
  }),
}

/**
 * Uploads `size` bytes like curl, which reads the response while it sends. Resolves with the status that it sees.
 */
async function upload(port: number, size: number, expects: boolean): Promise<number> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  surviveFailedWrites(socket)
  await once(socket, 'connect')
  const expectation = expects ? 'Expect: 100-continue\r\n' : ''
  let text = ''
  let stopped = false
  const ended = new Promise<void>((resolve) => {
    socket.on('data', (bytes) => {
      text += bytes.toString('latin1')
      const answer = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
      if (/^HTTP\/1\.[01] [2-5]/.test(answer)) stopped = true
      if (whole(answer)) resolve()
    })
    socket
      .once('end', resolve)
      .once('error', () => resolve())
      .once('close', () => resolve())
  })
  socket.write(`PUT /bucket1/k HTTP/1.1\r\nHost: h\r\n${expectation}Content-Length: ${size}\r\n\r\n`)
  const isAsked = expects
    ? new Promise<void>((resolve) => socket.on('data', () => text.includes('100 Continue') && resolve()))
    : Promise.resolve()
  void isAsked.then(() => pump(socket, size, () => stopped))
  await ended
  socket.destroy()
  const [, status] = /(?:^|\r\n\r\n)HTTP\/1\.[01] ([2-5]\d\d) /.exec(text) ?? []
  return Number(status ?? 0)
}

async function pump(socket: Socket, size: number, isStopped: () => boolean): Promise<void> {
  const piece = Buffer.alloc(64 * 1024, 'x')
  for (let sent = 0; sent < size && !isStopped() && socket.writable; sent += piece.length) {
    if (socket.write(piece.subarray(0, Math.min(piece.length, size - sent)))) continue
    await new Promise<void>((resolve) => socket.once('drain', resolve).once('close', resolve))
  }
}

const sizes = { '300 KB': 300_000, '1 MB': 1_000_000, '5 MB': 5_000_000, '50 MB': 50_000_000 }

/** How many tries see the status, by path. */
async function compare({ port, status }: RefusingStore, size: number, expects: boolean) {
  const path = await startPath({ store: port })
  const read = { direct: 0, through: 0 }
  for (let i = 0; i < tries; i++) {
    if ((await upload(port, size, expects)) === status) read.direct++
    if ((await upload(path.port, size, expects)) === status) read.through++
  }
  if (process.env.EARLY_ANSWERS !== undefined)
    process.stdout.write(`${size} ${expects} ${JSON.stringify(read)}\n`)
  return read
}

const atLeast = (direct: number): number => direct - Math.max(Math.floor(tries / 20), 1)

describe.each(
  Object.keys(sizes) as (keyof typeof sizes)[],
)('an upload of %s that a store refuses early', (size) => {
  describe.each([false, true])('with Expect: %s', (expects) => {
    test.each(Object.keys(stores))('is answered as often as directly when the store %s', async (kind) => {
      const store = await stores[kind]?.()
      if (store === undefined) throw new Error('no store')
      const { direct, through } = await compare(store, sizes[size], expects)
      expect(direct).toBeGreaterThan(0)
      expect(through).toBeGreaterThanOrEqual(atLeast(direct))
    })

    test('is answered as often as directly when the store is versitygw', async ({ skip }) => {
      if (versitygw === undefined) return skip('versitygw is not on the PATH, nor named by VERSITYGW')
      const port = await startVersitygw(versitygw)
      const { direct, through } = await compare({ port, status: 403 }, sizes[size], expects)
      expect(direct).toBeGreaterThan(0)
      expect(through).toBeGreaterThanOrEqual(atLeast(direct))
    })
  })
})

describe.skipIf(lacking.includes('nginx'))('beside nginx, which passes an upload on as it comes', () => {
  test.each(
    Object.entries(sizes),
  )('as many clients read the answer of a store that closes during an upload of %s', async (_, size) => {
    const store = await closingStore(refusal('1.1', '413 Payload Too Large'))
    const path = await startPath({ store })
    const peer = await nginx(
      (port) => `server {
        listen 127.0.0.1:${port};
        client_max_body_size 0;
        location / {
          proxy_pass http://127.0.0.1:${store};
          proxy_http_version 1.1;
          proxy_request_buffering off;
        }
      }`,
    )
    const read = { nginx: 0, sidecar: 0 }
    for (let i = 0; i < 2 * tries; i++) {
      if ((await upload(peer, size, false)) === 413) read.nginx++
      if ((await upload(path.port, size, false)) === 413) read.sidecar++
    }
    if (process.env.EARLY_ANSWERS !== undefined) process.stdout.write(`${size} ${JSON.stringify(read)}\n`)
    expect(read.sidecar).toBeGreaterThanOrEqual(read.nginx)
  })
})

test('an early answer without a length that ends with a reset never looks complete', async () => {
  const store = await closingStore('HTTP/1.1 403 Forbidden\r\n\r\na beginning')
  const path = await startPath({ store })
  for (let i = 0; i < 10; i++) {
    const client = await openClient(path.port)
    surviveFailedWrites(client.socket)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n')
    await pump(client.socket, 20_000_000, () => client.text() !== '')
    const { text } = await client.ended()
    expect(text).not.toMatch(/\r\n0\r\n\r\n$/)
  }
})

test('a store that closes during an upload without answering gives a 502 that says so', async () => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => socket.pause().destroy())
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const path = await startPath({ store: address.port })
  const client = await openClient(path.port)
  client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n')
  await pump(client.socket, 20_000_000, () => client.text() !== '')
  const text = await client.until((text) => text.includes('\r\n\r\n'))
  expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
  expect(text).toMatch(/\r\n\r\nreset-in-upload$/)
  await path.over(1)
  expect(path.outcomes[0]).toMatchObject({ error: 'reset' })
})
