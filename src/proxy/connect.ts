/** Connects to the store for both HTTP clients: TCP, TLS or a Unix socket, with a connect timeout. */

import { X509Certificate } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import {
  type ConnectionOptions,
  connect as connectTls,
  createSecureContext,
  type SecureContext,
  type TLSSocket,
} from 'node:tls'
import type { Upstream } from '../settings/settings.ts'
import { type Addresses, createAddresses } from './addresses.ts'
import { carry, rememberClosure, watchClosure } from './closure.ts'
import { ConnectError } from './failure.ts'

interface ConnectOptions {
  readonly upstream: Upstream
  readonly ca: Authorities
  /** Milliseconds for name lookup, TCP and TLS together. */
  readonly timeout: number
}

/**
 * PEM text that replaces the built-in roots, or `undefined`. Read for each new connection, because the file may
 * change.
 */
export type Authorities = () => string | undefined

/** Calls back once, with a socket that is ready for HTTP or with a `ConnectError`. */
export type Connect = (done: (error: ConnectError | null, socket: Socket | null) => void) => void

/** Throws when `ca` holds no certificate now. */
export function createConnect(options: ConnectOptions): Connect {
  const open = opener(options)
  return (done) => {
    const socket = open()
    // TCP keep-alive detects a remote peer that vanished without closing.
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    // For a request with Expect, Node writes the head as text without naming an encoding. The default, UTF-8, would
    // turn each byte above 0x7F into two.
    socket.setDefaultEncoding('latin1')
    const ready = 'encrypted' in socket ? 'secureConnect' : 'connect'
    let greeted = false
    const timer = setTimeout(() => fail(new ConnectError('timeout')), options.timeout)
    const settle = (): void => {
      clearTimeout(timer)
      socket.off(ready, succeed).off('error', failed).off('close', closed)
    }
    const succeed = (): void => {
      settle()
      done(null, socket)
    }
    const fail = (error: ConnectError): void => {
      settle()
      socket.on('error', ignore).destroy()
      done(error, null)
    }
    const failed = (error: Error): void => fail(ConnectError.from(error, greeted))
    const closed = (): void => fail(new ConnectError(greeted ? 'tls' : 'reset'))
    if (ready === 'secureConnect') socket.once('connect', () => (greeted = true))
    socket.once(ready, succeed).once('error', failed).once('close', closed)
  }
}

function opener({ upstream, ca }: ConnectOptions): () => Socket {
  if (upstream.kind === 'unix') return () => connectTcp({ path: upstream.path })
  const { host, port } = upstream
  const addresses = createAddresses()
  if (!upstream.secure) return () => addresses.watch(connectTcp({ host, port, lookup: addresses.lookup }))
  return secureOpener(host, port, ca, addresses)
}

/** SNI and the certificate check use the store's configured name, never the Host that a client sent. */
function secureOpener(host: string, port: number, ca: Authorities, addresses: Addresses): () => TLSSocket {
  let known = ca()
  let secureContext = contextFor(known)
  let session: Buffer | undefined
  let isWatching = false
  const watch = (): void => {
    isWatching = true
  }
  return () => {
    const current = ca()
    if (current !== known) {
      known = current
      secureContext = contextFor(current)
      // A resumed session skips verification, so the new authorities would not apply.
      session = undefined
    }
    const contextOfSocket = secureContext
    const shared = {
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      secureContext,
      ...(session === undefined ? {} : { session }),
    }
    const socket = isWatching
      ? connectWatched(addresses.watch(connectTcp({ host, port, lookup: addresses.lookup })), shared)
      : addresses.watch(connectTls({ host, port, lookup: addresses.lookup, ...shared }))
    if (!isWatching) rememberClosure(socket, { kind: 'unseen', watch })
    socket.on('session', (ticket) => {
      if (contextOfSocket === secureContext) session = ticket
    })
    return socket
  }
}

/** TLS over a stream of our own, see `closure.ts`. */
function connectWatched(tcp: Socket, options: ConnectionOptions): TLSSocket {
  tcp.setNoDelay(true).setKeepAlive(true, 60_000)
  const carrier = carry(tcp)
  const socket = connectTls({ ...options, socket: carrier })
  watchClosure(socket, carrier)
  tcp.once('connect', () => socket.emit('connect'))
  return socket
}

const contextFor = (ca: string | undefined): SecureContext =>
  ca === undefined ? createSecureContext() : createSecureContext({ ca: checkAuthorities(ca) })

/**
 * Throws when `pem` is unusable. Node reads text without a certificate as an empty list of authorities, so that
 * every connection would fail verification.
 */
export function checkAuthorities(pem: string): string {
  new X509Certificate(pem)
  createSecureContext({ ca: pem })
  return pem
}

/** A destroyed socket may still emit the error that ended it. */
const ignore = (): void => {}
