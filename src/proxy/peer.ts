/** The address of a client, read once, when its connection begins. */

import type { Socket } from 'node:net'

interface Peer {
  readonly address: string
  readonly port: number
}

const peers = new WeakMap<Socket, Peer>()

/**
 * The peer of a connection, `undefined` when the system no longer knows it: getpeername(2) fails after a reset, which
 * a client can send right after its request. Such a connection must be closed before anything on it is served, or the
 * store would get the X-Forwarded-For that the client wrote itself. The first answer is kept for later questions.
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
