/** How many clients may be connected, and who has to go for a new one. */

import { readFileSync } from 'node:fs'
import type { Socket } from 'node:net'

/** Files for all else: 64 connections to the admin port, the log, rule files, certificates. */
const otherFiles = 320
/** More than one process can serve in the memory that a sidecar is given. */
const mostClients = 10_000

/**
 * Each client may need a connection to the store, and clients may not take the last file that can be opened: without
 * one no health check is answered and no rule file is read.
 */
export function maxClients(): number {
  const files = openFilesLimit()
  return Math.min(mostClients, Math.floor(Math.max(files / 4, (files - otherFiles) / 2)))
}

/** The soft limit of open files (proc_pid_limits(5)); Infinity where the system does not tell. */
function openFilesLimit(): number {
  try {
    const [, limit] = /^Max open files +([0-9]+) /m.exec(readFileSync('/proc/self/limits', 'latin1')) ?? []
    return limit === undefined ? Infinity : Number(limit)
  } catch {
    return Infinity
  }
}

/** The connections of a listener. */
export interface Crowd {
  /** Takes one more, in whose place the oldest that `isIdle` goes; the new one itself when all are busy. */
  admit(socket: Socket): void
  readonly sockets: ReadonlySet<Socket>
}

/** A crowd of at most `most`, in which those that do nothing make room for those that may. */
export function createCrowd(most: number, isIdle: (socket: Socket) => boolean): Crowd {
  const sockets = new Set<Socket>()
  return {
    sockets,
    admit(socket) {
      if (sockets.size >= most) {
        const idle = firstOf(sockets, isIdle)
        if (idle === undefined) {
          socket.destroy()
          return
        }
        // Not counted any more: that it is closed is told a turn later.
        sockets.delete(idle)
        idle.destroy()
      }
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    },
  }
}

function firstOf(sockets: ReadonlySet<Socket>, isIt: (socket: Socket) => boolean): Socket | undefined {
  for (const socket of sockets) if (isIt(socket)) return socket
  return undefined
}
