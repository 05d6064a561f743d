/** Connections to the store that the store has closed while a request was still being written. */

import type { Socket } from 'node:net'

const failed = new WeakSet<Socket>()

/** The errors of a write to a connection that its peer has closed. */
const closedByPeer = new Set(['EPIPE', 'ECONNRESET'])

type Done = (error?: Error | null) => void

/**
 * Lets the read side of `socket` decide how the connection ends. A store may refuse an upload and close at once. The
 * next write then fails and Node destroys the socket, together with the answer that waits in the receive queue
 * (nodejs/node#12339, nodejs/node#54366). A read that follows delivers the answer, or else the end or the error.
 * `_write` and `_writev` are what a subclass of Writable implements, so the stream calls these in their place.
 */
export function surviveFailedWrites(socket: Socket): void {
  const write = socket._write.bind(socket)
  const writev = socket._writev?.bind(socket)
  const forgive =
    (done: Done): Done =>
    (error) => {
      const isClosed = error != null && 'code' in error && closedByPeer.has(String(error.code))
      if (isClosed) failed.add(socket)
      done(isClosed ? null : error)
    }
  socket._write = (chunk, encoding, done) => write(chunk, encoding, forgive(done))
  if (writev !== undefined) socket._writev = (chunks, done) => writev(chunks, forgive(done))
}

/** Whether something that was written to `socket` is lost. Its end then says nothing about what was read before. */
export function hasFailedWrites(socket: Socket | undefined): boolean {
  return socket !== undefined && failed.has(socket)
}
