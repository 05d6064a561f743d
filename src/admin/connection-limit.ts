import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Connection, type Handle, isIdle, newConnection, take } from '../proxy/connection.ts'
import { watchIdle } from '../proxy/idle.ts'

/** Far more than consoles, scrapers and probes need. */
const maxConnections = 64

/**
 * Milliseconds without a byte. `waiting`: between two requests. `busy`: before the first request and during any request,
 * for example while the client reads nothing of the response.
 */
const idleLimits = { waiting: 65_000, busy: 10_000 }

/**
 * Applies the limits of the data port to `server`: the requests of one connection are served one after the other, and a
 * client that reads nothing is disconnected. A connection over the limit closes the oldest idle one, or else the oldest
 * busy one; otherwise slow readers could lock out the kubelet. Returns a function that stops watching.
 */
export function limitConnections(server: Server, perform: Handle, limits = idleLimits): () => void {
  const connections = new Map<Socket, Connection>()
  server.on('connection', (socket: Socket) => {
    if (connections.size >= maxConnections) evict(connections)
    connections.set(socket, newConnection(socket))
    socket.once('close', () => connections.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const connection = connections.get(request.socket)
    if (connection !== undefined) take(connection, request, response, perform)
  })
  return watchIdle(connections, limits)
}

function evict(connections: Map<Socket, Connection>): void {
  const oldestFirst = [...connections.values()]
  const victim = oldestFirst.find((connection) => isIdle(connection)) ?? oldestFirst[0]
  if (victim === undefined) return
  // Removed here because the close event comes one turn of the event loop later.
  connections.delete(victim.socket)
  victim.socket.destroy()
}
