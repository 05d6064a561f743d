import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { replace } from '../../rules/directory.ts'
import { exchange } from '../../serve/exchange.ts'
import { residentNow } from '../accounting.ts'
import { objectPath } from '../answers.ts'
import type { LongestBlock } from '../event-loop-probe.ts'
import { megabytes, time } from '../figures.ts'
import { growthPlot } from '../plot.ts'
import {
  bucket,
  fullFile,
  originsPerFullRule,
  preflightHeaders,
  rulesFile,
  writeRules,
} from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { medianOf } from '../stats.ts'
import { startTimed, startWatched } from '../watched-sidecar.ts'

/** By number of rules: start time, memory, and how fast a changed file goes live. */
interface Case {
  readonly name: string
  readonly buckets: number
  readonly text: (index: number, maxAge?: number) => string
}

const tenRules = (index: number, maxAge?: number): string => rulesFile(10, index, maxAge)
const cases: readonly Case[] = [
  { name: '1 bucket of 10 rules', buckets: 1, text: tenRules },
  { name: '100 buckets of 10 rules', buckets: 100, text: tenRules },
  { name: '10,000 buckets of 10 rules', buckets: 10_000, text: tenRules },
  {
    name: `1 bucket of 100 rules of ${originsPerFullRule} origins`,
    buckets: 1,
    text: (_index, maxAge) => fullFile(maxAge),
  },
]

interface Scaled extends Case {
  /** Milliseconds from process start until it serves; the median of several. */
  readonly start: number
  readonly residentBytes: number
  /** Milliseconds from renaming a file until a client sees it; the median and the slowest. */
  readonly live: number
  readonly slowestLive: number
  readonly block: LongestBlock
}

export async function scale(bench: Bench): Promise<SectionResult> {
  const scaled: Scaled[] = []
  for (const one of cases) scaled.push(await measure(bench, one))
  bench.progress('')
  const [one, , many] = scaled
  if (one === undefined || many === undefined) throw new Error('nothing was measured')
  const perBucket = (buckets: Scaled): number =>
    (buckets.residentBytes - one.residentBytes) / (buckets.buckets - 1)
  const plotted = scaled.filter(({ text }) => text === tenRules)
  const series = (name: string, unit: string, value: (of: Scaled) => number) => ({
    name,
    unit,
    values: plotted.map(value),
  })
  return {
    title: 'Number of rules',
    notes: [
      'The built program, as it is published: from its start as a process until it says that it serves (the middle of three), resident memory a second later (likewise), and from the rename of one changed file until a client sees the new rule (the middle and the slowest of five). For these another process is started, whose event loop is watched from within, by a timer of 1 ms that is loaded into it, during these five reloads and the seconds between them: the longest block by the CPU time of the main thread, and by the clock, in which other processes of the machine are.',
      `A rule file has at most 64 KB, as with the vendors: ${originsPerFullRule} origins for each of 100 rules are what it holds.`,
    ],
    tables: [
      {
        columns: [
          'rules',
          'start',
          'RSS',
          'RSS/bucket',
          'one file live',
          'slowest',
          'longest block',
          'by the clock',
        ],
        rows: scaled.map((of) => [
          of.name,
          time(of.start),
          megabytes(of.residentBytes),
          of.buckets < 10_000 ? '' : `${(perBucket(of) / 1024).toFixed(1)} KB`,
          time(of.live),
          time(of.slowestLive),
          time(of.block.cpu),
          time(of.block.clock),
        ]),
      },
    ],
    budgets: [
      budget('10,000 buckets of 10 rules: start', many.start, 8000),
      budget('10,000 buckets: one changed file live after its rename, slowest', many.slowestLive, 1000),
      budget('10,000 buckets: event loop blocked by a reload, CPU', many.block.cpu, 20),
    ],
    ratios: {},
    plots: {
      'scale.svg': growthPlot({
        title: 'Growth with the number of buckets of 10 rules',
        axis: 'buckets',
        positions: plotted.map(({ buckets }) => buckets),
        series: [
          series('start', 'ms', ({ start }) => start),
          series('resident', 'MB', ({ residentBytes }) => residentBytes / 2 ** 20),
          series('one file live', 'ms', ({ live }) => live),
          series('longest block', 'ms', ({ block }) => block.cpu),
        ],
      }),
    },
  }
}

const budget = (what: string, milliseconds: number, most: number) => ({
  what,
  measured: time(milliseconds),
  budget: `≤ ${time(most)}`,
  held: milliseconds <= most,
})

async function measure(bench: Bench, one: Case): Promise<Scaled> {
  bench.progress(`scale: ${one.name}`)
  const folder = await writeRules(bench.testbed.path('rules'), one.buckets, one.text)
  const starts: number[] = []
  const resident: number[] = []
  for (let time = 0; time < 3; time++) {
    const { program, milliseconds } = await startTimed(bench, folder)
    starts.push(milliseconds)
    await wait(1000)
    resident.push(residentNow(program.pid))
    await program.end()
  }
  const { program, port, longestBlock } = await startWatched(bench, folder)
  await wait(1000)
  await longestBlock()
  const lives: number[] = []
  for (let maxAge = 1; maxAge <= 5; maxAge++) {
    lives.push(await reload(folder, port, one.text(0, maxAge), maxAge))
    // At varying moments between two of the program's own looks at the directory.
    await wait(300 + 200 * maxAge)
  }
  const block = await longestBlock()
  await program.end()
  return {
    ...one,
    start: medianOf(starts),
    residentBytes: medianOf(resident),
    live: medianOf(lives),
    slowestLive: Math.max(...lives),
    block,
  }
}

/** Milliseconds from renaming the changed file until a preflight uses it. */
async function reload(folder: string, port: number, text: string, maxAge: number): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const isLive = async (): Promise<boolean> => {
    const { headers } = await exchange(`http://127.0.0.1:${port}${objectPath}`, {
      method: 'OPTIONS',
      headers: preflightHeaders,
      agent,
    })
    return Number(headers['access-control-max-age']) === maxAge
  }
  if (await isLive()) throw new Error('the file is live before it was changed')
  const renamed = performance.now()
  await replace(folder, `${bucket}.yaml`, text)
  for (; !(await isLive()); await wait(2))
    if (performance.now() - renamed > 30_000) throw new Error('the changed file is not live after 30 s')
  agent.destroy()
  return performance.now() - renamed
}
