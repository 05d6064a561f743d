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

/** All metrics. Two objects of this type share nothing. */
export interface Metrics {
  /** Counts a finished request: its decision, rule, duration and upstream error. */
  finished(request: FinishedRequest): void
  bucket(policy: BucketPolicy | undefined): BucketMetrics
  request(kind: RequestKind, status: number, seconds: number, requestId?: string): void
  upstreamError(type: UpstreamErrorType): void
  /**
   * Call after the first load and after every reload. Drops series of removed buckets, rules and modes. `now` is
   * milliseconds since 1970.
   */
  reload(reload: CountedReload, now: number): void
  decisionTotals(): DecisionTotals
  /** Adds a family that is counted elsewhere. */
  register(read: () => Family): void
  families(): Promise<Family[]>
  /** The same, in the form that `mergeMetrics` takes. */
  message(): Promise<MetricsMessage>
}

interface MetricsOptions {
  readonly version: string
  /** Milliseconds since 1970; default: the system clock. */
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
    help: 'Requests that failed because of the store, by type of failure.',
    label: 'type',
    values: upstreamErrorTypes,
  })
  const reloads = counter(registry, 'rules_reloads_total', {
    help: 'Loads of the rules directory, by result.',
    label: 'result',
    values: reloadOutcomes,
  })
  const rules = createRuleGauges(registry)
  gauge(registry, 'build_info', 'Always 1; the labels hold the version.', 'first', [
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

function createRuleGauges(registry: FamilyRegistry): {
  loaded(reload: Omit<CountedReload, 'result'>, at: number): void
} {
  const successful = gauge(
    registry,
    'rules_last_reload_successful',
    '1 if every file of the rules directory was loaded without an error, else 0.',
    'min',
  )
  const successTimestamp = gauge(
    registry,
    'rules_last_reload_success_timestamp_seconds',
    'Time of the last load in which every file was free of errors, in seconds since 1970.',
    'min',
  )
  const generation = gauge(
    registry,
    'rules_generation',
    'Number of rule sets applied since the start.',
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

/** Errors count under the kind of the request that failed. */
function requestKind(plan: Plan, { method }: RequestFacts): RequestKind {
  if (plan.act === 'bucket-cors') return 'bucket_cors'
  if (plan.act === 'forward') return 'proxied'
  if (method === 'OPTIONS') return 'preflight'
  const { address } = plan.judgement
  const onApi = address.kind === 'bucket' && address.onBucket && /(?:^|&)cors(?:=|&|$)/.test(address.query)
  return onApi ? 'bucket_cors' : 'proxied'
}

/** A counter that has every label value from the start, so that `increase()` sees the first event. */
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
