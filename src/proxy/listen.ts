/** The data port: accepts client connections, limits their number and memory, and drains them on shutdown. */

import type { IncomingMessage, Server, ServerOptions, ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  type CertificateEvents,
  type CertificateFiles,
  type CertificatePair,
  readCertificate,
  watchCertificate,
} from './certificate.ts'
import {
  type Connection,
  closeWhenDelivered,
  type Handle,
  isIdle,
  newConnection,
  take,
} from './connection.ts'
import { createConnectionLimit, maxClients } from './connection-limit.ts'
import { drainConnections } from './drain.ts'
import { watchIdle } from './idle.ts'
import { connectionBytes, createMemoryBudget, type MemoryBudget } from './memory-budget.ts'
import { createServer } from './node-http.ts'
import { peerOf } from './peer.ts'
import { refuseBytes, refuseTunnel } from './refuse.ts'

export interface ListenerOptions {
  /** Milliseconds for the complete header section of a request, without the TLS handshake. */
  readonly headersTimeout: number
  /** Milliseconds without a byte, before the first request and during one that is not being forwarded. */
  readonly idleTimeout: number
  /** How long a connection is kept between two requests, in milliseconds; default: 75 s. */
  readonly keepAlive?: number
  /** Limit of request line and header lines, in bytes. */
  readonly maxHeaderSize: number
  readonly tls: CertificateFiles | undefined
  /** Shared by the process; default: no bound. */
  readonly memory?: MemoryBudget
  /** Called when a handler threw. Only that request fails. */
  readonly failed?: (error: unknown) => void
  readonly certificate?: CertificateEvents
}

export interface Listener {
  readonly server: Server
  /** Resolves once connections are accepted; rejects when the address is unavailable. Port 0 selects a free one. */
  listen(host: string, port: number): Promise<AddressInfo>
  /**
   * Answers requests that arrive in the next few seconds with `Connection: close`, then accepts no more. Resolves when
   * everything is delivered, or after `timeout` milliseconds, when it closes the connections that are left.
   */
  drain(timeout: number): Promise<void>
}

/**
 * Load balancers keep connections for 60 s by default. They must close first, or they would send into a closed
 * connection.
 */
const usualKeepAlive = 75_000

/** Milliseconds between TCP keep-alive probes to a client that has half-closed. */
const halfClosedProbe = 10_000

/** Throws when the certificate files are unusable. */
export function createListener(options: ListenerOptions, onRequest: Handle): Listener {
  const failed = options.failed ?? ignore
  const { server, stopWatching } = newServer(options)
  // Includes sockets that are still in their TLS handshake, because the deadline of a drain must close those too.
  const limit = createConnectionLimit(maxClients(), (socket) => isIdle(peers.get(keyOf(socket))), {
    budget: options.memory ?? createMemoryBudget(Infinity),
    bytes: options.tls === undefined ? connectionBytes.plain : connectionBytes.tls,
  })
  // Under TLS, the socket of a request is not the object that was accepted, so the two are matched by peer address.
  const peers = new Map<string, Connection>()
  const connections = new Map<Duplex, Connection>()
  let draining = false
  let connectedAt = Number.NEGATIVE_INFINITY

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

  const stopIdle = watchIdle(connections, {
    busy: options.idleTimeout,
    waiting: options.keepAlive ?? usualKeepAlive,
  })

  server.on('connection', (socket: Socket) => {
    connectedAt = performance.now()
    if (peerOf(socket) === undefined) socket.destroy()
    else limit.admit(socket)
  })
  server.on(options.tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    // The client has reset the connection, so its address is unknown, and X-Forwarded-For would be wrong.
    if (peerOf(socket) === undefined) {
      socket.destroy()
      return
    }
    const connection = newConnection(socket)
    closeWhenDelivered(connection)
    // Node sets this for plain HTTP only. It cannot be a server option for TLS, because a FIN during the handshake must
    // end the connection.
    socket.allowHalfOpen = true
    // After a FIN the client is either half-closed or gone. While no bytes flow, only a keep-alive probe can tell.
    socket.once('end', () => socket.setKeepAlive(true, halfClosedProbe))
    const peer = keyOf(socket)
    connections.set(socket, connection)
    peers.set(peer, connection)
    socket.once('close', () => {
      connections.delete(socket)
      if (peers.get(peer) === connection) peers.delete(peer)
    })
  })
  server.on('request', accept)
  // The forwarder decides when to send 100 (Continue); any other expectation is answered with 417.
  server.on('checkContinue', accept)
  server.on('checkExpectation', accept)
  server.on('connect', (_request, socket) => refuseTunnel(socket, connections.get(socket)))
  server.on('clientError', (error, socket) => refuseBytes(error, socket, connections.get(socket)))

  return {
    server,
    listen: (host, port) => startListening(server, host, port),
    async drain(timeout) {
      draining = true
      stopWatching()
      await drainConnections(
        {
          server,
          sockets: limit.sockets,
          connections,
          isReady: (socket) => peers.has(keyOf(socket)),
          connectedAt: () => connectedAt,
        },
        timeout,
      )
      stopIdle()
    },
  }
}

/** Identifies a connection while it lasts. */
function keyOf(socket: Socket): string {
  const peer = peerOf(socket)
  return peer === undefined ? '' : `${peer.address} ${peer.port}`
}

interface OpenServer {
  readonly server: Server
  readonly stopWatching: () => void
}

function newServer(options: ListenerOptions): OpenServer {
  const { headersTimeout, maxHeaderSize, tls } = options
  const settings: ServerOptions = {
    maxHeaderSize,
    headersTimeout,
    // Disabled, because a long upload is legitimate. The watchdog or `watchIdle` ends one that stalls.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, headersTimeout / 4)),
    // Disabled: `watchIdle` closes idle connections.
    keepAliveTimeout: 0,
    // Upgrade is ignored, so the request is served as plain HTTP.
    shouldUpgradeCallback: () => false,
    optimizeEmptyRequests: true,
  }
  const opened =
    tls === undefined
      ? openPlain(settings)
      : openTls(settings, headersTimeout, tls, options.certificate ?? unheard)
  // No maximum: Node would drop the lines beyond it and still let them frame the body (CVE-2026-58044).
  opened.server.maxHeadersCount = 0
  // A client may half-close after its request and still wait for the response (RFC 9112 section 9.6). Node has had
  // this undocumented property since its first versions; without it the response is lost.
  Object.assign(opened.server, { httpAllowHalfOpen: true })
  return opened
}

function openPlain(settings: ServerOptions): OpenServer {
  return { server: createServer(settings), stopWatching: ignore }
}

function openTls(
  settings: ServerOptions,
  handshakeTimeout: number,
  files: CertificateFiles,
  events: CertificateEvents,
): OpenServer {
  const first = readCertificate(files)
  const server = createTlsServer({
    ...settings,
    cert: first.cert,
    key: first.key,
    handshakeTimeout,
    // An HTTP/1.0 client may offer only its own version in ALPN (RFC 7301 section 6).
    ALPNProtocols: ['http/1.1', 'http/1.0'],
  })
  const replace = ({ cert, key }: CertificatePair): void => server.setSecureContext({ cert, key })
  return { server, stopWatching: watchCertificate(files, first, replace, events) }
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

const ignore = (): void => {}

const unheard: CertificateEvents = { served: ignore, refused: ignore, expired: ignore }
