import type { AddressInfo } from 'node:net'
import type { Log } from '../log/log.ts'
import type { MetricsMessage } from '../metrics/registry.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import type { ReloadCause } from '../rules/reload-result.ts'
import type { WorkerEnd } from './fork.ts'
import type { Member } from './member.ts'
import { createRetiredWorkers } from './retired.ts'
import { mergeStats, noStats, type WorkerStats } from './stats.ts'

/** The workers that serve one port. Replaces a worker that ends. */
export interface Pool {
  /**
   * Resolves when all workers serve. When one cannot start, rejects with `StartProblem` and leaves none running.
   */
  start(): Promise<AddressInfo>
  /** Resolves with true when every worker serves `snapshot`, with false when one does not within the timeout. */
  bring(snapshot: Snapshot): Promise<boolean>
  /** Makes every worker reload its candidate rules, without waiting for it. */
  reloadCandidates(cause: ReloadCause): void
  serving(): number
  restarts(): number
  /** Of each worker, and of those that have ended. */
  metrics(): Promise<readonly MetricsMessage[]>
  stats(): WorkerStats
  /** Lets running requests finish within `timeout` milliseconds. Resolves when no worker is left. */
  drain(timeout: number): Promise<void>
}

interface PoolOptions {
  readonly count: number
  readonly create: () => Member
  readonly log: Log
}

/**
 * Restart back-off in milliseconds. A worker that ran for at least `stableAfter` is replaced at once, others after a
 * doubling delay.
 */
const stableAfter = 10_000
const firstDelay = 100
const maxDelay = 5_000
/** Milliseconds beyond a drain after which a worker counts as stuck. */
const grace = 2_000

export function createPool({ count, create, log }: PoolOptions): Pool {
  const members = new Set<Member>()
  const retired = createRetiredWorkers()
  const timers = new Set<NodeJS.Timeout>()
  let retiredStats: WorkerStats = noStats
  let state: 'starting' | 'serving' | 'draining' = 'starting'
  let restarts = 0
  let delay = 0

  function add(): Member {
    const member = create()
    const began = performance.now()
    members.add(member)
    void member.ended.then((end) => ended(member, performance.now() - began, end))
    member.serving.then(() => log.info('a worker is serving', { 'process.pid': member.pid }), ignore)
    return member
  }

  function ended(member: Member, lasted: number, end: WorkerEnd): void {
    members.delete(member)
    retiredStats = mergeStats([retiredStats, member.stats()])
    const metrics = member.lastMetrics()
    if (metrics !== undefined) void retired.add(metrics)
    if (state !== 'serving') return
    delay = lasted >= stableAfter ? 0 : Math.min(maxDelay, Math.max(firstDelay, delay * 2))
    log.error('a worker ended and is being replaced', { 'process.pid': member.pid, ...end, delay_ms: delay })
    const timer = setTimeout(() => {
      timers.delete(timer)
      replace()
    }, delay)
    timers.add(timer)
  }

  function replace(): void {
    restarts++
    add().serving.catch((error: unknown) => {
      if (state === 'serving') log.error('a replacement worker failed to start', { error })
    })
  }

  async function endAll(): Promise<void> {
    for (const member of members) member.kill()
    await Promise.all([...members].map(({ ended }) => ended))
  }

  return {
    async start() {
      try {
        const addresses = await Promise.all(Array.from({ length: count }, () => add().serving))
        state = 'serving'
        // Those that ended while others still started.
        for (let missing = count - members.size; missing > 0; missing--) replace()
        const [address] = addresses
        if (address === undefined) throw new Error('there are no workers')
        return address
      } catch (error) {
        await endAll()
        throw error
      }
    },
    async bring(snapshot) {
      retired.prune(snapshot)
      const brought = await Promise.all([...members].map((member) => member.bring(snapshot)))
      return brought.every((isApplied) => isApplied)
    },
    reloadCandidates(cause) {
      for (const member of members) member.reloadCandidates(cause)
    },
    serving: () => [...members].filter((member) => member.isServing()).length,
    restarts: () => restarts,
    async metrics() {
      const asked = [...members]
      // An unresponsive worker counts with its last metrics, because sums must never fall.
      const messages = await Promise.all(
        asked.map((member) => (member.isServing() ? member.metrics() : member.lastMetrics())),
      )
      // Checked after the await: a worker that has ended in the meantime is already among the retired ones.
      const present = asked.map((member) => members.has(member))
      const left = messages.filter((_message, index) => present[index])
      return [retired.metrics(), ...left.filter((message) => message !== undefined)]
    },
    stats: () => mergeStats([retiredStats, ...[...members].map((member) => member.stats())]),
    async drain(timeout) {
      state = 'draining'
      for (const timer of timers) clearTimeout(timer)
      for (const member of members) {
        if (member.isServing()) member.drain(timeout)
        else member.kill()
      }
      const stuck = setTimeout(() => {
        for (const member of members) {
          log.error('a worker did not exit in time and is being killed', { 'process.pid': member.pid })
          member.kill()
        }
      }, timeout + grace)
      await Promise.all([...members].map(({ ended }) => ended))
      clearTimeout(stuck)
    },
  }
}

const ignore = (): void => {}
