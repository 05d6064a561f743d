import { truncate } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { objectPath, verifyGet, verifyPreflight } from '../answers.ts'
import { startObjects } from '../contestants.ts'
import { microseconds, perSecond, ratio } from '../figures.ts'
import { hundredRules, origin, preflightHeaders, writeRules } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { medianOf, ratiosOf, spreadOf } from '../stats.ts'
import { measureLoad } from '../wrk.ts'
import { wrkScript } from '../wrk-output.ts'

const loads = [
  ['preflight', wrkScript('OPTIONS', preflightHeaders)],
  ['GET of 1 KB', wrkScript('GET', { Origin: origin })],
] as const

interface Throughput {
  readonly perSecond: number
  readonly cpuNanosecondsPerRequest: number
}

/** One process compared with two that share the data port. */
export async function workers(bench: Bench): Promise<SectionResult> {
  const { testbed, sidecars, options, progress } = bench
  const store = await startObjects(bench)
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const start = (count: number) =>
    sidecars.start({
      upstreamPort: store.port,
      rules,
      logLevel: 'info',
      flags: ['--workers', String(count)],
    })
  const one = await start(1)
  const two = await start(2)
  for (const { port } of [one, two]) {
    await verifyPreflight('the sidecar', port, { knowsOrigins: true })
    await verifyGet('the sidecar', port, { knowsOrigins: true })
  }
  const measure = async ({ pid, port, log }: typeof one, script: string): Promise<Throughput> => {
    const url = `http://127.0.0.1:${port}${objectPath}`
    const load = { pid, url, script, log, seconds: options.seconds, connections: 64 }
    const { requests, seconds, cpuNanosecondsPerRequest } = await measureLoad(testbed, load)
    await truncate(log)
    return { perSecond: requests / seconds, cpuNanosecondsPerRequest }
  }
  const rows: string[][] = []
  for (const [name, script] of loads) {
    const measured: { one: Throughput; two: Throughput }[] = []
    for (let round = 0; round <= Math.min(3, options.rounds); round++) {
      progress(`workers: ${name}, round ${round}`)
      const both = { one: await measure(one, script), two: await measure(two, script) }
      if (round > 0) measured.push(both)
    }
    const [ofOne, ofTwo] = [measured.map(({ one }) => one), measured.map(({ two }) => two)]
    const rates = (all: readonly Throughput[]): readonly number[] => all.map((each) => each.perSecond)
    const cpu = (all: readonly Throughput[]): string =>
      microseconds(medianOf(all.map((each) => each.cpuNanosecondsPerRequest)))
    rows.push([
      name,
      perSecond(medianOf(rates(ofOne))),
      perSecond(medianOf(rates(ofTwo))),
      ratio(spreadOf(ratiosOf(rates(ofTwo), rates(ofOne)))),
      cpu(ofOne),
      cpu(ofTwo),
    ])
  }
  await Promise.all([one.end(), two.end(), store.end()])
  progress('')
  return {
    title: 'Workers',
    notes: [
      `\`--workers 2\` beside one process, wrk with one thread and 64 connections, log level info. wrk and, for a GET, nginx take their part of the ${availableParallelism()} cores: two workers can have twice as much only where four are.`,
    ],
    tables: [
      {
        columns: ['load', '1 worker, requests/s', '2 workers', '2 / 1', 'CPU/request, 1', 'CPU/request, 2'],
        rows,
      },
    ],
    budgets: [],
    ratios: {},
  }
}
