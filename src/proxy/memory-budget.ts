/**
 * A memory budget for all connections and exchanges together. Bounds on each of them and on their number are not
 * enough, because a few thousand clients that read nothing could get a small container killed (OOM).
 */

import { totalmem } from 'node:os'
import { getHeapStatistics } from 'node:v8'

/** Drops something idle or stalled to free its memory. Returns whether there was anything to drop. */
type GiveUp = () => boolean

export interface MemoryBudget {
  /**
   * Reserves `bytes`. If too few are left, drops idle, then stalled clients. Returns false when even that frees too few.
   */
  take(bytes: number): boolean
  giveBack(bytes: number): void
  /** Registers a way to free memory. The ways of kind `idle` are tried before those of kind `stalled`. */
  onShort(kind: 'idle' | 'stalled', giveUp: GiveUp): void
  /** Whether more than half of the budget is used, so that stalled clients should be identified before it runs out. */
  isShort(): boolean
}

/**
 * Worst-case bytes of one connection, and of one exchange whose client reads nothing. Measured with thousands of
 * them in a cgroup; includes kernel buffers and garbage that is not yet collected.
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

/** Sizes in bytes. */
interface Memory {
  /** Memory of the machine, or the cgroup's limit if that is lower. */
  readonly limit: number
  /** Resident memory of the idle process. */
  readonly resident: number
  readonly heapLimit: number
  /** Processes that share the limit. */
  readonly processes: number
}

/** Kept free for page tables, other processes and what the estimates miss. */
const spareShare = 0.1
/** How much uncollected garbage the heap may hold, in bytes. */
const mostGarbage = 64 * 1024 * 1024
/** The share of a connection and its exchange that lies in the V8 heap. */
const heapShare = 0.25

/** Bytes available to connections and exchanges of one process. */
export function bytesForClients({ limit, resident, heapLimit, processes }: Memory): number {
  const ofGroup = (limit * (1 - spareShare)) / processes - resident - Math.min(mostGarbage, heapLimit / 2)
  const ofHeap = heapLimit / 2 / heapShare
  // A minimum, so that a limit that is set too low does not make the proxy refuse every request.
  return Math.max(64 * exchangeBytes, Math.min(ofGroup, ofHeap))
}

/** The memory of this process now. The limit is that of its cgroup (`memory.max`), if that is below the machine's memory. */
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
