import { mkdir, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cpuNanoseconds, forgetPeak, peakResidentBytes } from '../accounting.ts'
import { objectPath } from '../answers.ts'
import { startObjects } from '../contestants.ts'
import { cpuTime, megabytes } from '../figures.ts'
import { gigabyte, megabyte } from '../forwarders.ts'
import { startNodePeer, startStore } from '../peers.ts'
import { growthPlot, type Series } from '../plot.ts'
import { bucket, manyOrigins, origin, preflightHeaders, rulesFile, writeRules } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import type { Sidecar } from '../sidecar.ts'
import { growthPerTen, medianOf } from '../stats.ts'
import { transfer } from '../streams.ts'
import type { Table } from '../table.ts'
import { measureLoad } from '../wrk.ts'
import { wrkScript } from '../wrk-output.ts'

const rounds = 3
const loads = [
  ['preflight', wrkScript('OPTIONS', preflightHeaders)],
  ['GET of 1 KB', wrkScript('GET', { Origin: origin })],
] as const

/** How the cost of a request grows with rules, origins, connections and bytes. */
export async function growth(bench: Bench): Promise<SectionResult> {
  const byRules = await byFile(bench, 'rules', [1, 3, 10, 30, 100], (count) => rulesFile(count, 0))
  const byOrigins = await byFile(bench, 'origins', [1, 10, 100, 1_000], manyOrigins)
  const byConnections = await overConnections(bench, [1, 10, 100, 500, 1_000, 2_000])
  const bySize = await overSizes(bench)
  bench.progress('')
  const plots = {
    'rules.svg': growthPlot({
      title: 'Growth with the number of rules in a bucket',
      axis: 'rules, of which the last matches',
      ...byRules,
    }),
    'origins.svg': growthPlot({
      title: 'Growth with the number of origins in a rule',
      axis: 'origins, of which the last matches',
      ...byOrigins,
    }),
    'connections.svg': growthPlot({
      title: 'Growth with the number of connections',
      axis: 'connections',
      ...byConnections,
    }),
    'sizes.svg': growthPlot({ title: 'Growth with the size of an object', axis: 'size', ...bySize.plot }),
  }
  return {
    title: 'Growth',
    notes: [
      `CPU of the sidecar for each request, log line included, log level info: wrk with 16 connections, the median of ${rounds} loads of ${secondsOf(bench.options)} s. "For ten times as many" is the slope of the line through all points, both axes logarithmic: × 10.00 is growth in proportion, × 1.00 none. What grows faster than the work is a defect.`,
      'Sizes: a client in Node, four transfers at a time, as many as make 256 MB, at most 2,000 and at least 4, of 1 GB and more a single one. Below some 100 KB a request costs what requests cost, above what bytes cost.',
    ],
    tables: [
      tableOf('rules in the bucket', byRules),
      tableOf('origins in the rule', byOrigins),
      tableOf('connections', byConnections),
      bySize.table,
    ],
    budgets: [],
    ratios: {},
    plots,
  }
}

/** Shorter than other loads, because there are many. */
const secondsOf = ({ seconds }: Bench['options']): number => Math.max(1, Math.floor(seconds / 2))

interface Sweep {
  readonly positions: readonly number[]
  readonly series: readonly Series[]
}

const tableOf = (what: string, { positions, series }: Sweep): Table => ({
  columns: [what, ...series.map(({ name }) => name)],
  rows: [
    ...positions.map((position, at) => [
      position.toLocaleString('en-US'),
      ...series.map(
        ({ values, unit }) => `${(values[at] ?? Number.NaN).toFixed(unit === 'MB' ? 0 : 1)} ${unit}`,
      ),
    ]),
    [
      'for ten times as many',
      ...series.map(({ values }) => `× ${growthPerTen(positions, values).toFixed(2)}`),
    ],
  ],
})

/** One sidecar for each count, with one bucket whose file `text` returns. */
async function byFile(
  bench: Bench,
  what: string,
  counts: readonly number[],
  text: (count: number) => string,
): Promise<Sweep> {
  const { testbed, sidecars, progress } = bench
  const store = await startObjects(bench)
  const costs: number[][] = []
  for (const count of counts) {
    progress(`growth: ${count} ${what}`)
    const rules = await writeRules(testbed.path('rules'), 1, () => text(count))
    const sidecar = await sidecars.start({ upstreamPort: store.port, rules, logLevel: 'info' })
    const both: number[] = []
    for (const [, script] of loads) both.push(await costOf(bench, sidecar, script, 16))
    costs.push(both)
    await sidecar.end()
  }
  await store.end()
  return {
    positions: counts,
    series: loads.map(([name], index) => ({
      name: `CPU of a ${name}`,
      unit: 'µs',
      values: costs.map((both) => both[index] ?? Number.NaN),
    })),
  }
}

/** One sidecar, with more and more connections. */
async function overConnections(bench: Bench, counts: readonly number[]): Promise<Sweep> {
  const { testbed, sidecars, progress } = bench
  const store = await startObjects(bench)
  const rules = await writeRules(testbed.path('rules'), 1, () => rulesFile(10, 0))
  const sidecar = await sidecars.start({ upstreamPort: store.port, rules, logLevel: 'info' })
  const costs: number[][] = []
  const peaks: number[] = []
  for (const count of counts) {
    progress(`growth: ${count} connections`)
    const both: number[] = []
    for (const [, script] of loads) both.push(await costOf(bench, sidecar, script, count))
    costs.push(both)
    peaks.push(peakResidentBytes(sidecar.pid) / megabyte)
  }
  await Promise.all([sidecar.end(), store.end()])
  return {
    positions: counts,
    series: [
      ...loads.map(([name], index) => ({
        name: `CPU of a ${name}`,
        unit: 'µs',
        values: costs.map((both) => both[index] ?? Number.NaN),
      })),
      { name: 'peak RSS', unit: 'MB', values: peaks },
    ],
  }
}

