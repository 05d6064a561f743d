/**
 * The sum of what connections and exchanges may hold in memory. Each of them is bounded, and so is their number, yet
 * a few thousand clients that read nothing would have a small container killed for want of memory.
 */

import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Gives up something that is idle or stalled, and its memory with it. Returns whether there was anything. */
type GiveUp = () => boolean

export interface MemoryBudget {
  /** Takes `bytes`, for which others give up theirs when there is too little. Returns false when that is not enough. */
  take(bytes: number): boolean
  giveBack(bytes: number): void
  /** Adds a way to give something up: what is idle goes before what has stalled. */
  onShort(kind: 'idle' | 'stalled', giveUp: GiveUp): void
  /** Whether little is left, so that who has stalled should be known. */
  isShort(): boolean
}

/**
 * What one connection, and one exchange on it with a reader that takes nothing, come to at most, in bytes: measured
 * with thousands of them in a control group, with buffers of the kernel and what the collector leaves for a while.
 */
export const connectionBytes = { plain: 48 * 1024, tls: 80 * 1024 }
export const exchangeBytes = 208 * 1024

export function createMemoryBudget(total: number): MemoryBudget {
  const ways: Record<'idle' | 'stalled', GiveUp[]> = { idle: [], stalled: [] }
  const giveUpOne = (): boolean => [...ways.idle, ...ways.stalled].some((giveUp) => giveUp())
  let used = 0
  return {
    take(bytes) {
      while (used + bytes > total) if (!giveUpOne()) return false
      used += bytes
      return true
    },
    giveBack(bytes) {
      used -= bytes
    },
    onShort(kind, giveUp) {
      ways[kind].push(giveUp)
    },
    isShort: () => used > total / 2,
  }
}

interface Memory {
  /** Of the machine, or of the control group. */
  readonly limit: number
  /** What the process has resident at rest. */
  readonly resident: number
  /** How far the heap of V8 may grow. */
  readonly heapLimit: number
  /** Processes that share the limit. */
  readonly processes: number
}

/** Kept free: for the page tables, other processes, and what no estimate knows of. */
const spareShare = 0.1
/** How far the heap grows with what is not yet collected, at most. */
const mostGarbage = 64 * 1024 * 1024
/** The part of an exchange with a connection that lies in the heap of V8. */
const heapShare = 0.25

/** Bytes for connections and exchanges of one process. */
export function bytesForClients({ limit, resident, heapLimit, processes }: Memory): number {
  const ofGroup = (limit * (1 - spareShare)) / processes - resident - Math.min(mostGarbage, heapLimit / 2)
  const ofHeap = heapLimit / 2 / heapShare
  // Some are served however small the limit is: it may be wrong, and a proxy that serves nobody is of no use.
  return Math.max(64 * exchangeBytes, Math.min(ofGroup, ofHeap))
}

/** The memory of this process now. The limit is that of its control group (`memory.max`), where there is one. */
export function readMemory(processes: number): Memory {
  const constrained = process.constrainedMemory()
  const physical = totalmem()
  return {
    limit: constrained > 0 ? Math.min(constrained, physical) : physical,
    resident: process.memoryUsage.rss(),
    heapLimit: getHeapStatistics().heap_size_limit,
    processes,
  }
}
