/** Relays the store's response to the client, and handles every way it can end. */

import type { IncomingMessage } from 'node:http'
import { applyPatch, type HeaderLines } from '../http.ts'
import { endAfterDrain, hasUnreadBody, sendAnswer } from './answer.ts'
import type { Exchange, ForwardFailure } from './exchange.ts'
import { hasFailedWrites } from './failed-writes.ts'
import type { UpstreamErrorType } from './failure.ts'
import { whenWritten } from './free-buffer.ts'
import { responseHead, trailerPairs } from './lines.ts'
import { STATUS_CODES } from './node-http.ts'

/**
 * Sends the head of the store's response. Returns whether a body may follow: false when the exchange is already over,
 * or when the head is invalid, which ends it.
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
  // A response that comes before the upload is complete closes the connection, because the rest may never be read.
  if (order.facts.framing.kind !== 'none' && hasUnreadBody(request)) response.shouldKeepAlive = false
  try {
    response.writeHead(status, reasonPhrase(status, reason), applyPatch(head.lines, order.patch))
  } catch {
    // Node refuses to write one of the lines.
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
 * Sends the head without waiting for the body, because a store may pause between the two for any length of time. Not
 * `flushHeaders()`, which encodes bytes above 0x7F a second time, as UTF-8.
 */
function sendHead({ phase, bytesOut, response }: Exchange): void {
  if (phase === 'answering' && bytesOut === 0 && !response.writableEnded) response.write(noBytes)
}

const noBytes = Buffer.alloc(0)

/** Trailers need chunked coding, and so an HTTP/1.1 client and a response that has a body (RFC 9112 section 7.1.2). */
function readsTrailers(request: IncomingMessage, status: number): boolean {
  return request.httpVersionMinor === 1 && request.method !== 'HEAD' && status !== 204 && status !== 304
}

/** The store's own phrase if it is visible ASCII, else the standard one. */
function reasonPhrase(status: number, reason: string | undefined): string {
  const standard = STATUS_CODES[status] ?? 'Unknown'
  if (reason === undefined || reason === standard) return standard
  return /^[!-~](?:[ -~]*[!-~])?$/.test(reason) ? reason : standard
}

/** In bytes. Up to this size one copy is cheaper than a write of two buffers. */
const smallPiece = 16 * 1024

/**
 * Relays one chunk of the body. Returns false when the client is slower than the store; its `drain` event follows.
 */
export function relayChunk(exchange: Exchange, chunk: Buffer): boolean {
  if (exchange.phase !== 'answering') return true
  const { request, response } = exchange
  exchange.bytesOut += chunk.length
  if (exchange.remaining !== undefined) exchange.remaining -= chunk.length
  if (exchange.remaining !== 0 || !request.complete) return response.write(chunk, whenWritten(chunk))
  // Head and last chunk leave in one write. As text, because a second buffer costs more for a small chunk.
  if (chunk.length <= smallPiece) response.end(chunk.toString('latin1'), 'latin1')
  else response.end(chunk)
  return true
}

/** Ends the client's response after the store's response has ended completely. */
export function endResponse(exchange: Exchange, trailers: HeaderLines): void {
  if (exchange.phase !== 'answering') return
  const { request, response, order } = exchange
  if (response.writableEnded) return
  if (trailers.length > 0 && request.httpVersionMinor === 1) response.addTrailers(trailerPairs(trailers))
  if (order.facts.framing.kind === 'none' || !hasUnreadBody(request)) response.end()
  else endEarlyAnswer(exchange)
}

/**
 * The store has answered before the upload was complete. Reads on for a while, so that the client sees the
 * response, unless the client still waits for 100 (Continue).
 */
function endEarlyAnswer({ request, response, cancel }: Exchange): void {
  cancel()
  if (request.readableFlowing === null) response.end()
  else endAfterDrain(request, response)
}

/**
 * The store failed. If its response has not begun, the client gets an error response. If it has, the client's
 * connection is aborted, so that a partial response never looks complete.
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

/** Refuses an upload whose trailers cannot be passed on. The store never sees the upload complete. */
export function refuseUpload(exchange: Exchange): void {
  const { phase } = exchange
  if (phase === 'over') return
  exchange.cancel()
  // A response that has begun fails with the connection to the store.
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
    // The watchdog no longer has this exchange, so the idle timeout of the connection applies again.
    response.removeAllListeners('timeout')
    exchange.bytesOut = sendAnswer(request, response, answer)
  } catch (error) {
    exchange.failed(error)
    response.destroy()
  }
}

/** The client stalled or disconnected: closes its connection and aborts the request to the store. */
export function dropClient(exchange: Exchange): void {
  const { phase } = exchange
  exchange.phase = 'over'
  exchange.aborted = true
  exchange.cancel()
  if (phase === 'answering') breakOff(exchange)
  else exchange.response.destroy()
}

/**
 * A response that is delimited by the connection's end looks complete after a FIN, so only a reset shows that it is
 * not.
 */
function breakOff({ request, response, remaining }: Exchange): void {
  const framed = response.chunkedEncoding || remaining !== undefined
  if (!framed && !('encrypted' in request.socket)) request.socket.resetAndDestroy()
  response.destroy()
}
