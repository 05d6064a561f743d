/** One connection of a client: which requests on it are served, and when. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Requests that a client may send ahead of their answers on one connection. */
const maxPipelined = 256

/** What is known of one connection. Requests on it are served one after the other (RFC 9112 section 9.3.2). */
export interface Connection {
  readonly socket: Socket
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Sent ahead while the one before was under way. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** Bytes came that are not HTTP: nothing more is read. */
  refused: boolean
  /** Sum of the bytes that had moved when it was last looked at, and when they had moved, `performance.now()`. */
  moved: number
  movedAt: number
}

export function newConnection(socket: Socket): Connection {
  return {
    socket,
    request: undefined,
    response: undefined,
    waiting: [],
    refused: false,
    moved: 0,
    movedAt: performance.now(),
  }
}

/** Serves the request now, or after the one that is under way on its connection. */
export function take(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  perform: Handle,
): void {
  const { response: before, waiting } = connection
  if (before === undefined || before.writableFinished) {
    serve(connection, request, response, perform)
    return
  }
  waiting.push([request, response])
  if (waiting.length > maxPipelined) connection.socket.destroy()
  else if (waiting.length === 1) before.once('close', () => serveNext(connection, perform))
}

function serve(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  perform: Handle,
): void {
  // After an answer that closes the connection no further request on it is served (RFC 9112 section 9.6).
  if (connection.response?.shouldKeepAlive === false) return
  connection.request = request
  connection.response = response
  perform(request, response)
}

function serveNext(connection: Connection, perform: Handle): void {
  const first = connection.waiting.shift()
  if (first === undefined || connection.socket.destroyed) return
  const [request, response] = first
  serve(connection, request, response, perform)
  if (connection.waiting.length > 0) response.once('close', () => serveNext(connection, perform))
}

/** Readies one connection for its end. One whose request is still arriving is left to finish it. */
export function leave({ socket, response, waiting }: Connection): void {
  if (response === undefined) {
    // Of a TLS connection the handshake does not count.
    if (socket.bytesRead === 0) socket.destroy()
  } else if (!response.headersSent) response.shouldKeepAlive = false
  else if (!response.writableFinished && waiting.length === 0)
    response.once('close', () => socket.destroySoon())
}
