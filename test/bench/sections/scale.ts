import { Agent } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import { replace } from '../../rules/directory.ts'
import { exchange } from '../../serve/exchange.ts'
import { residentNow } from '../accounting.ts'
import { atMostBytes, atMostTime } from '../budgets.ts'
import type { LongestBlock } from '../event-loop-probe.ts'
import { megabytes, microseconds, time } from '../figures.ts'
import { growthPlot } from '../plot.ts'
import {
  bucketName,
  fullFile,
  luaPath,
  originsPerFullRule,
  preflightHeaders,
  rulesFile,
  writeRules,
} from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { growthPerTen, medianOf } from '../stats.ts'
import { startTimed, startWatched, type WatchedSidecar } from '../watched-sidecar.ts'
import { measureLoad } from '../wrk.ts'
import { wrkScriptOver } from '../wrk-output.ts'

/** By number of rules: start time, memory, cost, and how fast a changed file goes live. */
interface Case {
  readonly name: string
  readonly buckets: number
  readonly text: (index: number, maxAge?: number) => string
}

const tenRules = (index: number, maxAge?: number): string => rulesFile(10, index, maxAge)
const tens = [1, 10, 100, 1_000, 10_000].map((buckets): Case => {
  const name = `${buckets.toLocaleString('en-US')} bucket${buckets === 1 ? '' : 's'} of 10 rules`
  return { name, buckets, text: tenRules }
})
const full: Case = {
  name: `1 bucket of 100 rules of ${originsPerFullRule} origins`,
  buckets: 1,
  text: (_index, maxAge) => fullFile(maxAge),
}

interface Scaled extends Case {
  /** Milliseconds from process start until it serves; the median of several. */
  readonly start: number
  /** CPU milliseconds until then, child processes included; the median of several. */
  readonly startCpu: number
  readonly residentBytes: number
  /** Nanoseconds of CPU for a preflight, the buckets asked in an order that jumps. */
  readonly preflight: number
  /** Milliseconds from renaming a file until a client sees it; the median and the slowest. */
  readonly live: number
  readonly slowestLive: number
  readonly block: LongestBlock
  /** All files changed at once; `undefined` where that was not measured. */
  readonly blockOfAll: LongestBlock | undefined
  readonly scrape: Scrape
}

interface Scrape {
  readonly block: LongestBlock
  readonly bytes: number
}

/** Milliseconds until a changed file must be live. */
const patience = 120_000
/** The number of buckets of which all files are changed at once. */
const changedAtOnce = 1_000

