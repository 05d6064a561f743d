/**
 * Whether a TLS connection was closed by its peer or cut off. An answer without a length ends with its connection, and
 * over TLS it is whole only after a closure alert (RFC 9112 section 9.8): a FIN alone can come from anybody on the path.
 * Node reports both as `end`. Only where the bytes pass through a stream of ours is the end of TCP seen apart from the
 * end of TLS, which costs CPU: it is done once the store has been seen to end answers so.
 */

import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'

type Closure =
  /** Node alone reads this connection. `watch`: the next ones are to be watched. */
  | { readonly kind: 'unseen'; readonly watch: () => void }
  | { readonly kind: 'watched'; readonly isCutOff: () => boolean }

const closures = new WeakMap<Socket, Closure>()

/** `undefined`: a connection without TLS, where there is no such alert. */
export const closureOf = (socket: Socket | undefined): Closure | undefined =>
  socket === undefined ? undefined : closures.get(socket)

/**
 * Whether an answer that ended with this connection may have been cut off. Where that was not seen it may have been;
 * from the next connection on it is seen.
 */
export function isCutOff(socket: Socket | undefined): boolean {
  const closure = closureOf(socket)
  if (closure?.kind === 'unseen') closure.watch()
  return closure?.kind === 'unseen' || closure?.isCutOff() === true
}

export const rememberClosure = (socket: Socket, closure: Closure): void => {
  closures.set(socket, closure)
}

/** A stream that passes on what `tcp` receives and sends. */
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

/** Watches which comes first: the end of `socket`, by a closure alert, or that of the stream that carries it. */
export function watchClosure(socket: TLSSocket, carrier: Duplex): void {
  let isClosed = false
  let isCutOff = false
  const push = socket.push.bind(socket)
  // The `end` event waits for a slow reader; this is when Node has read the alert.
  socket.push = (piece, encoding) => {
    if (piece === null) isClosed = true
    return push(piece, encoding)
  }
  carrier.prependOnceListener('end', () => {
    isCutOff = !isClosed
  })
  rememberClosure(socket, { kind: 'watched', isCutOff: () => isCutOff })
}
