/** Sends responses that are made here, and closes connections safely while a request body is unread. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { PlainResponse } from '../http.ts'
import { STATUS_CODES } from './node-http.ts'

interface AnswerOptions {
  /** Closes the connection after this response, because the bytes that follow cannot be trusted. */
  readonly close?: boolean
}

const keep: AnswerOptions = {}

/**
 * Sends `answer` with Content-Length, and without its body where HTTP allows none. If the request body has not been
 * read, the connection is closed, because its bytes must never be parsed as the next request. If the response has
 * already begun, the connection is destroyed. Returns the number of bytes of the body that it sends.
 */
export function sendAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: PlainResponse,
  options: AnswerOptions = keep,
): number {
  if (response.headersSent) {
    response.destroy()
    return 0
  }
  const { status, body } = answer
  const allowsNoBody = status === 204 || status === 304
  const unread = hasUnreadBody(request)
  if (unread || options.close === true) response.shouldKeepAlive = false
  // As bytes: given a string, Node joins it to the head and encodes both as UTF-8, which corrupts Latin-1 bytes in
  // the head.
  const bytes = Buffer.from(body)
  const length = String(bytes.length)
  const lines = allowsNoBody ? [...answer.headers] : [...answer.headers, 'Content-Length', length]
  response.writeHead(status, STATUS_CODES[status] ?? 'Unknown', lines)
  if (!unread || waitsForContinue(request)) {
    if (body === '') response.end()
    else response.end(bytes)
  } else {
    response.write(bytes)
    endAfterDrain(request, response)
  }
  // Node drops a body that HTTP does not allow.
  return request.method === 'HEAD' || allowsNoBody ? 0 : bytes.length
}

/** Whether the request announced a body whose end has not arrived. */
export function hasUnreadBody(request: IncomingMessage): boolean {
  if (request.complete) return false
  const { headers } = request
  if (headers['transfer-encoding'] !== undefined) return true
  const length = headers['content-length']
  return length !== undefined && !/^0+$/.test(length)
}

/** Whether the client waits for 100 (Continue) before it sends its body, and the body is unread so far. */
function waitsForContinue(request: IncomingMessage): boolean {
  return request.readableFlowing === null && /100-continue/i.test(request.headers.expect ?? '')
}

/** How much of an unwanted upload to read, so that the sender gets to read the response (RFC 9112 section 9.6). */
const drainBytes = 64 * 1024 * 1024
const drainMilliseconds = 5_000

/** For each response that is complete but waits for the rest of an upload: the function that ends it now. */
const drains = new WeakMap<ServerResponse, () => void>()

/** Ends `response` now if it is complete and only waits for the rest of an upload. Returns whether it did. */
export function endDrain(response: ServerResponse): boolean {
  const finish = drains.get(response)
  finish?.()
  return finish !== undefined
}

/**
 * Ends a response that is completely written and closes the connection: after the rest of the request body has
 * arrived, or after a bounded part of it. A sender that is cut off earlier often never sees the response.
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
