import type { Exemplar, Family, Labels, Sample } from './family.ts'

const requestKinds = ['preflight', 'proxied', 'bucket_cors'] as const
export type RequestKind = (typeof requestKinds)[number]

/** `none`: the client disconnected before a status was sent. */
const codeClasses = ['none', '1xx', '2xx', '3xx', '4xx', '5xx'] as const

/** In seconds. Preflights take well under a millisecond; uploads have no limit. */
const bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

interface Series {
  readonly labels: Labels
  /** One count per bound, and one above the highest; not cumulative. */
  readonly counts: Float64Array
  sum: number
  readonly exemplars: (Exemplar | undefined)[]
}

interface DurationMetrics {
  observe(kind: RequestKind, status: number, seconds: number, requestId: string | undefined): void
  family(): Family
}

const kindIndex: Readonly<Record<RequestKind, number>> = { preflight: 0, proxied: 1, bucket_cors: 2 }

/** Request durations. `now` is milliseconds since 1970, for the exemplars. */
export function createDurationMetrics(now: () => number): DurationMetrics {
  const all: readonly Series[] = requestKinds.flatMap((kind) =>
    codeClasses.map((code_class) => ({
      labels: { kind, code_class },
      counts: new Float64Array(bounds.length + 1),
      sum: 0,
      exemplars: [],
    })),
  )
  return {
    observe(kind, status, seconds, requestId) {
      const code = status >= 100 && status < 600 ? Math.floor(status / 100) : 0
      const series = all[kindIndex[kind] * codeClasses.length + code]
      if (series === undefined) return
      let index = 0
      while (index < bounds.length && seconds > (bounds[index] ?? 0)) index++
      series.counts[index] = (series.counts[index] ?? 0) + 1
      series.sum += seconds
      if (requestId !== undefined) series.exemplars[index] = { requestId, value: seconds, time: now() / 1000 }
    },
    family: () => ({
      name: 'cors_sidecar_request_duration_seconds',
      help: 'Time from the request headers to the end of the response, by kind and class of the status code.',
      type: 'histogram',
      aggregator: 'sum',
      // Not lazy: the buckets of one scrape must add up to its count.
      samples: all.filter(({ counts }) => counts.some((count) => count > 0)).flatMap(seriesSamples),
    }),
  }
}

function seriesSamples({ labels, counts, sum, exemplars }: Series): Sample[] {
  const samples: Sample[] = []
  let cumulative = 0
  for (const [index, count] of counts.entries()) {
    cumulative += count
    const bound = bounds[index]
    samples.push({
      suffix: '_bucket',
      labels: { ...labels, le: bound ?? '+Inf' },
      value: cumulative,
      exemplar: exemplars[index],
    })
  }
  return [...samples, { suffix: '_sum', labels, value: sum }, { suffix: '_count', labels, value: cumulative }]
}
