/** Connections to the store, the same for both HTTP clients: TCP, TLS or a Unix socket, with a bound on the wait. */

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
  /** Milliseconds for name look-up, TCP and TLS together. */
  readonly timeout: number
}

/** PEM text that replaces the built-in roots, or `undefined`. Asked for each new connection: it may change. */
export type Authorities = () => string | undefined

/** Calls back once: with a socket that is ready for HTTP, or with a `ConnectError`. */
export type Connect = (done: (error: ConnectError | null, socket: Socket | null) => void) => void

/** Throws when `ca` holds no certificate now. */
export function createConnect(options: ConnectOptions): Connect {
  const open = opener(options)
  return (done) => {
    const socket = open()
    // The store may be far away: TCP keep-alive finds a peer that vanished without a word.
    socket.setNoDelay(true).setKeepAlive(true, 60_000)
    // Node writes a head with Expect as text without an encoding; as UTF-8 its bytes above 0x7F would become two each.
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

/** Server name and certificate check follow the store's own name, never the Host that a client sent. */
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
      // A resumed session is not verified: the new authorities would have no say.
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

/** TLS over a stream of ours, see `closure.ts`. */
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
 * Throws when `pem` cannot be used: Node reads text without a certificate as no authority at all, so that nothing would
 * ever verify.
 */
export function checkAuthorities(pem: string): string {
  new X509Certificate(pem)
  createSecureContext({ ca: pem })
  return pem
}

/** A socket that was given up may still report why it ended. */
const ignore = (): void => {}