export async function scale(bench: Bench): Promise<SectionResult> {
  const scaled: Scaled[] = []
  for (const one of tens) scaled.push(await measure(bench, one))
  const largest = await measure(bench, full)
  bench.progress('')
  const [one] = scaled
  const thousand = scaled.find(({ buckets }) => buckets === changedAtOnce)
  const many = scaled.at(-1)
  if (one === undefined || thousand?.blockOfAll === undefined || many === undefined)
    throw new Error('nothing was measured')
  const perBucket = (many.residentBytes - one.residentBytes) / (many.buckets - 1)
  const positions = scaled.map(({ buckets }) => buckets)
  const series = [
    { name: 'start', unit: 'ms', values: scaled.map(({ start }) => start) },
    {
      name: 'memory at rest',
      unit: 'MB',
      values: scaled.map(({ residentBytes }) => residentBytes / 2 ** 20),
    },
    { name: 'CPU of a preflight', unit: 'µs', values: scaled.map(({ preflight }) => preflight / 1000) },
    { name: 'one file live', unit: 'ms', values: scaled.map(({ live }) => live) },
    { name: 'longest block', unit: 'ms', values: scaled.map(({ block }) => block.cpu) },
  ]
  return {
    title: 'Number of buckets',
    notes: [
      'The built program, as it is published: from its start as a process until it says that it serves, on the clock and in CPU time, its child processes included (the middle of three, with the compiled code that an earlier start kept), and resident memory at rest, six seconds later. CPU of a preflight is that of the whole request, the buckets asked in an order that jumps. From the rename of one changed file until a client sees the new rule: the middle and the slowest of five. For these another process is started, whose event loop is watched from within by a timer of 1 ms: the longest block during these five reloads by the CPU time of the main thread, and by the clock, in which other processes of the machine are. Then five scrapes of `/metrics`, after a request to each bucket.',
      `A rule file has at most 64 KB, as with the vendors: ${originsPerFullRule} origins for each of 100 rules are what it holds.`,
    ],
    tables: [
      {
        columns: [
          'rules',
          'start',
          'CPU of the start',
          'RSS at rest',
          'preflight',
          'one file live',
          'slowest',
          'longest block',
          'by the clock',
          'scrape, longest block',
          'scrape, size',
        ],
        rows: [
          ...[...scaled, largest].map((of) => [
            of.name,
            time(of.start),
            time(of.startCpu),
            megabytes(of.residentBytes),
            microseconds(of.preflight),
            time(of.live),
            time(of.slowestLive),
            time(of.block.cpu),
            time(of.block.clock),
            time(of.scrape.block.cpu),
            `${(of.scrape.bytes / 1024).toFixed(0)} KB`,
          ]),
          [
            'growth for ten times the buckets',
            ...[
              scaled.map(({ start }) => start),
              scaled.map(({ startCpu }) => startCpu),
              scaled.map(({ residentBytes }) => residentBytes),
              scaled.map(({ preflight }) => preflight),
              scaled.map(({ live }) => live),
              scaled.map(({ slowestLive }) => slowestLive),
              scaled.map(({ block }) => block.cpu),
              scaled.map(({ block }) => block.clock),
              scaled.map(({ scrape }) => scrape.block.cpu),
              scaled.map(({ scrape }) => scrape.bytes),
            ].map((values) => `× ${growthPerTen(positions, values).toFixed(2)}`),
          ],
        ],
      },
    ],
    budgets: [
      atMostTime('one bucket: start, CPU', one.startCpu, 500, {
        remedy:
          'two processes load their modules: the server, and the one that reads rule files, which takes two fifths; a server that read the first file itself would save those, and would keep the parsers in memory',
      }),
      atMostBytes('one bucket: RSS at rest', one.residentBytes, 85 * 2 ** 20, {
        remedy: "Node alone takes about 45 MB; the rest is the program's own modules and undici",
      }),
      atMostTime(`${thousand.name}: start`, thousand.start, 1500, { remedy: startRemedy }),
      atMostTime(`${many.name}: start`, many.start, 8000, { remedy: startRemedy }),
      atMostTime('10,000 buckets: one changed file live after its rename, slowest', many.slowestLive, 1000, {
        remedy: 'looking at all files takes longest; only changed directories could be looked at',
      }),
      atMostTime('longest block of the request loop, CPU: one of 10,000 files changed', many.block.cpu, 20, {
        remedy: collectionRemedy,
      }),
      atMostTime(
        `longest block of the request loop, CPU: all of ${changedAtOnce.toLocaleString('en-US')} files changed`,
        thousand.blockOfAll.cpu,
        20,
      ),
      atMostTime('longest block of the request loop, CPU: a file of 64 KB changed', largest.block.cpu, 20),
      atMostTime(
        'longest block of the request loop, CPU: scrape with 10,000 buckets',
        many.scrape.block.cpu,
        20,
        { remedy: collectionRemedy },
      ),
    ],
    ratios: {},
    summary: {
      expect: [
        `A changed rule file is live ${time(one.live)} after its rename, and ${time(many.live)} among 10,000 buckets.`,
      ],
      costs: [
        `Start: ${time(one.start)} with one bucket, ${time(many.start)} with 10,000. Memory at rest: ${megabytes(one.residentBytes)}, and ${(perBucket / 1024).toFixed(1)} KB for each bucket of ten rules.`,
      ],
    },
    plots: {
      'scale.svg': growthPlot({
        title: 'Growth with the number of buckets of 10 rules',
        axis: 'buckets',
        positions,
        series,
      }),
    },
  }
}

/** As `--trace-gc` shows. */
const collectionRemedy =
  'when V8 collects its whole heap meanwhile, that alone takes 14 to 22 ms with 10,000 buckets; a bucket that needs less memory would shorten it'
const startRemedy =
  'reading and checking the files in child processes takes the cores that there are; more of them help'

