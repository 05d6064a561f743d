/** Parses HTTP/1.1 messages independently of Node's parser. Text holds one byte per character. */

import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A message as sent. */
export interface RawMessage {
  /** Request line or status line, without its line end. */
  readonly start: string
  /** Header lines, without their line ends. */
  readonly lines: readonly string[]
  readonly framing: 'none' | 'length' | 'chunked' | 'close'
  /** Without chunk framing. */
  readonly body: Buffer
  readonly trailers: readonly string[]
}

/** The value of the header `name` (lower case); `undefined` when there is none. */
export const lineValue = (lines: readonly string[], name: string): string | undefined =>
  lines
    .find((line) => line.toLowerCase().startsWith(`${name}:`))
    ?.slice(name.length + 1)
    .trim()

interface ReadHow {
  /** The connection has ended, so nothing more follows. */
  readonly ended: boolean
  /** A response without a body: to HEAD, 204, 304. */
  readonly bodiless: boolean
}

/** The first message in `bytes`; `undefined` while it is incomplete. */
export function readMessage(bytes: Buffer, how: ReadHow): RawMessage | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [start = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const rest = bytes.subarray(end + 4)
  const length = lineValue(lines, 'content-length')
  const isRequest = !start.startsWith('HTTP/')
  const nothing = { start, lines, body: Buffer.alloc(0), trailers: [] }
  if (how.bodiless || /^HTTP\/1\.1 (?:1|204|304)/.test(start)) return { ...nothing, framing: 'none' }
  if (lineValue(lines, 'transfer-encoding') !== undefined) {
    const chunked = readChunks(rest)
    return chunked === undefined ? undefined : { ...nothing, framing: 'chunked', ...chunked }
  }
  if (length !== undefined) {
    const body = rest.subarray(0, Number(length))
    return body.length < Number(length) ? undefined : { ...nothing, framing: 'length', body }
  }
  if (isRequest) return { ...nothing, framing: 'none' }
  return how.ended ? { ...nothing, framing: 'close', body: rest } : undefined
}

function readChunks(bytes: Buffer): { body: Buffer; trailers: string[] } | undefined {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const end = bytes.indexOf('\r\n', at)
    if (end < 0) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, end), 16)
    at = end + 2
    if (size === 0) break
    if (bytes.length < at + size + 2) return undefined
    pieces.push(bytes.subarray(at, at + size))
    at += size + 2
  }
  const rest = bytes.toString('latin1', at)
  if (rest.startsWith('\r\n')) return { body: Buffer.concat(pieces), trailers: [] }
  const end = rest.indexOf('\r\n\r\n')
  return end < 0 ? undefined : { body: Buffer.concat(pieces), trailers: rest.slice(0, end).split('\r\n') }
}

/**
 * A store that records requests byte for byte and answers with exactly the given bytes. A response that is
 * delimited by the end of the connection closes it.
 */
export async function startRawStore() {
  let answer = ok
  const requests: RawMessage[] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    sockets.add(socket)
    socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    socket.on('data', (piece: Buffer) => {
      bytes = Buffer.concat([bytes, piece])
      const request = readMessage(bytes, { ended: false, bodiless: false })
      if (request === undefined) return
      bytes = Buffer.alloc(0)
      requests.push(request)
      socket.write(answer, 'latin1')
      const bodiless = request.start.startsWith('HEAD ')
      if (readMessage(Buffer.from(answer, 'latin1'), { ended: false, bodiless }) === undefined) socket.end()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** The response to every request from now on. */
    set(next: string): void {
      answer = next
    },
    /** The requests since the last call. */
    take: (): RawMessage[] => requests.splice(0),
    async close(): Promise<void> {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}

export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** Sends `request` byte for byte and reads the response. Skips informational responses. */
export async function exchangeRaw(port: number, request: string): Promise<RawMessage> {
  const socket = connect(port, '127.0.0.1')
  const { promise, resolve, reject } = Promise.withResolvers<RawMessage>()
  const bodiless = request.startsWith('HEAD ')
  let bytes = Buffer.alloc(0)
  const look = (ended: boolean): void => {
    for (;;) {
      const answer = readMessage(bytes, { ended, bodiless })
      if (answer === undefined) break
      if (!/^HTTP\/1\.1 1/.test(answer.start)) {
        resolve(answer)
        return
      }
      bytes = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4)
    }
    if (ended) reject(new Error(`no answer: ${bytes.toString('latin1', 0, 200)}`))
  }
  socket.on('error', reject)
  socket.on('data', (piece: Buffer) => {
    bytes = Buffer.concat([bytes, piece])
    look(false)
  })
  socket.on('end', () => look(true))
  socket.write(request, 'latin1')
  try {
    return await promise
  } finally {
    socket.destroy()
  }
}
