import { ruleLabel } from '../metrics/decisions.ts'
import { type MetricsMessage, mergeMetrics } from '../metrics/registry.ts'
import { type BucketPolicy, fallbackName, policyOf, type Snapshot, serviceName } from '../plan/snapshot.ts'

/**
 * Keeps the last reported counters of workers that have ended. Without them every sum would fall when a worker is
 * replaced, which Prometheus treats as a counter reset.
 */
interface RetiredWorkers {
  add(metrics: MetricsMessage): Promise<void>
  metrics(): MetricsMessage
  /** Drops series of buckets, rules and modes that are not in `snapshot`. */
  prune(snapshot: Snapshot): void
}

export function createRetiredWorkers(): RetiredWorkers {
  let kept: MetricsMessage = []
  let adding: Promise<void> = Promise.resolve()
  let isConfigured = (_labels: SeriesLabels): boolean => true

  const pruned = (metrics: MetricsMessage): MetricsMessage =>
    metrics.map((family) => ({
      ...family,
      values: family.values.filter(({ labels }) => isConfigured(labels)),
    }))

  return {
    add(metrics) {
      adding = adding.then(async () => {
        kept = pruned(await mergeMetrics([kept, metrics.filter(isCounted)]))
      })
      return adding
    },
    metrics: () => kept,
    prune(snapshot) {
      isConfigured = configuredIn(snapshot)
      kept = pruned(kept)
    },
  }
}

/** Metrics that only grow. prom-client declares the type as a number, but it is a string. */
const isCounted = ({ type, aggregator }: MetricsMessage[number]): boolean =>
  aggregator === 'sum' && ['counter', 'histogram', 'summary'].includes(String(type))

type SeriesLabels = Readonly<Partial<Record<string, string | number>>>

function configuredIn(snapshot: Snapshot): (labels: SeriesLabels) => boolean {
  return ({ bucket, rule, mode }) => {
    if (bucket === undefined) return true
    const policies = (bucket === '_other' ? [fallbackName, serviceName] : [String(bucket)])
      .map((name) => policyOf(snapshot, name))
      .filter((policy) => policy !== undefined)
    if (bucket === '_other') return rule === undefined || policies.some((policy) => hasRule(policy, rule))
    return policies.some(
      (policy) =>
        (rule === undefined || hasRule(policy, rule)) && (mode === undefined || mode === policy.mode),
    )
  }
}

const hasRule = ({ rules }: BucketPolicy, rule: string | number): boolean =>
  rules.some(({ label }) => ruleLabel(label) === String(rule))
