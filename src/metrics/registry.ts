import {
  AggregatorRegistry,
  collectDefaultMetrics,
  type MetricObjectWithValues,
  type MetricValue,
  Registry,
} from 'prom-client'
import type { Exemplar, Family, Sample } from './family.ts'

/** What one process sends for its metrics to be merged with those of others. */
export type MetricsMessage = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

/**
 * Gauges by the name of counters, which `promtool check metrics` complains of; each is the sum of another family
 * that stays.
 */
const misnamed = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
]

/** A prom-client registry that holds the metrics of this process: CPU, memory, event loop, garbage collection. */
export function createRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  for (const name of misnamed) registry.removeSingleMetric(name)
  return registry
}

/**
 * Adds a family whose numbers are kept elsewhere. prom-client's own counters hash their labels on every increment,
 * which a preflight would pay for; a registry takes anything that can tell its values.
 */
export function registerFamily(registry: Registry, read: () => Family): void {
  const { name, help, type, aggregator } = read()
  const get = async (): Promise<unknown> => ({ name, help, type, aggregator, values: valuesOf(name, read()) })
  Reflect.apply(registry.registerMetric, registry, [{ name, help, type, aggregator, get }])
}

function valuesOf(name: string, family: Family): unknown[] {
  return Array.from(family.samples, ({ suffix, labels, value, exemplar }) => ({
    labels,
    value,
    ...(suffix === '' ? {} : { metricName: name + suffix }),
    ...(exemplar === undefined ? {} : { exemplar }),
  }))
}

/** The metrics of several processes as those of one, by prom-client's aggregators. Exemplars are left out. */
export async function mergeMetrics(messages: readonly MetricsMessage[]): Promise<MetricsMessage> {
  return AggregatorRegistry.aggregate([...messages]).getMetricsAsJSON()
}

const types = ['counter', 'gauge', 'histogram', 'summary'] as const

/** What a registry tells, ready to be written. */
export function familiesOf(metrics: MetricsMessage): Family[] {
  return metrics.map(
    ({ name, help, type, aggregator, values }: MetricObjectWithValues<MetricValue<string>>) => ({
      name,
      help,
      // Typed as a number, but it is the word.
      type: types.find((word) => word === String(type)) ?? 'gauge',
      aggregator,
      samples: values.map((value) => sampleOf(name, value)),
    }),
  )
}

interface Extended extends MetricValue<string> {
  readonly metricName?: string
  readonly exemplar?: Exemplar
}

function sampleOf(name: string, { labels, value, metricName = name, exemplar }: Extended): Sample {
  return {
    suffix: metricName.slice(name.length),
    labels: Object.fromEntries(Object.entries(labels).map(([key, text]) => [key, text ?? ''])),
    value,
    exemplar,
  }
}
