import { policyOf } from '../admin/rules-view.ts'
import { type MetricsMessage, mergeMetrics } from '../metrics/registry.ts'
import { type BucketPolicy, fallbackName, type Snapshot, serviceName } from '../plan/snapshot.ts'

/**
 * The counters of workers that have ended, as far as they had reported them: without these every sum would fall when one is
 * replaced, which a scrape takes for a restart of the whole.
 */
interface RetiredWorkers {
  add(metrics: MetricsMessage): Promise<void>
  metrics(): MetricsMessage
  /** Drops the series of buckets, rules and modes that `snapshot` no longer has. */
  prune(snapshot: Snapshot): void
}

export function createRetiredWorkers(): RetiredWorkers {
  let kept: MetricsMessage = []
  let adding: Promise<void> = Promise.resolve()
  return {
    add(metrics) {
      adding = adding.then(async () => {
        kept = await mergeMetrics([kept, metrics.filter(isCounted)])
      })
      return adding
    },
    metrics: () => kept,
    prune(snapshot) {
      const isConfigured = configuredIn(snapshot)
      kept = kept.map((family) => ({
        ...family,
        values: family.values.filter(({ labels }) => isConfigured(labels)),
      }))
    },
  }
}

/** What only ever grows. prom-client types the type as a number, but it is the word. */
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

/** Labels are cut at some length. */
const hasRule = ({ rules }: BucketPolicy, rule: string | number): boolean =>
  rules.some(({ label }) => label.startsWith(String(rule)))
