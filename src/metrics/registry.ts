import { setImmediate as nextTurn } from 'node:timers/promises'
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

/** prom-client's metrics, those of this process (CPU, memory, event loop) among them, and families counted elsewhere. */
export interface FamilyRegistry {
  /** For metrics of prom-client. */
  readonly own: Registry
  register(read: () => Family): void
  /** The samples of what is registered are read when they are written, a few at a time. */
  families(): Promise<Family[]>
  message(): Promise<MetricsMessage>
}

export function createRegistry(): FamilyRegistry {
  const own = new Registry()
  collectDefaultMetrics({ register: own })
  for (const name of misnamed) own.removeSingleMetric(name)
  const registered = new Registry()
  const reads: (() => Family)[] = []
  return {
    own,
    register(read) {
      registerFamily(registered, read)
      reads.push(read)
    },
    families: async () => [...familiesOf(await own.getMetricsAsJSON()), ...reads.map((read) => read())],
    message: async () => [...(await own.getMetricsAsJSON()), ...(await registered.getMetricsAsJSON())],
  }
}

/**
 * Families of which each request counts one: prom-client hashes the labels on every increment. Its histogram with
 * exemplars costs 1 µs a request, 7 % of a preflight, ours 0.1. A registry accepts anything that has `get`.
 */
function registerFamily(registry: Registry, read: () => Family): void {
  const { name, help, type, aggregator } = read()
  const get = async (): Promise<unknown> => ({
    name,
    help,
    type,
    aggregator,
    values: await valuesOf(name, read()),
  })
  Reflect.apply(registry.registerMetric, registry, [{ name, help, type, aggregator, get }])
}

const valuesPerTurn = 2000

/** Requests are served in between. */
async function valuesOf(name: string, family: Family): Promise<unknown[]> {
  const values: unknown[] = []
  for (const { suffix, labels, value, exemplar } of family.samples) {
    values.push({
      labels,
      value,
      ...(suffix === '' ? {} : { metricName: name + suffix }),
      ...(exemplar === undefined ? {} : { exemplar }),
    })
    if (values.length % valuesPerTurn === 0) await nextTurn()
  }
  return values
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
  /** prom-client's histograms have `null` where they have none. */
  readonly exemplar?: Exemplar | null
}

function sampleOf(name: string, { labels, value, metricName = name, exemplar }: Extended): Sample {
  return {
    suffix: metricName.slice(name.length),
    labels: Object.fromEntries(Object.entries(labels).map(([key, text]) => [key, text ?? ''])),
    value,
    exemplar: exemplar ?? undefined,
  }
}
