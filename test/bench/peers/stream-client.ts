/**
 * Sends or reads large objects and prints the outcome as one line of JSON: `node stream-client.ts
 * '{"url":"http://…","direction":"get","bytes":104857600,"transfers":4,"atATime":1}'`. With `stopAfter` it aborts
 * after that many bytes in total. Exits with 1 when a response is wrong or incomplete.
 */
import { readFileSync } from 'node:fs'
import {
  type ClientRequest,
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingMessage,
} from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import { TLSSocket } from 'node:tls'
import type { StreamOrder, StreamOutcome } from '../streams.ts'

const order: StreamOrder = JSON.parse(process.argv[2] ?? '{}')
const { url, direction, bytes, transfers, atATime, stopAfter = Number.POSITIVE_INFINITY, ca, origin } = order
const isSecure = url.startsWith('https:')
const sockets = { keepAlive: true, maxSockets: atATime }
const agent = isSecure
  ? new HttpsAgent({ ...sockets, ca: ca === undefined ? undefined : readFileSync(ca) })
  : new HttpAgent(sockets)
const block = Buffer.alloc(256 * 1024, 'x')
const tls = new Set<string>()
let moved = 0
let left = transfers
/** Set after `stopAfter` bytes: running transfers are aborted. */
let isEnough = false

const started = performance.now()
await Promise.all(Array.from({ length: atATime }, transferAll))
const outcome: StreamOutcome = {
  bytes: moved,
  seconds: (performance.now() - started) / 1000,
  tls: [...tls],
}
console.log(JSON.stringify(outcome))
agent.destroy()

async function transferAll(): Promise<void> {
  while (left > 0 && !isEnough) {
    left--
    await transfer().catch((error: unknown) => {
      if (!isEnough) throw error
    })
  }
}

function transfer(): Promise<void> {
  return new Promise((resolve, reject) => {
    const headers = { Origin: origin, ...(direction === 'put' ? { 'Content-Length': bytes } : {}) }
    const options = { method: direction.toUpperCase(), headers, agent }
    const request = isSecure ? httpsRequest(url, options) : httpRequest(url, options)
    request.on('error', reject)
    request.on('response', (response) => {
      const { socket } = response
      if (socket instanceof TLSSocket) tls.add(`${socket.getProtocol()} ${socket.getCipher().name}`)
      response.on('error', reject)
      read(request, response, resolve, reject)
    })
    if (direction === 'put') write(request)
    else request.end()
  })
}

function read(
  request: ClientRequest,
  response: IncomingMessage,
  resolve: () => void,
  reject: (error: Error) => void,
): void {
  const { statusCode, headers } = response
  let seen = 0
  response.on('data', (piece: Buffer) => {
    seen += piece.length
    count(piece.length, request)
  })
  response.on('end', () => {
    const whole = direction === 'put' ? Number(headers['x-bytes']) : seen
    if (statusCode === 200 && whole === bytes && headers['access-control-allow-origin'] === origin) resolve()
    else reject(new Error(`${direction} ${url}: ${statusCode}, ${whole} of ${bytes} bytes`))
  })
}

function write(request: ClientRequest): void {
  let unsent = bytes
  const writeOn = (): void => {
    while (unsent > 0 && !request.destroyed) {
      const piece = unsent < block.length ? block.subarray(0, unsent) : block
      unsent -= piece.length
      const hasRoom = request.write(piece)
      count(piece.length, request)
      if (!hasRoom) {
        request.once('drain', writeOn)
        return
      }
    }
    request.end()
  }
  writeOn()
}

function count(length: number, request: ClientRequest): void {
  moved += length
  if (moved < stopAfter && !isEnough) return
  isEnough = true
  request.destroy(new Error('enough was seen'))
}
