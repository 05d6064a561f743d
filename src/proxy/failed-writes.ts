/** Keeps a store's response readable when the store closes while the request is still being written. */

import type { Socket } from 'node:net'

const failed = new WeakSet<Socket>()

/** Write errors that mean the peer has closed the connection. */
const closedByPeer = new Set(['EPIPE', 'ECONNRESET'])

type Done = (error?: Error | null) => void

/**
 * Lets the read side of `socket` decide how the connection ends. A store may refuse an upload and close at once.
 * The next write then fails, and Node destroys the socket together with the response that waits in the receive
 * queue (nodejs/node#12339, nodejs/node#54366). With the write error held back, the next read delivers the
 * response, or else the end or the error. Streams call `_write` and `_writev` themselves, so replacing them on the
 * instance is enough.
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

/**
 * Whether a write to `socket` failed. If so, the end of the connection does not prove that the response was
 * complete.
 */
export function hasFailedWrites(socket: Socket | undefined): boolean {
  return socket !== undefined && failed.has(socket)
}
