/**
 * Enforces the two timeouts of every exchange: first byte of the response, and idle. One timer checks all
 * exchanges. Idle means that no byte has moved; events do not count.
 */

import type { Exchange } from './exchange.ts'
import { dropClient, failExchange } from './relay.ts'
import { unacknowledged } from './send-queue.ts'

interface Watchdog {
  watch(exchange: Exchange): void
  release(exchange: Exchange): void
  /** Drops the client that has stalled for longest. Returns its exchange, or `undefined` when none has stalled. */
  dropLongestStalled(): Exchange | undefined
  stop(): void
}

/**
 * After this long without progress, in milliseconds, a client counts as stalled, and its memory may go to another.
 * Senders get longer, because they may have to read their data from somewhere first.
 */
const stalledMilliseconds = { answering: 3_000, sending: 10_000 }

/**
 * If the peer has not acknowledged a request on a reused connection after this long, in milliseconds, the
 * connection is half open: a firewall forgot it, or the store's machine is gone.
 */
const halfOpenMilliseconds = 3_000

/**
 * Times are milliseconds. The check interval is an eighth of the shorter timeout, but from 20 ms to 1 s. While `isShort`
 * is true, asks the kernel earlier which clients have stalled.
 */
export function createWatchdog(
  upstreamTimeout: number,
  idleTimeout: number,
  isShort: () => boolean,
): Watchdog {
  // Not a Set, because deleted entries stay reachable from its outgrown tables until a full collection, which costs a
  // quarter of the time of a small request.
  const watched: Exchange[] = []
  let sampling = false
  const timer = setInterval(
    () => {
      const now = performance.now()
      const stalled: Exchange[] = []
      // A copy, because `isStalled` may remove exchanges from the list.
      for (const exchange of watched.slice()) if (isStalled(exchange, now)) stalled.push(exchange)
      if (stalled.length > 0 && !sampling) {
        sampling = true
        void sample(stalled).finally(() => {
          sampling = false
        })
      }
    },
    Math.min(1_000, Math.max(20, Math.min(upstreamTimeout, idleTimeout) / 8)),
  )
  timer.unref()

  /** Ends an exchange that has timed out. Returns true when only the kernel can say whether bytes still move. */
  function isStalled(exchange: Exchange, now: number): boolean {
    const { phase } = exchange
    if (phase === 'connecting' || phase === 'over') return false
    if (phase === 'waiting') {
      const waited = now - exchange.since
      if (waited >= upstreamTimeout) failExchange(exchange, 'timeout')
      // True for one sample only, because `sample` clears `sendAgain`.
      else return exchange.sendAgain !== undefined && waited >= halfOpenMilliseconds
      return false
    }
    const moved = movedBytes(exchange)
    if (moved !== exchange.moved) {
      exchange.moved = moved
      exchange.since = now
      exchange.queued = undefined
      return false
    }
    const idle = now - exchange.since
    if (idle >= idleTimeout) {
      endIdle(exchange)
      return false
    }
    return idle >= (isShort() ? Math.min(1_000, idleTimeout / 4) : idleTimeout / 4)
  }

  return {
    watch(exchange) {
      exchange.place = watched.length
      watched.push(exchange)
    },
    release(exchange) {
      const last = watched.pop()
      if (last === undefined || last === exchange) return
      watched[exchange.place] = last
      last.place = exchange.place
    },
    dropLongestStalled() {
      const longest = longestStalled(watched, performance.now())
      if (longest !== undefined) dropClient(longest)
      return longest
    },
    stop: () => clearInterval(timer),
  }
}

/**
 * Grows with every byte of the exchange, in either direction. Bytes that a client sends after its request do not
 * count, because a client that reads nothing could otherwise keep its response alive with a byte now and then.
 */
function movedBytes({ request, response, store, bytesIn, bytesOut }: Exchange): number {
  const { socket } = request
  let sum = bytesIn + bytesOut + socket.bytesWritten - response.writableLength
  if (!request.complete) sum += socket.bytesRead
  if (store !== undefined) sum += store.bytesRead + store.bytesWritten - store.writableLength
  return sum
}

/**
 * A large chunk leaves the kernel in many small steps that Node does not see. The kernel's send queue shows whether
 * a slow reader still reads.
 */
async function sample(stalled: readonly Exchange[]): Promise<void> {
  const queues = await unacknowledged()
  const now = performance.now()
  for (const exchange of stalled) {
    const { request, store, phase, sendAgain } = exchange
    if (phase === 'waiting' && sendAgain !== undefined) {
      exchange.sendAgain = undefined
      if (store !== undefined && queues(store) > 0) sendAgain()
      continue
    }
    const queued = queues(request.socket) + (store === undefined ? 0 : queues(store))
    if (exchange.queued !== undefined && exchange.queued !== queued) exchange.since = now
    exchange.queued = queued
  }
}

/** Closes the side that has stalled. */
function endIdle(exchange: Exchange): void {
  if (storeIsIdle(exchange)) failExchange(exchange, 'timeout')
  else dropClient(exchange)
}

/** Whether the exchange waits for the store, not for the client. */
const storeIsIdle = ({ response, store, phase }: Exchange): boolean =>
  phase === 'answering' ? response.writableLength === 0 : store !== undefined && store.writableLength > 0

/** The client that has stalled for longest, and to which the kernel has delivered nothing either. */
function longestStalled(watched: readonly Exchange[], now: number): Exchange | undefined {
  let longest: Exchange | undefined
  for (const exchange of watched) {
    const { phase, since, queued } = exchange
    if ((phase !== 'answering' && phase !== 'sending') || queued === undefined || storeIsIdle(exchange))
      continue
    if (now - since >= stalledMilliseconds[phase] && since < (longest?.since ?? Infinity)) longest = exchange
  }
  return longest
}
