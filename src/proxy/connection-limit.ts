/** Connection limit of a listener; evicts the oldest idle connection for a new one. */

import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { createMemoryBudget, type MemoryBudget } from './memory-budget.ts'

/** File descriptors for everything else: 64 admin connections, the log, rule files, certificates. */
const otherFiles = 320
/** High enough, because the memory of a usual sidecar runs out before one process has this many clients. */
const mostClients = 10_000

/**
 * Each client may need a connection to the store as well. Clients must not use up the file descriptors, because
 * health checks and rule reloads fail without a free one.
 */
export function maxClients(): number {
  const files = openFilesLimit()
  return Math.min(mostClients, Math.floor(Math.max(files / 4, (files - otherFiles) / 2)))
}

/** The soft limit of open files (proc_pid_limits(5)); Infinity on systems without /proc. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +([0-9]+) /m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    return Infinity
  }
}

interface ConnectionLimit {
  /**
   * Counts one more connection. Over the limit, closes the oldest idle connection, or the new one if none is idle.
   */
  admit(socket: Socket): void
  readonly sockets: ReadonlySet<Socket>
}

export function createConnectionLimit(
  most: number,
  isIdle: (socket: Socket) => boolean,
  memory: { readonly budget: MemoryBudget; readonly bytes: number } = {
    budget: createMemoryBudget(Infinity),
    bytes: 0,
  },
): ConnectionLimit {
  const sockets = new Set<Socket>()
  const remove = (socket: Socket): void => {
    if (sockets.delete(socket)) memory.budget.giveBack(memory.bytes)
  }
  const evictIdle = (): boolean => {
    const idle = firstOf(sockets, isIdle)
    if (idle === undefined) return false
    // Removed here, because the `close` event arrives only in the next turn of the event loop.
    remove(idle)
    idle.destroy()
    return true
  }
  memory.budget.onShort('idle', evictIdle)
  return {
    sockets,
    admit(socket) {
      const isFull = sockets.size >= most && !evictIdle()
      if (isFull || !memory.budget.take(memory.bytes)) {
        socket.destroy()
        return
      }
      sockets.add(socket)
      socket.once('close', () => remove(socket))
    },
  }
}

function firstOf(sockets: ReadonlySet<Socket>, isIt: (socket: Socket) => boolean): Socket | undefined {
  for (const socket of sockets) if (isIt(socket)) return socket
  return undefined
}
