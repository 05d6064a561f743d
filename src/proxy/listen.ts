/** The data port: connections of clients, from the first byte to the last, and their orderly end. */

import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerOptions,
  type ServerResponse,
} from 'node:http'
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
import { peerOf } from './peer.ts'
import { refuseBytes, refuseTunnel } from './refuse.ts'

export interface ListenerOptions {
  /** Milliseconds for the whole header section of a request, TLS handshake apart. */
  readonly headersTimeout: number
  /** Milliseconds without a byte, for connections that have no request under way with the store. */
  readonly idleTimeout: number
  /** Milliseconds that a connection is kept between two requests; default: 75 s. */
  readonly keepAlive?: number
  /** Request line and header lines, in bytes. */
  readonly maxHeaderSize: number
  readonly tls: CertificateFiles | undefined
  /** Of the process; default: no bound. */
  readonly memory?: MemoryBudget
  /** Told when a handler threw; it costs that request. */
  readonly failed?: (error: unknown) => void
  readonly certificate?: CertificateEvents
}

export interface Listener {
  readonly server: Server
  /** Resolves once connections are accepted; rejects when the address cannot be had. Port 0 takes a free one. */
  listen(host: string, port: number): Promise<AddressInfo>
  /**
   * Answers what comes in the next seconds with `Connection: close`, accepts no more then, and resolves when everything
   * is delivered; after `timeout` milliseconds at the latest everything is closed.
   */
  drain(timeout: number): Promise<void>
}

/** Longer than the usual 60 s of load balancers, which must be the ones to close first. */
const usualKeepAlive = 75_000

/** Milliseconds between two probes of a client that has ended its side. */
const halfClosedProbe = 10_000

/** Throws when the certificate files cannot be used. */
export function createListener(options: ListenerOptions, onRequest: Handle): Listener {
  const failed = options.failed ?? ignore
  const { server, stopWatching } = newServer(options)
  // All of them, TLS handshake or not: what the deadline of a drain closes.
  const limit = createConnectionLimit(maxClients(), (socket) => isIdle(peers.get(keyOf(socket))), {
    budget: options.memory ?? createMemoryBudget(Infinity),
    bytes: options.tls === undefined ? connectionBytes.plain : connectionBytes.tls,
  })
  // Under TLS a connection knows another socket than the one that was accepted.
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
    // The client has reset the connection: nothing is served to a client without an address.
    if (peerOf(socket) === undefined) {
      socket.destroy()
      return
    }
    const connection = newConnection(socket)
    closeWhenDelivered(connection)
    // As Node has it for plain HTTP. Not as an option of the server: a FIN in the TLS handshake ends the connection.
    socket.allowHalfOpen = true
    // Its FIN may be half of a close or all of it; a probe of TCP finds out when no bytes do.
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
  // Whoever forwards decides when 100 (Continue) is sent; other expectations are defects of the request.
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

/** Tells connections apart, as long as they last. */
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
    // A long upload is no fault; one that stalls is found by `watchIdle`.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(1_000, Math.max(50, headersTimeout / 4)),
    // Idle connections are found by `watchIdle`.
    keepAliveTimeout: 0,
    // An Upgrade is never carried out: the request is served as if it had not asked.
    shouldUpgradeCallback: () => false,
    optimizeEmptyRequests: true,
  }
  const opened =
    tls === undefined
      ? openPlain(settings)
      : openTls(settings, headersTimeout, tls, options.certificate ?? unheard)
  // Lines beyond a maximum would be dropped and still frame the body (CVE-2026-58044).
  opened.server.maxHeadersCount = 0
  // A client may end its side after its request and still wait for the answer (RFC 9112 section 9.6). Node knows this
  // setting since its first versions and documents it nowhere; without it the answer is lost.
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
    // An HTTP/1.0 client names its own version alone (RFC 7301 section 6).
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
