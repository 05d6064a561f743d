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
import { createRegistry, type MetricsMessage } from './registry.ts'

const fileStates: readonly FileState[] = ['ok', 'stale', 'invalid']

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
  reload(reload: Pick<ReloadResult, 'result' | 'successful' | 'snapshot'>, now: number): void
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
  const durations = createDurationMetrics(now)
  const upstreamErrors = countsOf(upstreamErrorTypes)
  const reloads = countsOf(reloadOutcomes)
  const files = countsOf(fileStates)
  const state = { successful: 0, successTimestamp: 0, generation: 0 }

  const registry = createRegistry()
  for (const read of [
    () => decisions.decisionFamily(),
    () => decisions.ruleFamily(),
    () => durations.family(),
    ...ownFamilies(),
  ])
    registry.register(read)

  function ownFamilies(): (() => Family)[] {
    return [
      () =>
        counter(
          'upstream_errors_total',
          'Requests that the store failed, by how it failed.',
          'type',
          upstreamErrors,
        ),
      () => counter('rules_reloads_total', 'Loads of the rules directory, by result.', 'result', reloads),
      () =>
        gauge(
          'rules_last_reload_successful',
          'Whether the rules in force are those of the directory, every file of it: 1 or 0.',
          'min',
          state.successful,
        ),
      () =>
        gauge(
          'rules_last_reload_success_timestamp_seconds',
          'When that was last found to be so, in seconds since 1970.',
          'min',
          state.successTimestamp,
        ),
      () =>
        gauge(
          'rules_generation',
          'Counts the sets of rules that were put into force.',
          'min',
          state.generation,
        ),
      () => ({
        ...gauge(
          'rule_files',
          'Rule files by state: ok, stale (last good rules served), invalid (no rules served).',
          'max',
          0,
        ),
        samples: fileStates.map((name) => ({
          suffix: '',
          labels: { state: name },
          value: files[name],
        })),
      }),
      () => ({
        ...gauge('build_info', 'Always 1; the labels say what runs.', 'first', 1),
        samples: [{ suffix: '', labels: { version, node_version: process.versions.node }, value: 1 }],
      }),
    ]
  }

  return {
    finished({ facts, plan, status, milliseconds, upstreamError }) {
      const { decision, kind, policy, handsOff } = plan.judgement
      if (decision !== undefined)
        decisions.bucket(policy).decision(kind, decision, handsOff ? 'report' : 'enforce')
      durations.observe(requestKind(plan, facts), status, milliseconds / 1000, plan.requestId)
      if (upstreamError !== undefined) upstreamErrors[upstreamError]++
    },
    bucket: decisions.bucket,
    request: (kind, status, seconds, requestId) => durations.observe(kind, status, seconds, requestId),
    upstreamError(type) {
      upstreamErrors[type]++
    },
    reload({ result, successful, snapshot }, at) {
      decisions.prune(snapshot)
      reloads[result]++
      state.successful = successful ? 1 : 0
      if (successful) state.successTimestamp = at / 1000
      state.generation = snapshot.generation
      for (const name of fileStates) files[name] = 0
      for (const file of snapshot.files) files[file.state]++
    },
    decisionTotals: decisions.totals,
    register: registry.register,
    families: registry.families,
    message: registry.message,
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

function countsOf<Name extends string>(names: readonly Name[]): Record<Name, number>
function countsOf(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]))
}

function counter(
  name: string,
  help: string,
  label: string,
  counts: Readonly<Record<string, number>>,
): Family {
  return {
    name: `cors_sidecar_${name}`,
    help,
    type: 'counter',
    aggregator: 'sum',
    samples: Object.entries(counts).map(([text, value]) => ({
      suffix: '',
      labels: { [label]: text },
      value,
    })),
  }
}

function gauge(name: string, help: string, aggregator: Aggregator, value: number): Family {
  return {
    name: `cors_sidecar_${name}`,
    help,
    type: 'gauge',
    aggregator,
    samples: [{ suffix: '', labels: {}, value }],
  }
}
