/** Answers that are made here, and the safe end of a connection whose request body nobody reads. */

import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { PlainResponse } from '../http.ts'

interface AnswerOptions {
  /** The connection ends with this answer: what follows on it cannot be trusted. */
  readonly close?: boolean
}

const keep: AnswerOptions = {}

/**
 * Sends `answer`, with Content-Length, and without its body where HTTP allows none. A request body that has not been
 * read closes the connection: its bytes must never be taken for the next request. When the response has already
 * begun, it is broken off.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: PlainResponse,
  options: AnswerOptions = keep,
): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const { status, body } = answer
  const unread = hasUnreadBody(request)
  if (unread || options.close === true) response.shouldKeepAlive = false
  // As bytes: Node joins a text to the head and encodes both as UTF-8, whatever bytes the head holds.
  const bytes = Buffer.from(body)
  const length = String(bytes.length)
  const lines =
    status === 204 || status === 304 ? [...answer.headers] : [...answer.headers, 'Content-Length', length]
  response.writeHead(status, STATUS_CODES[status] ?? 'Unknown', lines)
  if (!unread || waitsForContinue(request)) {
    if (body === '') response.end()
    else response.end(bytes)
    return
  }
  response.write(bytes)
  endAfterDrain(request, response)
}

/** Whether a body was announced of which the end has not been seen. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return true
  const length = headers['content-length']
  return length !== undefined && !/^0+$/.test(length)
}

/** Whether the client holds its body back for a 100 (Continue), and nobody has begun to read it. */
function waitsForContinue(request: IncomingMessage): boolean {
  return request.readableFlowing === null && /100-continue/i.test(request.headers.expect ?? '')
}

/** What is read of an upload that nobody wants, so that its sender gets to read the answer (RFC 9112 section 9.6). */
const drainBytes = 64 * 1024 * 1024
const drainMilliseconds = 5_000

/** What ends each response that is whole and only waits for the rest of an upload. */
const drains = new WeakMap<ServerResponse, () => void>()

/** Ends `response` now if it is whole and waits for the rest of an upload. Returns whether it was so. */
export function endDrain(response: ServerResponse): boolean {
  const finish = drains.get(response)
  finish?.()
  return finish !== undefined
}

/**
 * Ends a response whose bytes are all written and which closes the connection, once the rest of the request body
 * has come, or after a bounded part of it. A sender that is cut off earlier often never sees its answer.
 */
export function endAfterDrain(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0
  const finish = (): void => {
    clearTimeout(timer)
    request.off('data', count).off('end', finish).off('close', finish)
    request.pause()
    drains.delete(response)
    response.end()
  }
  const count = (chunk: Buffer): void => {
    bytes += chunk.length
    if (bytes > drainBytes) finish()
  }
  const timer = setTimeout(finish, drainMilliseconds)
  drains.set(response, finish)
  request.on('data', count).once('end', finish).once('close', finish)
  request.resume()
}
