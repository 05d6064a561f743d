import { truncate } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { residentNow } from '../accounting.ts'
import { objectPath, verifyGet, verifyPreflight } from '../answers.ts'
import { startObjects } from '../contestants.ts'
import { megabytes, microseconds, perSecond, ratio } from '../figures.ts'
import { growthPlot } from '../plot.ts'
import { hundredRules, origin, preflightHeaders, writeRules } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import type { Sidecar } from '../sidecar.ts'
import { medianOf, ratiosOf, spreadOf } from '../stats.ts'
import type { Table } from '../table.ts'
import { measureLoad } from '../wrk.ts'
import { wrkScript } from '../wrk-output.ts'

const counts = [1, 2, 3, 4] as const
const rounds = 3
const loads = [
  ['preflight', wrkScript('OPTIONS', preflightHeaders)],
  ['GET of 1 KB', wrkScript('GET', { Origin: origin })],
] as const

interface Workers {
  readonly count: number
  readonly sidecar: Sidecar
  readonly restingBytes: number
}

interface Throughput {
  readonly perSecond: number
  readonly cpuNanosecondsPerRequest: number
}

/** One process compared with several that share the data port. */
export async function workers(bench: Bench): Promise<SectionResult> {
  const { testbed, sidecars, progress } = bench
  const store = await startObjects(bench)
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const all: Workers[] = []
  for (const count of counts) {
    progress(`workers: start of ${count}`)
    const flags = ['--workers', String(count)]
    const sidecar = await sidecars.start({ upstreamPort: store.port, rules, logLevel: 'info', flags })
    await verifyPreflight('the sidecar', sidecar.port, { knowsOrigins: true })
    await verifyGet('the sidecar', sidecar.port, { knowsOrigins: true })
    // The child processes that read the rule files have ended by then.
    await wait(4_000)
    all.push({ count, sidecar, restingBytes: residentNow(sidecar.pid) })
  }
  const measured = new Map<string, readonly (readonly Throughput[])[]>()
  for (const [name, script] of loads) measured.set(name, await compare(bench, all, name, script))
  await Promise.all([...all.map(({ sidecar }) => sidecar.end()), store.end()])
  progress('')
  const cores = availableParallelism()
  return {
    title: 'Workers',
    notes: [
      `\`--workers\` 1 to 4, wrk with one thread and 64 connections, log level info, ${rounds} rounds. wrk and, for a GET, nginx take their part of the ${cores} cores: requests per second grow with the workers as long as cores are free.`,
    ],
    tables: [tableOf(all, measured)],
    budgets: [],
    ratios: {},
    plots: {
      'workers.svg': growthPlot({
        title: `Growth with the number of workers, on ${cores} cores with wrk and nginx`,
        axis: 'workers',
        positions: counts,
        series: [
          ...[...measured].flatMap(([name, rates]) => [
            { name, unit: '/s', values: rates.map((one) => medianOf(one.map((each) => each.perSecond))) },
            {
              name: `CPU of a ${name}`,
              unit: 'µs',
              values: rates.map((one) => medianOf(one.map((each) => each.cpuNanosecondsPerRequest / 1000))),
            },
          ]),
          {
            name: 'memory at rest',
            unit: 'MB',
            values: all.map(({ restingBytes }) => restingBytes / 2 ** 20),
          },
        ],
      }),
    },
  }
}

function tableOf(
  all: readonly Workers[],
  measured: ReadonlyMap<string, readonly (readonly Throughput[])[]>,
): Table {
  const names = [...measured.keys()]
  return {
    columns: [
      'workers',
      ...names.flatMap((name) => [`${name}, requests/s`, 'to 1 worker', 'CPU/request']),
      'RSS at rest',
    ],
    rows: all.map(({ count, restingBytes }, at) => [
      String(count),
      ...names.flatMap((name) => {
        const [first = [], here = []] = [measured.get(name)?.[0], measured.get(name)?.[at]]
        const rates = (of: readonly Throughput[]): readonly number[] => of.map((each) => each.perSecond)
        return [
          perSecond(medianOf(rates(here))),
          ratio(spreadOf(ratiosOf(rates(here), rates(first)))),
          microseconds(medianOf(here.map((each) => each.cpuNanosecondsPerRequest))),
        ]
      }),
      megabytes(restingBytes),
    ]),
  }
}

/** In turn, several rounds after one to warm up; the result has one list for each of `all`. */
async function compare(
  { testbed, options, progress }: Bench,
  all: readonly Workers[],
  name: string,
  script: string,
): Promise<readonly (readonly Throughput[])[]> {
  const measured: Throughput[][] = all.map(() => [])
  for (let round = 0; round <= rounds; round++)
    for (const [at, { count, sidecar }] of all.entries()) {
      progress(`workers: ${name}, ${count} of them, round ${round}`)
      const { pid, port, log } = sidecar
      const seconds = round === 0 ? 1 : options.seconds
      const url = `http://127.0.0.1:${port}${objectPath}`
      const load = await measureLoad(testbed, { pid, url, script, log, seconds, connections: 64 })
      await truncate(log)
      const { requests, cpuNanosecondsPerRequest } = load
      if (round > 0) measured[at]?.push({ perSecond: requests / load.seconds, cpuNanosecondsPerRequest })
    }
  return measured
}
