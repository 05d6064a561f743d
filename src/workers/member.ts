import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { MetricsMessage } from '../metrics/registry.ts'
import { nothingLoaded, type Snapshot } from '../plan/snapshot.ts'
import type { ReloadCause, ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { StartProblem } from '../sidecar/start-problem.ts'
import type { WorkerEnd, WorkerProcess } from './fork.ts'
import { createHeartbeat } from './heartbeat.ts'
import { partsBetween } from './replica.ts'
import { noStats, type WorkerStats } from './stats.ts'

/** One worker, as the primary sees it. */
export interface Member {
  readonly pid: number | undefined
  /** Resolves when it serves; rejects with {@link StartProblem} when it exits before. */
  readonly serving: Promise<AddressInfo>
  /** Started, running and responsive. */
  isServing(): boolean
  readonly ended: Promise<WorkerEnd>
  /**
   * Sends `snapshot` to the worker. Resolves with true when the worker serves it or has ended, with false after a
   * timeout.
   */
  bring(snapshot: Snapshot): Promise<boolean>
  reloadCandidates(cause: ReloadCause): void
  /** Its current metrics, or the latest received; `undefined`: none were received yet. */
  metrics(): Promise<MetricsMessage | undefined>
  lastMetrics(): MetricsMessage | undefined
  stats(): WorkerStats
  drain(timeout: number): void
  kill(): void
}

interface MemberOptions {
  readonly settings: Settings
  readonly rules: () => Snapshot
  /** Resolves when every worker serves the current files. */
  readonly reload: () => Promise<ReloadResult>
  /** Called when the worker no longer responds, just before it is killed. */
  readonly onHung: (pid: number | undefined) => void
}

/** Milliseconds for a worker to apply rules: longer than it takes to detect and kill a hung worker. */
const applyTimeout = 10_000
/** Milliseconds for a worker to send its metrics. */
const metricsTimeout = 2_000

export function createMember(
  child: WorkerProcess,
  { settings, rules, reload, onHung }: MemberOptions,
): Member {
  const ready = Promise.withResolvers<void>()
  const serving = Promise.withResolvers<AddressInfo>()
  const applied = createProgress()
  const asked = new Map<number, (metrics: MetricsMessage) => void>()
  let problem: StartProblem | undefined
  let isServing = false
  let sent = nothingLoaded
  let sending: Promise<void> = ready.promise
  let metrics: MetricsMessage | undefined
  let stats = noStats
  let count = 0
  const heartbeat = createHeartbeat({
    ask: (id) => child.send({ kind: 'ping', id }),
    onHung() {
      onHung(child.pid)
      child.kill()
    },
  })

  child.listen((message) => {
    switch (message.kind) {
      case 'ready':
        child.send({ kind: 'start', settings })
        ready.resolve()
        void bring(rules())
        return
      case 'serving':
        isServing = true
        heartbeat.start()
        serving.resolve(message.address)
        return
      case 'problem':
        problem = new StartProblem(message.lines)
        return
      case 'applied':
        applied.reached(message.generation)
        return
      case 'reload':
        void reload().then(({ snapshot: _snapshot, ...result }) =>
          child.send({ kind: 'reloaded', id: message.id, result }),
        )
        return
      case 'metrics':
        metrics = message.metrics
        asked.get(message.id)?.(metrics)
        asked.delete(message.id)
        return
      case 'pong':
        heartbeat.answered(message.id)
        return
      case 'stats': {
        const { candidates, ...rest } = message.stats
        stats = { ...stats, ...rest }
        if (candidates !== undefined)
          stats = {
            ...stats,
            candidates: { totals: candidates.totals, top: candidates.top ?? stats.candidates.top },
          }
        return
      }
    }
  })
  void child.ended.then(({ code, signal, reason }) => {
    isServing = false
    heartbeat.stop()
    ready.resolve()
    serving.reject(
      problem ??
        new StartProblem([
          `--workers: a worker exited before it was ready (${reason ?? signal ?? `exit code ${code}`})`,
        ]),
    )
  })

  async function sendParts(snapshot: Snapshot): Promise<void> {
    if (snapshot.generation <= sent.generation) return
    for (const part of partsBetween(sent, snapshot)) {
      child.send(part)
      if (!part.isLast) await nextTurn()
    }
    sent = snapshot
  }

  function bring(snapshot: Snapshot): Promise<boolean> {
    sending = sending.then(() => sendParts(snapshot))
    const has = Promise.all([sending, applied.to(snapshot.generation)])
    return within(applyTimeout, Promise.race([has, child.ended]))
  }

  return {
    pid: child.pid,
    serving: serving.promise,
    isServing: () => isServing && !heartbeat.isSilent(),
    ended: child.ended,
    bring,
    reloadCandidates: (cause) => child.send({ kind: 'reload-candidates', cause }),
    async metrics() {
      const id = ++count
      const answer = new Promise<MetricsMessage>((resolve) => asked.set(id, resolve))
      child.send({ kind: 'metrics', id })
      await within(metricsTimeout, Promise.race([answer, child.ended]))
      asked.delete(id)
      return metrics
    },
    lastMetrics: () => metrics,
    stats: () => stats,
    drain(timeout) {
      heartbeat.stop()
      child.send({ kind: 'drain', timeout })
    },
    kill: child.kill,
  }
}

/** A growing number, and promises that wait for it. */
function createProgress(): { reached(value: number): void; to(value: number): Promise<void> } {
  let latest = 0
  let waiting: { readonly value: number; readonly resolve: () => void }[] = []
  return {
    reached(value) {
      latest = Math.max(latest, value)
      for (const { value, resolve } of waiting) if (value <= latest) resolve()
      waiting = waiting.filter(({ value }) => value > latest)
    },
    to: (value) =>
      value <= latest ? Promise.resolve() : new Promise((resolve) => waiting.push({ value, resolve })),
  }
}

/** Whether `done` resolves within that time. */
async function within(milliseconds: number, done: Promise<unknown>): Promise<boolean> {
  const late = Promise.withResolvers<false>()
  const timer = setTimeout(() => late.resolve(false), milliseconds)
  try {
    return await Promise.race([done.then(() => true), late.promise])
  } finally {
    clearTimeout(timer)
  }
}
