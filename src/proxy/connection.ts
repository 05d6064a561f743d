/** Serves the requests of one client connection in order, and closes the connection. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

export type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Bounds for pipelined requests on one connection: how many, and the bytes of their header lines. */
const maxPipelined = 64
const maxPipelinedBytes = 64 * 1024

/** State of one client connection. Its requests are served one after the other (RFC 9112 section 9.3.2). */
export interface Connection {
  readonly socket: Socket
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Pipelined requests, which wait for the one before. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** Bytes of their header lines. */
  waitingBytes: number
  /** The client sent bytes that are not HTTP, so nothing more is read. */
  refused: boolean
  /** Bytes moved so far, as of the last check, and when they last grew (`performance.now()`). */
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

/** Serves the request now, or queues it behind the one under way on its connection. */
export function take(
  connection: Connection,
  request: IncomingMessage,
  response: ServerResponse,
  perform: Handle,
): void {
  const { response: before, waiting, socket } = connection
  // Node still delivers requests that it parses from the same read as the one that exceeded the limit.
  if (socket.destroyed) return
  // After the connection's end nothing can be answered; such requests only count towards the limits.
  if (!socket.writableEnded && (before === undefined || before.writableFinished)) {
    serve(connection, request, response, perform)
    return
  }
  waiting.push([request, response])
  connection.waitingBytes += headerBytes(request)
  if (waiting.length > maxPipelined || connection.waitingBytes > maxPipelinedBytes) giveUp(connection)
  else if (waiting.length === 1) before?.once('close', () => serveNext(connection, perform))
}

/** Drops pipelined requests at once to free their memory, because the `close` event comes later. */
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
  // No request is served after a response that closes the connection (RFC 9112 section 9.6).
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

/**
 * Whether no request is under way: no header section has arrived completely, or all requests were answered. A
 * connection in its TLS handshake is idle.
 */
export function isIdle(connection: Connection | undefined): boolean {
  return connection?.response === undefined || connection.response.writableFinished
}

/** Makes the response under way close its connection, unless its head has already been sent. */
export function closeAfterAnswer({ response }: Connection): void {
  if (response?.headersSent === false) response.shouldKeepAlive = false
}

/** Closes the connection once it is idle. A first request that is still arriving may finish. */
export function leave(connection: Connection): void {
  const { socket, response, waiting } = connection
  closeAfterAnswer(connection)
  if (response === undefined) {
    // `bytesRead` of a TLS socket does not count the handshake.
    if (socket.bytesRead === 0) socket.end()
  } else if (waiting.length > 0) return
  else if (response.writableFinished) socket.end()
  else if (response.headersSent) response.once('close', () => socket.destroySoon())
}

/**
 * Replaces how Node closes a connection after its last response. Node destroys the socket once the kernel has the
 * bytes, and the kernel still delivers them, unless the process exits and its network namespace is deleted, as
 * happens to a pod. So the socket is half-closed and stays until the client closes its side, `watchIdle` closes it,
 * or a drain ends.
 */
export function closeWhenDelivered(connection: Connection): void {
  const { socket } = connection
  const destroySoon = socket.destroySoon.bind(socket)
  socket.destroySoon = () => {
    // Stop reading at once after an aborted upload or bytes that are not HTTP.
    if (connection.refused || connection.request?.complete === false) destroySoon()
    else socket.end()
  }
}
