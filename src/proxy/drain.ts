/** The end of a listener: first nobody is turned away, then nothing is begun, then everything is delivered. */

import { Server as NetServer, type Socket } from 'node:net'
import { type Connection, closeAfterAnswer, leave } from './connection.ts'
import { unacknowledged } from './send-queue.ts'

interface DrainParts {
  readonly server: NetServer
  /** Everything that was accepted, TLS handshake or not. */
  readonly sockets: ReadonlySet<Socket>
  readonly connections: ReadonlyMap<unknown, Connection>
  /** Whether requests can come over a socket; before the end of a TLS handshake none can. */
  readonly isReady: (socket: Socket) => boolean
  /** When a client last connected, `performance.now()`. */
  readonly connectedAt: () => number
}

/**
 * A load balancer goes on sending requests until it has noticed that this process is ending, over the connections that
 * it keeps and over new ones. Closed at once, they would be reset under a request that is on its way.
 */
const graceMilliseconds = 5_000
/** Without a client for so long, there is no such balancer. */
const quietMilliseconds = 1_000
const lookMilliseconds = 100

/**
 * Accepts no more after the grace, lets what is under way finish, and resolves when all of it has been delivered, or
 * after `timeout` milliseconds, when the rest is broken off. Requests in the grace must be answered with `Connection:
 * close`, by the caller.
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
      // Not `server.close()` of HTTP: it resets the connections whose last answer may not be delivered yet.
      Reflect.apply(NetServer.prototype.close, server, [
        () => {
          clearTimeout(deadline)
          clearInterval(look)
          // Ends its timer too, now that there is no connection left.
          server.close()
          resolve()
        },
      ])
      for (const socket of sockets) if (!parts.isReady(socket)) socket.destroy()
      for (const connection of connections.values()) leave(connection)
    }
    const isGraceOver = (): boolean =>
      performance.now() - startedAt >= Math.min(graceMilliseconds, timeout) ||
      (sockets.size === 0 && performance.now() - parts.connectedAt() >= quietMilliseconds)
    const look = setInterval(() => {
      if (delivering) void closeDelivered(connections.values())
      else if (isGraceOver()) stopAccepting()
    }, lookMilliseconds)
    for (const connection of connections.values()) closeAfterAnswer(connection)
    if (isGraceOver()) stopAccepting()
  })
}

/**
 * Closes the connections whose client has everything, the FIN included, as its kernel has acknowledged. The client may
 * not look at its side for long: some pools notice a FIN only at their next request.
 */
async function closeDelivered(connections: Iterable<Connection>): Promise<void> {
  // Elsewhere only the client's own end shows that it has everything.
  if (process.platform !== 'linux') return
  const ended = [...connections].filter(({ socket }) => socket.writableFinished)
  if (ended.length === 0) return
  const queued = await unacknowledged()
  for (const { socket } of ended) if (queued(socket) === 0) socket.destroy()
}
