import { Counter, Gauge } from 'prom-client'
import type { RequestFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'
import type { BucketPolicy, FileState } from '../plan/snapshot.ts'
import {
  type FinishedRequest,
  type UpstreamErrorType,
  upstreamErrorTypes,
} from '../requests/finished-request.ts'
import { type ReloadResult, reloadOutcomes } from '../rules/reload-result.ts'
import { type BucketMetrics, createDecisionMetrics, type DecisionTotals } from './decisions.ts'
import { createDurationMetrics, type RequestKind } from './durations.ts'
import type { Aggregator, Family } from './family.ts'
import { createRegistry, type FamilyRegistry, type MetricsMessage } from './registry.ts'

const fileStates: readonly FileState[] = ['ok', 'stale', 'invalid']

type CountedReload = Pick<ReloadResult, 'result' | 'successful' | 'snapshot'>

/** Everything that is counted. A family of its own each: nothing is shared between two of these. */
export interface Metrics {
  /** Counts a request that is over: its decision, its rule, its time, the store's failure. */
  finished(request: FinishedRequest): void
  bucket(policy: BucketPolicy | undefined): BucketMetrics
  request(kind: RequestKind, status: number, seconds: number, requestId?: string): void
  upstreamError(type: UpstreamErrorType): void
  /**
   * After the first load and every reload. Drops the series of buckets, rules and modes that are gone. `now` is
   * milliseconds since 1970.
   */
  reload(reload: CountedReload, now: number): void
  decisionTotals(): DecisionTotals
  /** Adds a family that is counted elsewhere. */
  register(read: () => Family): void
  /** Every family, with its samples. */
  families(): Promise<Family[]>
  /** The same for another process, see `mergeMetrics`. */
  message(): Promise<MetricsMessage>
}

interface MetricsOptions {
  readonly version: string
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
}

export function createMetrics({ version, now = Date.now }: MetricsOptions): Metrics {
  const decisions = createDecisionMetrics()
  const registry = createRegistry()
  registry.register(decisions.decisionFamily)
  registry.register(decisions.ruleFamily)
  const durations = createDurationMetrics(now)
  registry.register(durations.family)
  const upstreamErrors = counter(registry, 'upstream_errors_total', {
    help: 'Requests that the store failed, by how it failed.',
    label: 'type',
    values: upstreamErrorTypes,
  })
  const reloads = counter(registry, 'rules_reloads_total', {
    help: 'Loads of the rules directory, by result.',
    label: 'result',
    values: reloadOutcomes,
  })
  const rules = createRuleGauges(registry)
  gauge(registry, 'build_info', 'Always 1; the labels say what runs.', 'first', [
    'version',
    'node_version',
  ]).set({ version, node_version: process.versions.node }, 1)

  return {
    finished({ facts, plan, status, milliseconds, upstreamError }) {
      const { decision, kind, policy, handsOff } = plan.judgement
      if (decision !== undefined)
        decisions.bucket(policy).decision(kind, decision, handsOff ? 'report' : 'enforce')
      durations.observe(requestKind(plan, facts), status, milliseconds / 1000, plan.requestId)
      if (upstreamError !== undefined) upstreamErrors.inc({ type: upstreamError })
    },
    bucket: decisions.bucket,
    request: (kind, status, seconds, requestId) => durations.observe(kind, status, seconds, requestId),
    upstreamError: (type) => upstreamErrors.inc({ type }),
    reload(reload, at) {
      decisions.prune(reload.snapshot)
      reloads.inc({ result: reload.result })
      rules.loaded(reload, at)
    },
    decisionTotals: decisions.totals,
    register: registry.register,
    families: registry.families,
    message: registry.message,
  }
}

/** The state of the rules after each load. */
function createRuleGauges(registry: FamilyRegistry): {
  loaded(reload: Omit<CountedReload, 'result'>, at: number): void
} {
  const successful = gauge(
    registry,
    'rules_last_reload_successful',
    'Whether the rules in force are those of the directory, every file of it: 1 or 0.',
    'min',
  )
  const successTimestamp = gauge(
    registry,
    'rules_last_reload_success_timestamp_seconds',
    'When that was last found to be so, in seconds since 1970.',
    'min',
  )
  const generation = gauge(
    registry,
    'rules_generation',
    'Counts the sets of rules that were put into force.',
    'min',
  )
  const files = gauge(
    registry,
    'rule_files',
    'Rule files by state: ok, stale (last good rules served), invalid (no rules served).',
    'max',
    ['state'],
  )
  for (const state of fileStates) files.set({ state }, 0)
  return {
    loaded(reload, at) {
      successful.set(reload.successful ? 1 : 0)
      if (reload.successful) successTimestamp.set(at / 1000)
      generation.set(reload.snapshot.generation)
      for (const state of fileStates)
        files.set({ state }, reload.snapshot.files.filter((file) => file.state === state).length)
    },
  }
}

/** Errors are counted as what the request would have been. */
function requestKind(plan: Plan, { method }: RequestFacts): RequestKind {
  if (plan.act === 'bucket-cors') return 'bucket_cors'
  if (plan.act === 'forward') return 'proxied'
  if (method === 'OPTIONS') return 'preflight'
  const { address } = plan.judgement
  const onApi = address.kind === 'bucket' && address.onBucket && /(?:^|&)cors(?:=|&|$)/.test(address.query)
  return onApi ? 'bucket_cors' : 'proxied'
}

/** A counter with every value of its label from the start, so that a first increase is one. */
function counter<Label extends string>(
  { own }: FamilyRegistry,
  name: string,
  { help, label, values }: { help: string; label: Label; values: readonly string[] },
): Counter<Label> {
  const made = new Counter({
    name: `cors_sidecar_${name}`,
    help,
    labelNames: [label],
    registers: [own],
  })
  for (const value of values) made.labels(value).inc(0)
  return made
}

function gauge<Label extends string>(
  { own }: FamilyRegistry,
  name: string,
  help: string,
  aggregator: Aggregator,
  labelNames: readonly Label[] = [],
): Gauge<Label> {
  return new Gauge({ name: `cors_sidecar_${name}`, help, aggregator, labelNames, registers: [own] })
}
