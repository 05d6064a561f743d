/** What is no request: answered barely, and the connection ended. */

import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { endDrain } from './answer.ts'
import type { Connection } from './connection.ts'

/** Statuses of what Node's parser refuses, by its error codes; everything else is 400. */
const refusals: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** How long a refused client may go on sending, so that it gets to read why. In milliseconds. */
const lingerMilliseconds = 1_000

/**
 * Bytes came that are no HTTP, or no bytes where some were due. A whole request before them is still answered; one
 * that they cut short is not, and goes no further.
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

/** CONNECT: nothing is ever tunnelled. Node has let go of the socket by now. */
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
