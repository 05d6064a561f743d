/**
 * Closes idle connections. One timer checks all of them, because a timer per connection, restarted with every byte,
 * would take a tenth of the time of a small request.
 */

import type { Connection } from './connection.ts'

/** Milliseconds without a byte. */
export interface IdleLimits {
  /** While a request is under way, and before the first one. */
  readonly busy: number
  /** Between two requests. */
  readonly waiting: number
}

/**
 * Closes the connections of `connections` that stay idle. A response with a `timeout` listener is left to that
 * listener, as in Node. Returns a function that stops the watch.
 */
export function watchIdle(connections: ReadonlyMap<unknown, Connection>, limits: IdleLimits): () => void {
  const period = Math.min(5_000, Math.max(20, Math.min(limits.busy, limits.waiting) / 8))
  const timer = setInterval(() => {
    const now = performance.now()
    for (const connection of connections.values()) endIfIdle(connection, limits, now)
  }, period)
  timer.unref()
  return () => clearInterval(timer)
}

function endIfIdle(connection: Connection, limits: IdleLimits, now: number): void {
  const { socket, request, response } = connection
  const isOver = response?.writableFinished === true
  // Pipelined bytes do not show that the client is reading its response.
  const isTaking = request?.complete === true && !isOver
  const moved = (isTaking ? 0 : socket.bytesRead) + socket.bytesWritten - socket.writableLength
  if (moved !== connection.moved) {
    connection.moved = moved
    connection.movedAt = now
    return
  }
  const isWaiting = isOver && socket.writableLength === 0
  if (now - connection.movedAt < (isWaiting ? limits.waiting : limits.busy)) return
  const isGoverned = !isOver && response !== undefined && response.listenerCount('timeout') > 0
  if (isGoverned) return
  // First `end`, so that a TLS client gets a close_notify; `destroy` at the next check.
  if ((isWaiting || response === undefined) && !socket.writableEnded) socket.end()
  else socket.destroy()
}
