/**
 * Detects whether a TLS connection was closed by its peer or cut off. A response without a length ends with its
 * connection, and over TLS it is complete only after a closure alert (RFC 9112 section 9.8), because anybody on the
 * network path can forge a FIN. Node reports both as `end`. To tell them apart, the bytes must pass through a
 * stream of our own. That costs CPU, so it starts only once the store has sent such a response.
 */

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

type Closure =
  /** Node reads this connection directly, which hides how it ended. After `watch`, new connections are watched. */
  | { readonly kind: 'unseen'; readonly watch: () => void }
  | { readonly kind: 'watched'; readonly isCutOff: () => boolean }

const closures = new WeakMap<Socket, Closure>()

/** `undefined` for a connection without TLS, which has no closure alert. */
export const closureOf = (socket: Socket | undefined): Closure | undefined =>
  socket === undefined ? undefined : closures.get(socket)

/**
 * Whether a response that ended with this connection may have been cut off. An unwatched connection does not show
 * this, so it counts as cut off, and the next connections are watched.
 */
export function isCutOff(socket: Socket | undefined): boolean {
  const closure = closureOf(socket)
  if (closure?.kind === 'unseen') closure.watch()
  return closure?.kind === 'unseen' || closure?.isCutOff() === true
}

export const rememberClosure = (socket: Socket, closure: Closure): void => {
  closures.set(socket, closure)
}

/** A stream that carries what `tcp` receives and sends. */
export function carry(tcp: Socket): Duplex {
  const carrier = new Duplex({
    read: () => void tcp.resume(),
    write: (piece: Buffer, _encoding, done) => void tcp.write(piece, done),
    final: (done) => void tcp.end(done),
    destroy(error, done) {
      tcp.destroy()
      done(error)
    },
  })
  tcp.on('data', (piece) => {
    if (!carrier.push(piece)) tcp.pause()
  })
  tcp.on('end', () => carrier.push(null))
  tcp.on('error', (error) => carrier.destroy(error))
  return carrier
}

/** Notes which comes first: the end of `socket` (a closure alert) or the end of the stream beneath it (a FIN). */
export function watchClosure(socket: TLSSocket, carrier: Duplex): void {
  let isClosed = false
  let isCutOff = false
  const push = socket.push.bind(socket)
  // `push(null)` is the moment at which Node reads the alert. The `end` event would wait for a slow reader.
  socket.push = (piece, encoding) => {
    if (piece === null) isClosed = true
    return push(piece, encoding)
  }
  carrier.prependOnceListener('end', () => {
    isCutOff = !isClosed
  })
  rememberClosure(socket, { kind: 'watched', isCutOff: () => isCutOff })
}
