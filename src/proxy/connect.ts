/** Connections to the store, the same for both HTTP clients: TCP, TLS or a Unix socket, with a bound on the wait. */

import { X509Certificate } from 'node:crypto'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type TLSSocket } from 'node:tls'
import type { Upstream } from '../settings/settings.ts'
import { ConnectError } from './failure.ts'

export interface ConnectOptions {
  readonly upstream: Upstream
  /** PEM text that replaces the built-in roots, or `undefined`. */
  readonly ca: string | undefined
  /** Milliseconds for name look-up, TCP and TLS together. */
  readonly timeout: number
}

/** Calls back once: with a socket that is ready for HTTP, or with a `ConnectError`. */
export type Connect = (done: (error: ConnectError | null, socket: Socket | null) => void) => void

/** Throws when `ca` holds no certificate. */
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
  if (!upstream.secure) return () => connectTcp({ host, port })
  return secureOpener(host, port, ca)
}

/** Server name and certificate check follow the store's own name, never the Host that a client sent. */
function secureOpener(host: string, port: number, ca: string | undefined): () => TLSSocket {
  const secureContext = createSecureContext(ca === undefined ? {} : { ca: authorities(ca) })
  let session: Buffer | undefined
  return () => {
    const socket = connectTls({
      host,
      port,
      servername: isIP(host) === 0 ? host : '',
      ALPNProtocols: ['http/1.1'],
      rejectUnauthorized: true,
      secureContext,
      ...(session === undefined ? {} : { session }),
    })
    socket.on('session', (ticket) => {
      session = ticket
    })
    return socket
  }
}

/** Node reads PEM text without a certificate as no authority at all: nothing would ever verify. */
function authorities(pem: string): string {
  new X509Certificate(pem)
  return pem
}

/** A socket that was given up may still report why it ended. */
const ignore = (): void => {}
