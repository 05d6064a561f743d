/** Answers input that is not a valid request with a bare status, and closes the connection. */

import type { Duplex } from 'node:stream'
import { endDrain } from './answer.ts'
import type { Connection } from './connection.ts'
import { STATUS_CODES } from './node-http.ts'

/** Status for each error code of Node's HTTP parser and server; 400 for all others. */
const refusals: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** How long to keep reading from a refused client, in milliseconds, so that it gets to read the response. */
const lingerMilliseconds = 1_000

/**
 * Called for bytes that are not HTTP, and for a request that did not arrive in time. A complete request before them
 * is still answered. A request that they cut short is not forwarded any further.
 */
export function refuseBytes(error: Error, socket: Duplex, connection: Connection | undefined): void {
  if (connection?.refused === true) return
  if (connection === undefined || !socket.writable) {
    socket.destroy()
    return
  }
  connection.refused = true
  connection.waiting.length = 0
  const { request, response } = connection
  const status = refusals['code' in error && typeof error.code === 'string' ? error.code : ''] ?? 400
  if (response === undefined || response.writableFinished) {
    socket.end(bareAnswer(status))
    setTimeout(() => socket.destroy(), lingerMilliseconds).unref()
    socket.once('end', () => socket.destroy())
  } else if (request?.complete === true) {
    response.shouldKeepAlive = false
    response.once('close', () => connection.socket.destroySoon())
  } else if (response.headersSent) {
    if (!endDrain(response)) socket.destroy()
  } else socket.end(bareAnswer(status), () => socket.destroy())
}

/** Refuses CONNECT. Node no longer manages the socket here. */
export function refuseTunnel(socket: Duplex, connection: Connection | undefined): void {
  socket.on('error', ignore)
  const { response } = connection ?? {}
  if (response === undefined || response.writableFinished) socket.end(bareAnswer(405), () => socket.destroy())
  else socket.destroy()
}

function bareAnswer(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
}

const ignore = (): void => {}