async function measure(bench: Bench, one: Case): Promise<Scaled> {
  bench.progress(`scale: ${one.name}`)
  const folder = await writeRules(bench.testbed.path('rules'), one.buckets, one.text)
  const starts: number[] = []
  const cpus: number[] = []
  let residentBytes = Number.NaN
  let preflight = Number.NaN
  for (let turn = 0; turn < 3; turn++) {
    const { program, milliseconds, cpuMilliseconds, port } = await startTimed(bench, folder)
    starts.push(milliseconds)
    cpus.push(cpuMilliseconds)
    if (turn === 2) {
      await wait(6_000)
      residentBytes = residentNow(program.pid)
      preflight = await preflightCost(bench, program.pid, port, one.buckets)
    }
    await program.end()
  }
  const watched = await startWatched(bench, folder)
  await wait(1000)
  const lives: number[] = []
  await watched.longestBlock()
  for (let maxAge = 1; maxAge <= 5; maxAge++) {
    lives.push(await reload(folder, watched.port, [0], one.text, maxAge))
    // At varying moments between two of the program's own looks at the directory.
    await wait(300 + 200 * maxAge)
  }
  const block = await watched.longestBlock()
  const blockOfAll =
    one.buckets === changedAtOnce ? await blockWhileAllChange(folder, watched, one) : undefined
  await askEach(watched.port, one.buckets)
  const scrape = await scrapeFive(watched)
  await watched.program.end()
  return {
    ...one,
    start: medianOf(starts),
    startCpu: medianOf(cpus),
    residentBytes,
    preflight,
    live: medianOf(lives),
    slowestLive: Math.max(...lives),
    block,
    blockOfAll,
    scrape,
  }
}

/** Nanoseconds of CPU for a preflight, the buckets asked in an order that jumps. */
async function preflightCost(
  { testbed, options }: Bench,
  pid: number,
  port: number,
  buckets: number,
): Promise<number> {
  const script = wrkScriptOver(buckets, luaPath, 'OPTIONS', preflightHeaders)
  const load = { pid, url: `http://127.0.0.1:${port}`, script, seconds: options.seconds }
  // The first one warms up the compiler.
  await measureLoad(testbed, load)
  return (await measureLoad(testbed, load)).cpuNanosecondsPerRequest
}

/** Gives the metrics a series for every bucket. */
async function askEach(port: number, buckets: number): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  let next = 0
  const ask = async (): Promise<void> => {
    while (next < buckets) await askFor(port, next++, agent)
  }
  await Promise.all(Array.from({ length: 16 }, ask))
  agent.destroy()
}

const askFor = (port: number, index: number, agent: Agent) =>
  exchange(`http://127.0.0.1:${port}/${bucketName(index)}/object`, {
    method: 'OPTIONS',
    headers: preflightHeaders,
    agent,
  })

async function blockWhileAllChange(
  folder: string,
  { port, longestBlock }: WatchedSidecar,
  { buckets, text }: Case,
): Promise<LongestBlock> {
  await longestBlock()
  const indexes = Array.from({ length: buckets }, (_, index) => index)
  for (let maxAge = 11; maxAge <= 13; maxAge++) await reload(folder, port, indexes, text, maxAge)
  return longestBlock()
}

async function scrapeFive({ adminPort, longestBlock }: WatchedSidecar): Promise<Scrape> {
  const ask = () => exchange(`http://127.0.0.1:${adminPort}/metrics`)
  // The first one compiles what writes them.
  await ask()
  await longestBlock()
  let bytes = 0
  for (let turn = 0; turn < 5; turn++) bytes = (await ask()).body.length
  return { block: await longestBlock(), bytes }
}

/** Milliseconds from renaming the first of the changed files until preflights use all of them. */
async function reload(
  folder: string,
  port: number,
  indexes: readonly number[],
  text: Case['text'],
  maxAge: number,
): Promise<number> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const isLive = async (index: number): Promise<boolean> => {
    const { headers } = await askFor(port, index, agent)
    return Number(headers['access-control-max-age']) === maxAge
  }
  if (await isLive(indexes[0] ?? 0)) throw new Error('the file is live before it was changed')
  const renamed = performance.now()
  for (const index of indexes) await replace(folder, `${bucketName(index)}.yaml`, text(index, maxAge))
  for (const index of indexes)
    for (; !(await isLive(index)); await wait(2))
      if (performance.now() - renamed > patience)
        throw new Error(`a changed file is not live after ${patience} ms`)
  agent.destroy()
  return performance.now() - renamed
}