/** Microseconds of CPU per request. */
async function costOf(
  { testbed, options }: Bench,
  { pid, port }: Sidecar,
  script: string,
  connections: number,
): Promise<number> {
  const seconds = secondsOf(options)
  const load = { pid, url: `http://127.0.0.1:${port}${objectPath}`, script, seconds, connections }
  await measureLoad(testbed, load)
  const costs: number[] = []
  while (costs.length < rounds) costs.push((await measureLoad(testbed, load)).cpuNanosecondsPerRequest / 1000)
  return medianOf(costs)
}

interface Size {
  readonly name: string
  readonly bytes: number
}

const kilobyte = 1024
const sizes: readonly Size[] = [
  { name: '0', bytes: 0 },
  { name: '1 KB', bytes: kilobyte },
  { name: '10 KB', bytes: 10 * kilobyte },
  { name: '100 KB', bytes: 100 * kilobyte },
  { name: '1 MB', bytes: megabyte },
  { name: '10 MB', bytes: 10 * megabyte },
  { name: '100 MB', bytes: 100 * megabyte },
  { name: '1 GB', bytes: gigabyte },
  { name: '5 GB', bytes: 5 * gigabyte },
]

interface Moved {
  /** Microseconds of CPU per request. */
  readonly cost: number
  readonly peakBytes: number
}

async function overSizes(
  bench: Bench,
): Promise<{ readonly table: Table; readonly plot: Sweep & { labels: string[] } }> {
  const { testbed, sidecars, options, progress } = bench
  const measured = sizes.filter(({ bytes }) => options.full || bytes < gigabyte)
  const objects = testbed.path('objects')
  await mkdir(join(objects, bucket), { recursive: true })
  for (const { bytes } of measured) {
    const file = join(objects, bucket, String(bytes))
    await writeFile(file, '')
    await truncate(file, bytes)
  }
  const stores = {
    GET: await startStore(testbed, objects),
    PUT: await startNodePeer(testbed, 'discard-store', []),
  }
  const rules = await writeRules(testbed.path('rules'), 1, () => rulesFile(10, 0))
  const moved = { GET: [] as Moved[], PUT: [] as Moved[] }
  for (const method of ['GET', 'PUT'] as const) {
    const sidecar = await sidecars.start({ upstreamPort: stores[method].port, rules, logLevel: 'info' })
    // Warms up the compiler.
    await move(bench, sidecar, method, 10 * kilobyte)
    for (const { name, bytes } of measured) {
      progress(`growth: ${method} of ${name}`)
      moved[method].push(await move(bench, sidecar, method, bytes))
    }
    await sidecar.end()
  }
  await Promise.all([stores.GET.end(), stores.PUT.end()])
  const costs = (method: 'GET' | 'PUT'): number[] => moved[method].map(({ cost }) => cost)
  const perMegabyte = ({ cost }: Moved, { bytes }: Size): string =>
    bytes === 0 ? '' : cpuTime((cost * 1000 * megabyte) / bytes)
  // A logarithmic axis has no place for 0.
  const plotted = measured.slice(1)
  const positions = plotted.map(({ bytes }) => bytes)
  const series = (['GET', 'PUT'] as const).map((method) => ({
    name: `CPU of a ${method}`,
    unit: 'µs',
    values: costs(method).slice(1),
  }))
  const slope = (values: readonly number[]): string => `× ${growthPerTen(positions, values).toFixed(2)}`
  return {
    table: {
      columns: ['size', 'CPU of a GET', 'for each MB', 'peak RSS', 'CPU of a PUT', 'for each MB', 'peak RSS'],
      rows: [
        ...measured.map((size, at) => [
          size.name,
          ...[moved.GET[at], moved.PUT[at]].flatMap((one) =>
            one === undefined
              ? []
              : [cpuTime(one.cost * 1000), perMegabyte(one, size), megabytes(one.peakBytes)],
          ),
        ]),
        [
          'for ten times the size',
          ...series.flatMap(({ name, values }) => {
            const peaks = (name.endsWith('GET') ? moved.GET : moved.PUT).slice(1)
            return [slope(values), '', slope(peaks.map(({ peakBytes }) => peakBytes))]
          }),
        ],
      ],
    },
    plot: { positions, labels: plotted.map(({ name }) => name), series },
  }
}

async function move(
  { testbed }: Bench,
  { pid, port }: Sidecar,
  method: 'GET' | 'PUT',
  bytes: number,
): Promise<Moved> {
  const transfers = Math.max(4, Math.min(2_000, Math.round((256 * megabyte) / Math.max(1, bytes))))
  forgetPeak(pid)
  const before = cpuNanoseconds(pid)
  await transfer(testbed, {
    url: `http://127.0.0.1:${port}/${bucket}/${bytes}`,
    direction: method === 'GET' ? 'get' : 'put',
    bytes,
    transfers: bytes >= gigabyte ? 1 : transfers,
    atATime: bytes >= gigabyte ? 1 : 4,
    origin,
  })
  const requests = bytes >= gigabyte ? 1 : transfers
  return { cost: (cpuNanoseconds(pid) - before) / 1000 / requests, peakBytes: peakResidentBytes(pid) }
}
