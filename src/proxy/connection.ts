/** One connection of a client: which requests on it are served, and when. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Requests that a client may send ahead of their answers on one connection, and bytes of their header lines. */
const maxPipelined = 64
const maxPipelinedBytes = 64 * 1024

/** What is known of one connection. Requests on it are served one after the other (RFC 9112 section 9.3.2). */
export interface Connection {
  readonly socket: Socket
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Sent ahead while the one before was under way. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** Bytes of the header lines of those. */
  waitingBytes: number
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
    waitingBytes: 0,
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
  const { response: before, waiting, socket } = connection
  // What came with the bytes that were one too many.
  if (socket.destroyed) return
  // After its end nothing can be answered; what comes then is counted only.
  if (!socket.writableEnded && (before === undefined || before.writableFinished)) {
    serve(connection, request, response, perform)
    return
  }
  waiting.push([request, response])
  connection.waitingBytes += headerBytes(request)
  if (waiting.length > maxPipelined || connection.waitingBytes > maxPipelinedBytes) giveUp(connection)
  else if (waiting.length === 1) before?.once('close', () => serveNext(connection, perform))
}

/** Frees at once what was sent ahead: the end of the connection is told later. */
function giveUp({ socket, waiting }: Connection): void {
  waiting.length = 0
  socket.destroy()
}

function headerBytes({ url = '', rawHeaders }: IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length, url.length)
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
  connection.waitingBytes -= headerBytes(request)
  serve(connection, request, response, perform)
  if (connection.waiting.length > 0) response.once('close', () => serveNext(connection, perform))
}

/** Whether no request is under way: none has come whole, or all were answered. Before a TLS handshake there is none. */
export function isIdle(connection: Connection | undefined): boolean {
  return connection?.response === undefined || connection.response.writableFinished
}

/** Has the answer that is under way end its connection, unless its head has left. */
export function closeAfterAnswer({ response }: Connection): void {
  if (response?.headersSent === false) response.shouldKeepAlive = false
}

/** Ends one connection as soon as it is idle. One whose first request is still arriving is left to finish it. */
export function leave(connection: Connection): void {
  const { socket, response, waiting } = connection
  closeAfterAnswer(connection)
  if (response === undefined) {
    // Of a TLS connection the handshake does not count.
    if (socket.bytesRead === 0) socket.end()
  } else if (waiting.length > 0) return
  else if (response.writableFinished) socket.end()
  else if (response.headersSent) response.once('close', () => socket.destroySoon())
}

/**
 * Replaces how Node closes a connection after its last answer. Node destroys the socket once the kernel has the answer,
 * and the kernel delivers it unless the process ends and its network is deleted, as that of a pod is. So the socket is
 * half-closed, and stays until the client has closed its side, or `watchIdle` or the end of a drain closes it.
 */
export function closeWhenDelivered(connection: Connection): void {
  const { socket } = connection
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    // Of the rest of an upload, and of what is no HTTP, nothing more may be read.
    if (connection.refused || connection.request?.complete === false) destroySoon()
    else socket.end()
  }
}
