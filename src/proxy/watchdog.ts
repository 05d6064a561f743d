/**
 * The two clocks of every exchange: the store's first byte, and the idle timeout. One timer looks at all exchanges;
 * what counts as idle is that no byte has moved, whatever events there were or were not.
 */

import type { Exchange } from './exchange.ts'
import { dropClient, failExchange } from './relay.ts'
import { unacknowledged } from './send-queue.ts'

interface Watchdog {
  watch(exchange: Exchange): void
  release(exchange: Exchange): void
  /** Drops the client that has taken or sent nothing for longest. Returns it, `undefined` when none has stalled. */
  dropLongestStalled(): Exchange | undefined
  stop(): void
}

/**
 * How long a client takes or sends nothing, in milliseconds, before another may have its memory. A sender may have to
 * read from somewhere first.
 */
const stalledMilliseconds = { answering: 3_000, sending: 10_000 }

/**
 * A kept connection whose peer has not acknowledged a request after this time, in milliseconds, is half open: a firewall
 * forgot it, or the store's machine is gone.
 */
const halfOpenMilliseconds = 3_000

/**
 * Times are milliseconds; both clocks are read at an eighth of the shorter one, at most every second. `isShort`: the
 * kernel is asked early which clients have stalled.
 */
export function createWatchdog(
  upstreamTimeout: number,
  idleTimeout: number,
  isShort: () => boolean,
): Watchdog {
  // No Set: what it dropped stays reachable from its outgrown tables until a full collection, which costs a
  // quarter of the time of a small request.
  const watched: Exchange[] = []
  let sampling = false
  const timer = setInterval(
    () => {
      const now = performance.now()
      const stalled: Exchange[] = []
      // A copy: what is judged may be over, and leave the list, at once.
      for (const exchange of watched.slice()) if (judge(exchange, now)) stalled.push(exchange)
      if (stalled.length > 0 && !sampling) {
        sampling = true
        sample(stalled).finally(() => {
          sampling = false
        })
      }
    },
    Math.min(1_000, Math.max(20, Math.min(upstreamTimeout, idleTimeout) / 8)),
  )
  timer.unref()

  /** Ends what has run out of time. Returns whether only the kernel can say if bytes still move. */
  function judge(exchange: Exchange, now: number): boolean {
    const { phase } = exchange
    if (phase === 'connecting' || phase === 'over') return false
    if (phase === 'waiting') {
      const waited = now - exchange.since
      if (waited >= upstreamTimeout) failExchange(exchange, 'timeout')
      // Looked at once, in one of the first turns after that time.
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
 * Grows with every byte of the exchange that came from either side or went out to one. What a client sends after its
 * request is none: else one that takes nothing could hold its answer for ever with a byte now and then.
 */
function movedBytes({ request, response, store, bytesIn, bytesOut }: Exchange): number {
  const { socket } = request
  let sum = bytesIn + bytesOut + socket.bytesWritten - response.writableLength
  if (!request.complete) sum += socket.bytesRead
  if (store !== undefined) sum += store.bytesRead + store.bytesWritten - store.writableLength
  return sum
}

/**
 * A large piece that was handed to the kernel leaves it in many small steps that Node does not see: a slow reader
 * is told from one that has stopped by how much the kernel still has to deliver.
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

/** Closes the side that has stopped taking part. */
function endIdle(exchange: Exchange): void {
  if (storeIsIdle(exchange)) failExchange(exchange, 'timeout')
  else dropClient(exchange)
}

/** Whether the store holds things up, not the client. */
const storeIsIdle = ({ response, store, phase }: Exchange): boolean =>
  phase === 'answering' ? response.writableLength === 0 : store !== undefined && store.writableLength > 0

/** The client that has stalled for longest: the kernel was asked, and delivered nothing to it either. */
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
