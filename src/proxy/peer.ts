/** The client's address, read once when its connection begins. */

import type { Socket } from 'node:net'

interface Peer {
  readonly address: string
  readonly port: number
}

const peers = new WeakMap<Socket, Peer>()

/**
 * The peer of a connection, or `undefined` when the system no longer knows it: getpeername(2) fails after a reset,
 * which a client can send right after its request. Close such a connection before serving it, or the store would
 * receive the X-Forwarded-For that the client wrote itself. The first result is cached.
 */
export function peerOf(socket: Socket): Peer | undefined {
  const known = peers.get(socket)
  if (known !== undefined) return known
  const { remoteAddress: address, remotePort: port } = socket
  if (address === undefined || port === undefined) return undefined
  const peer = { address, port }
  peers.set(socket, peer)
  return peer
}
