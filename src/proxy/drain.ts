/**
 * Drains a listener in three steps: keep serving for a grace period, accept nothing new, wait until all is
 * delivered.
 */

import { Server as NetServer, type Socket } from 'node:net'
import { type Connection, closeAfterAnswer, leave } from './connection.ts'
import { unacknowledged } from './send-queue.ts'

interface DrainParts {
  readonly server: NetServer
  /** Every accepted socket, also before its TLS handshake is complete. */
  readonly sockets: ReadonlySet<Socket>
  readonly connections: ReadonlyMap<unknown, Connection>
  /** Whether requests can arrive on a socket: not before its TLS handshake is complete. */
  readonly isReady: (socket: Socket) => boolean
  /** When a client last connected, `performance.now()`. */
  readonly connectedAt: () => number
}

/**
 * A load balancer keeps sending requests, on kept and on new connections, until it notices that this process is
 * ending. Connections closed before then are reset under requests that are already on their way.
 *
 * A shorter pause between two clients says nothing: on a machine under load, a balancer that was about to connect can
 * wait for seconds. Only a process to which no client has connected for this long ends at once.
 */
const graceMilliseconds = 5_000
const lookMilliseconds = 100

/**
 * Stops accepting after the grace period, lets running requests finish, and resolves when everything has been
 * delivered. After `timeout` milliseconds it destroys what remains. During the grace period the caller must answer
 * with `Connection: close`.
 */
export function drainConnections(parts: DrainParts, timeout: number): Promise<void> {
  const { server, sockets, connections } = parts
  return new Promise((resolve) => {
    const startedAt = performance.now()
    let delivering = false
    const deadline = setTimeout(() => {
      if (!delivering) stopAccepting()
      for (const socket of sockets) socket.destroy()
    }, timeout)
    const stopAccepting = (): void => {
      delivering = true
      // Not the `close()` of an HTTP server: it resets connections whose last response may still be undelivered.
      Reflect.apply(NetServer.prototype.close, server, [
        () => {
          clearTimeout(deadline)
          clearInterval(look)
          // Also clears the timer of the HTTP server. No connection is left, so nothing is reset.
          server.close()
          resolve()
        },
      ])
      for (const socket of sockets) if (!parts.isReady(socket)) socket.destroy()
      for (const connection of connections.values()) leave(connection)
    }
    const isGraceOver = (): boolean =>
      performance.now() - startedAt >= Math.min(graceMilliseconds, timeout) ||
      (sockets.size === 0 && performance.now() - parts.connectedAt() >= graceMilliseconds)
    const look = setInterval(() => {
      if (delivering) void closeDelivered(connections.values())
      else if (isGraceOver()) stopAccepting()
    }, lookMilliseconds)
    for (const connection of connections.values()) closeAfterAnswer(connection)
    if (isGraceOver()) stopAccepting()
  })
}

/**
 * Closes connections whose client's kernel has acknowledged everything, the FIN included. Waiting for the client to
 * close could take long: some connection pools notice a FIN only at their next request.
 */
async function closeDelivered(connections: Iterable<Connection>): Promise<void> {
  // Other systems do not show acknowledged bytes, so only the client's FIN shows that it has everything.
  if (process.platform !== 'linux') return
  const ended = [...connections].filter(({ socket }) => socket.writableFinished)
  if (ended.length === 0) return
  const queued = await unacknowledged()
  for (const { socket } of ended) if (queued(socket) === 0) socket.destroy()
}
