/** The response on its way back, up to its end, whole or not. */

import { type IncomingMessage, STATUS_CODES } from 'node:http'
import { applyPatch, type HeaderLines } from '../http.ts'
import { endAfterDrain, hasUnreadBody, sendAnswer } from './answer.ts'
import type { Exchange, ForwardFailure } from './exchange.ts'
import { hasFailedWrites } from './failed-writes.ts'
import type { UpstreamErrorType } from './failure.ts'
import { whenWritten } from './free-buffer.ts'
import { responseHead, trailerPairs } from './lines.ts'

/**
 * Sends the head of the store's response. Returns whether there is anything more to relay: not when the exchange
 * is over, or when the head is such that it is over now.
 */
export function beginResponse(
  exchange: Exchange,
  status: number,
  reason: string | undefined,
  raw: HeaderLines,
): boolean {
  if (exchange.phase === 'over') return false
  const { request, response, order } = exchange
  exchange.firstByteAt ??= performance.now()
  const head =
    status >= 200 && status <= 599
      ? responseHead(raw, { status, trailers: readsTrailers(request, status) })
      : undefined
  if (head === undefined) {
    failExchange(exchange, 'invalid')
    return false
  }
  // An answer that comes before the upload is complete ends the connection: the rest may never be read.
  if (order.facts.framing.kind !== 'none' && hasUnreadBody(request)) response.shouldKeepAlive = false
  try {
    response.writeHead(status, reasonPhrase(status, reason), applyPatch(head.lines, order.patch))
  } catch {
    // A line that Node will not write.
    failExchange(exchange, 'invalid')
    return false
  }
  exchange.phase = 'answering'
  exchange.since = exchange.firstByteAt
  exchange.status = status
  exchange.remaining = head.length
  exchange.untilClose = head.untilClose
  process.nextTick(sendHead, exchange)
  return true
}

/**
 * Sends the head when no part of the body came with it: a store may pause between the two for as long as it likes.
 * Not by `flushHeaders()`, which encodes bytes above 0x7F a second time, as UTF-8.
 */
function sendHead({ phase, bytesOut, response }: Exchange): void {
  if (phase === 'answering' && bytesOut === 0 && !response.writableEnded) response.write(noBytes)
}

const noBytes = Buffer.alloc(0)

/** Trailers follow chunks, and chunks are sent to HTTP/1.1 clients in responses that have a body. */
function readsTrailers(request: IncomingMessage, status: number): boolean {
  return request.httpVersionMinor === 1 && request.method !== 'HEAD' && status !== 204 && status !== 304
}

/** The store's own phrase when it is visible ASCII, else the standard one. */
function reasonPhrase(status: number, reason: string | undefined): string {
  const standard = STATUS_CODES[status] ?? 'Unknown'
  if (reason === undefined || reason === standard) return standard
  return /^[!-~](?:[ -~]*[!-~])?$/.test(reason) ? reason : standard
}

/** In bytes: up to here a copy is cheaper than a write of two buffers. */
const smallPiece = 16 * 1024

/** Passes on one piece of the body. Returns whether the client keeps up; if not, its `drain` event says when it does. */
export function relayChunk(exchange: Exchange, chunk: Buffer): boolean {
  if (exchange.phase !== 'answering') return true
  const { request, response } = exchange
  exchange.bytesOut += chunk.length
  if (exchange.remaining !== undefined) exchange.remaining -= chunk.length
  if (exchange.remaining !== 0 || !request.complete) return response.write(chunk, whenWritten(chunk))
  // Head and last piece leave in one write; as text, so that a small one needs no second buffer.
  if (chunk.length <= smallPiece) response.end(chunk.toString('latin1'), 'latin1')
  else response.end(chunk)
  return true
}

/** Ends the response after the store has ended its own, whole. */
export function endResponse(exchange: Exchange, trailers: HeaderLines): void {
  if (exchange.phase !== 'answering') return
  const { request, response, order } = exchange
  if (response.writableEnded) return
  if (trailers.length > 0 && request.httpVersionMinor === 1) response.addTrailers(trailerPairs(trailers))
  if (order.facts.framing.kind === 'none' || !hasUnreadBody(request)) response.end()
  else endEarlyAnswer(exchange)
}

/** The store needed no more of the upload. The client gets to read that, unless it still waits to be asked for it. */
function endEarlyAnswer({ request, response, cancel }: Exchange): void {
  cancel()
  if (request.readableFlowing === null) response.end()
  else endAfterDrain(request, response)
}

/**
 * The store failed. Before its response has begun the client gets an answer that says so; afterwards its connection
 * is broken off, so that what it has can never pass for the whole.
 */
export function failExchange(exchange: Exchange, type: UpstreamErrorType): void {
  if (exchange.phase === 'over' || exchange.response.writableEnded) return
  const { phase } = exchange
  const failure = type === 'reset' && isUploading(exchange) ? 'reset-in-upload' : type
  exchange.phase = 'over'
  exchange.error = type
  exchange.cancel()
  if (phase === 'answering') breakOff(exchange)
  else answerFailure(exchange, failure)
}

/** Refuses an upload whose trailers cannot be passed on. The store never completes it. */
export function refuseUpload(exchange: Exchange): void {
  const { phase } = exchange
  if (phase === 'over') return
  exchange.cancel()
  // An answer that has begun is broken off with the connection to the store.
  if (phase === 'answering') return
  exchange.phase = 'over'
  answerFailure(exchange, 'trailers')
}

function isUploading({ phase, store, order }: Exchange): boolean {
  return order.facts.framing.kind !== 'none' && (phase === 'sending' || hasFailedWrites(store))
}

function answerFailure(exchange: Exchange, failure: ForwardFailure): void {
  const { request, response, order } = exchange
  try {
    const answer = order.failure(failure)
    exchange.status = answer.status
    exchange.bytesOut = request.method === 'HEAD' ? 0 : Buffer.byteLength(answer.body)
    // The watchdog has let go of it: from here on the idle clock of its connection governs.
    response.removeAllListeners('timeout')
    sendAnswer(request, response, answer)
  } catch (error) {
    exchange.failed(error)
    response.destroy()
  }
}

/** The client stopped taking part: its connection is closed and the store's side broken off. */
export function dropClient(exchange: Exchange): void {
  const { phase } = exchange
  exchange.phase = 'over'
  exchange.aborted = true
  exchange.cancel()
  if (phase === 'answering') breakOff(exchange)
  else exchange.response.destroy()
}

/** A response that ends with its connection looks whole after a FIN: only a reset shows that it is not. */
function breakOff({ request, response, remaining }: Exchange): void {
  const framed = response.chunkedEncoding || remaining !== undefined
  if (!framed && !('encrypted' in request.socket)) request.socket.resetAndDestroy()
  response.destroy()
}
