import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { type Connection, type Handle, isIdle, newConnection, take } from '../proxy/connection.ts'
import { watchIdle } from '../proxy/idle.ts'

/** Consoles, scrapers and probes are few; what opens more is something else. */
const maxConnections = 64

/** Milliseconds: a connection without a request, and a reader that takes nothing of an answer. */
const idleLimits = { waiting: 65_000, busy: 10_000 }

/**
 * Gives the connections of `server` the bounds of the data port: requests of one are served one after the other, a
 * reader that takes nothing is cut off, and for one connection too many the oldest idle one is closed, or the oldest at
 * all: else those that read slowly could keep the kubelet out. Returns what ends the watch.
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
  // Not counted any more: its close event comes a turn later.
  connections.delete(victim.socket)
  victim.socket.destroy()
}
