/** The data port: connections of clients, from the first byte to the last, and their orderly end. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { endDrain } from './answer.ts'
import { type CertificateFiles, readCertificate, watchCertificate } from './certificate.ts'

export interface ListenerOptions {
  /** Milliseconds for the whole header section of a request, TLS handshake apart. */
  readonly headersTimeout: number
  /** Milliseconds without a byte, for connections that have no request under way with the store. */
  readonly idleTimeout: number
  /** Request line and header lines, in bytes. */
  readonly maxHeaderSize: number
  readonly tls: CertificateFiles | undefined
  /** Told when a handler threw (it costs that request), or when a changed certificate cannot be used (the old one stays). */
  readonly failed?: (error: unknown) => void
}

export interface Listener {
  readonly server: Server
  /** Resolves once connections are accepted; rejects when the address cannot be had. Port 0 takes a free one. */
  listen(host: string, port: number): Promise<AddressInfo>
  /** Accepts no more, lets what is under way finish, and closes everything after `timeout` milliseconds at the latest. */
  drain(timeout: number): Promise<void>
}

type Handle = (request: IncomingMessage, response: ServerResponse) => void

/** Longer than the usual 60 s of load balancers, which must be the ones to close first. */
const keepAliveTimeout = 75_000

/** Requests that a client may send ahead of their answers on one connection. */
const maxPipelined = 256

/** What is known of one connection. Requests on it are served one after the other (RFC 9112 section 9.3.2). */
interface Connection {
  readonly socket: Socket
  request: IncomingMessage | undefined
  response: ServerResponse | undefined
  /** Sent ahead while the one before was under way. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** Bytes came that are not HTTP: nothing more is read. */
  refused: boolean
}

/** Throws when the certificate files cannot be used. */
export function createListener(options: ListenerOptions, onRequest: Handle): Listener {
  const failed = options.failed ?? ignore
  const { server, stopWatching } = newServer(options, failed)
  // All of them, TLS handshake or not: what the deadline of a drain closes.
  const sockets = new Set<Socket>()
  const connections = new Map<Duplex, Connection>()
  let draining = false

  const perform = (request: IncomingMessage, response: ServerResponse): void => {
    if (draining) response.shouldKeepAlive = false
    try {
      onRequest(request, response)
    } catch (error) {
      failed(error)
      response.destroy()
    }
  }
  const accept = (request: IncomingMessage, response: ServerResponse): void => {
    const connection = connections.get(request.socket)
    if (connection !== undefined) take(connection, request, response, perform)
  }

  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    // Its handshake was under way when the drain began.
    if (draining) socket.destroy()
    connections.set(socket, {
      socket,
      request: undefined,
      response: undefined,
      waiting: [],
      refused: false,
    })
    socket.once('close', () => connections.delete(socket))
  })
  server.on('request', accept)
  // Whoever forwards decides when 100 (Continue) is sent; other expectations are defects of the request.
  server.on('checkContinue', accept)
  server.on('checkExpectation', accept)
  server.on('connect', (_request, socket) => refuseTunnel(socket, connections.get(socket)))
  server.on('clientError', (error, socket) => refuseBytes(error, socket, connections.get(socket)))

  return {
    server,
    listen: (host, port) => startListening(server, host, port),
    drain: (timeout) =>
      new Promise((resolve) => {
        draining = true
        stopWatching()
        const deadline = setTimeout(() => {
          for (const socket of sockets) socket.destroy()
        }, timeout)
        // Closes the connections that have served before and are idle, too.
        server.close(() => {
          clearTimeout(deadline)
          resolve()
        })
        for (const connection of connections.values()) leave(connection)
      }),
  }
}

interface OpenServer {
  readonly server: Server
  readonly stopWatching: () => void
}

function newServer(options: ListenerOptions, failed: (error: unknown) => void): OpenServer {
  const { headersTimeout, idleTimeout, maxHeaderSize, tls } = options
  const settings: ServerOptions = {
    maxHeaderSize,
    headersTimeout,
    // A long upload is no fault; one that stalls is found by the idle timeout.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, headersTimeout / 4)),
    keepAliveTimeout,
    // An Upgrade is never carried out: the request is served as if it had not asked.
    shouldUpgradeCallback: () => false,
    optimizeEmptyRequests: true,
  }
  const opened = tls === undefined ? openPlain(settings) : openTls(settings, headersTimeout, tls, failed)
  opened.server.timeout = idleTimeout
  // Lines beyond a maximum would be dropped and still frame the body (CVE-2026-58044).
  opened.server.maxHeadersCount = 0
  return opened
}

function openPlain(settings: ServerOptions): OpenServer {
  return { server: createServer(settings), stopWatching: ignore }
}

function openTls(
  settings: ServerOptions,
  handshakeTimeout: number,
  files: CertificateFiles,
  failed: (error: unknown) => void,
): OpenServer {
  const server = createTlsServer({ ...settings, ...readCertificate(files), handshakeTimeout })
  return { server, stopWatching: watchCertificate(files, (pair) => server.setSecureContext(pair), failed) }
}

function startListening(server: Server, host: string, port: number): Promise<AddressInfo> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port }, () => {
      server.off('error', reject)
      const address = server.address()
      if (address !== null && typeof address === 'object') resolve(address)
    })
  })
}

/** Serves the request now, or after the one that is under way on its connection. */
function take(
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
function refuseBytes(error: Error, socket: Duplex, connection: Connection | undefined): void {
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
function refuseTunnel(socket: Duplex, connection: Connection | undefined): void {
  socket.on('error', ignore)
  const { response } = connection ?? {}
  if (response === undefined || response.writableFinished) socket.end(bareAnswer(405), () => socket.destroy())
  else socket.destroy()
}

function bareAnswer(status: number): string {
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`
}

/** Readies one connection for its end. One whose request is still arriving is left to finish it. */
function leave({ socket, response, waiting }: Connection): void {
  if (response === undefined) {
    // Of a TLS connection the handshake does not count.
    if (socket.bytesRead === 0) socket.destroy()
  } else if (!response.headersSent) response.shouldKeepAlive = false
  else if (!response.writableFinished && waiting.length === 0)
    response.once('close', () => socket.destroySoon())
}

const ignore = (): void => {}
