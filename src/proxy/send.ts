/**
 * Forwards every request that `get.ts` does not take, above all uploads. Uses `node:http`, because it relays Expect
 * and leaves the client's connection alone when the store answers before the upload is complete.
 */

import type { Agent, ClientRequest, IncomingMessage } from 'node:http'
import { mayBeFollowedByBody } from './agent.ts'
import { isCutOff } from './closure.ts'
import { type Exchange, enter } from './exchange.ts'
import { hasFailedWrites } from './failed-writes.ts'
import { typeOfError } from './failure.ts'
import { whenWritten } from './free-buffer.ts'
import { uploadTrailers } from './lines.ts'
import { request as startRequest } from './node-http.ts'
import { beginResponse, endResponse, failExchange, refuseUpload, relayChunk } from './relay.ts'

interface SendOptions {
  readonly agent: Agent
  /** Limit of a response's header section, in bytes. */
  readonly maxHeaderSize: number
}

/**
 * How long to wait for the store's reaction to `Expect: 100-continue`, in milliseconds; many stores never send one.
 */
const continueMilliseconds = 1_000

/** Sends the request of `exchange` with the header lines `lines`, and relays its body and the response. */
export function send(exchange: Exchange, options: SendOptions, lines: readonly string[]): void {
  const outgoing = start(exchange, options, lines)
  if (!hasBody(exchange)) outgoing.end()
  else if (expectsContinue(exchange)) sendWhenAsked(exchange, outgoing)
  else sendBody(exchange, outgoing)
}

/**
 * Whether the client waits for 100 (Continue). HTTP/1.0 has no Expect (RFC 9110 section 10.1.1), and without a body
 * there is nothing to wait for.
 */
export function expectsContinue(exchange: Exchange): boolean {
  const { request, order } = exchange
  return order.facts.expectContinue && request.httpVersionMinor === 1 && hasBody(exchange)
}

function hasBody({ order }: Exchange): boolean {
  const { framing } = order.facts
  return framing.kind === 'chunked' || (framing.kind === 'length' && framing.bytes > 0)
}

function start(exchange: Exchange, options: SendOptions, lines: readonly string[]): ClientRequest {
  const outgoing = startRequest({
    agent: options.agent,
    method: exchange.request.method ?? '',
    path: exchange.order.target,
    headers: lines,
    setDefaultHeaders: false,
    maxHeaderSize: options.maxHeaderSize,
  })
  // No maximum: a header line that Node left out could be the one that frames the body.
  outgoing.maxHeadersCount = 0
  exchange.cancel = () => outgoing.destroy()
  let answer: IncomingMessage | undefined
  outgoing.on('socket', (socket) => {
    exchange.store = socket
    enter(exchange, 'sending')
  })
  outgoing.on('finish', () => enter(exchange, 'waiting'))
  outgoing.on('response', (incoming) => {
    answer = incoming
    if (mayBeFollowedByBody(incoming)) outgoing.shouldKeepAlive = false
    receive(exchange, incoming)
  })
  // Emitted just before the agent gives the connection to another exchange, which then owns the bytes on it.
  outgoing.on('close', () => {
    exchange.store = undefined
  })
  outgoing.on('upgrade', (_, socket) => {
    socket.destroy()
    failExchange(exchange, 'invalid')
  })
  outgoing.on('error', (error) => {
    if (exchange.phase === 'over' || answer?.complete === true) return
    failExchange(exchange, typeOfError(error, exchange.phase === 'answering'))
  })
  return outgoing
}

function receive(exchange: Exchange, incoming: IncomingMessage): void {
  const { response } = exchange
  if (!beginResponse(exchange, incoming.statusCode ?? 0, incoming.statusMessage, incoming.rawHeaders)) return
  incoming.on('data', (chunk: Buffer) => {
    if (!relayChunk(exchange, chunk)) incoming.pause()
  })
  response.on('drain', () => incoming.resume())
  const { socket } = incoming
  incoming.on('end', () => {
    const isLost = hasFailedWrites(exchange.store)
    // After a failed write the read side may not see the error either, so this end may be a reset.
    const isTruncated = exchange.untilClose && (isLost || (mayHaveBody(exchange) && isCutOff(socket)))
    if (isTruncated) failExchange(exchange, 'truncated')
    else endResponse(exchange, incoming.rawTrailers)
    // Keeps the agent from reusing the connection.
    if (isLost) socket.destroy()
  })
  incoming.on('error', () => failExchange(exchange, 'truncated'))
}

/** HEAD, 204 and 304 have no body (RFC 9112 section 6.3). */
const mayHaveBody = ({ request, status }: Exchange): boolean =>
  request.method !== 'HEAD' && status !== 204 && status !== 304

/** Asks the client for its body when the store sends 100 (Continue), or after a timeout. */
function sendWhenAsked(exchange: Exchange, outgoing: ClientRequest): void {
  let timer: NodeJS.Timeout | undefined
  const forget = (): void => clearTimeout(timer)
  const ask = (): void => {
    forget()
    outgoing.off('continue', ask)
    if (exchange.phase !== 'sending') return
    exchange.response.writeContinue()
    sendBody(exchange, outgoing)
  }
  outgoing.once('socket', () => {
    timer = setTimeout(ask, continueMilliseconds)
  })
  outgoing.once('continue', ask).once('response', forget).once('close', forget)
}

/**
 * Relays the body. If the client aborts the upload, the connection to the store is aborted too, so that the store
 * never sees a complete request.
 */
function sendBody(exchange: Exchange, outgoing: ClientRequest): void {
  const { request } = exchange
  const pass = (chunk: Buffer): void => {
    exchange.bytesIn += chunk.length
    if (!outgoing.write(chunk, whenWritten(chunk))) request.pause()
  }
  const goOn = (): void => {
    request.resume()
  }
  const end = (): void => {
    if (!request.complete) exchange.cancel()
    else if (request.rawTrailers.length === 0) outgoing.end()
    else endWithTrailers(exchange, outgoing)
  }
  exchange.cancel = () => {
    request.off('data', pass).off('end', end)
    outgoing.off('drain', goOn).destroy()
  }
  request.on('data', pass).once('end', end)
  outgoing.on('drain', goOn)
}

/** Passes on trailers as well, because otherwise a checksum sent there would never be verified. */
function endWithTrailers(exchange: Exchange, outgoing: ClientRequest): void {
  const trailers = uploadTrailers(exchange.request.rawTrailers)
  if (trailers === undefined) {
    refuseUpload(exchange)
    return
  }
  outgoing.addTrailers(trailers)
  outgoing.end()
}
