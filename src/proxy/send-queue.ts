/**
 * How many bytes the kernel still has to deliver, per connection. Node has no API for it; Linux shows it in /proc.
 */

import { readFile } from 'node:fs/promises'
import type { Socket } from 'node:net'

/**
 * Reads the send queues of all TCP connections: bytes sent or waiting that the peer has not acknowledged
 * (`tx_queue` of /proc/net/tcp, proc(5)). Connections between the same two port numbers are added up. Without that
 * file every queue is 0.
 */
export async function unacknowledged(): Promise<(socket: Socket) => number> {
  const tables = await Promise.all(['/proc/self/net/tcp', '/proc/self/net/tcp6'].map(readTable))
  const queues = new Map<string, number>()
  for (const [, local, remote, queued] of tables.flatMap((table) => [...table.matchAll(row)])) {
    const key = `${hex(local)}:${hex(remote)}`
    queues.set(key, (queues.get(key) ?? 0) + hex(queued))
  }
  return (socket) => queues.get(`${socket.localPort}:${socket.remotePort}`) ?? 0
}

/** One row: `sl: LOCAL:PORT REMOTE:PORT STATE TX:RX …`, all hexadecimal. */
const row = /^ *\d+: [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]+:([0-9A-F]{4}) [0-9A-F]{2} ([0-9A-F]{8}):/gm

const hex = (digits = ''): number => Number.parseInt(digits, 16)

async function readTable(file: string): Promise<string> {
  try {
    return await readFile(file, 'latin1')
  } catch {
    return ''
  }
}
