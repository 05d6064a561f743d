import { join } from 'node:path'
import { exchange } from '../../serve/exchange.ts'
import { cpuNanoseconds, forgetPeak, peakResidentBytes } from '../accounting.ts'
import { atMost, none } from '../budgets.ts'
import { startObjects } from '../contestants.ts'
import { megabytes, perSecond, time } from '../figures.ts'
import type { LoadOrder, LoadOutcome } from '../load-order.ts'
import { hundredRules, writeRules } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import type { Sidecar } from '../sidecar.ts'
import { runToEnd } from '../testbed.ts'

const connections = 500
const seconds = 5
const generator = join(import.meta.dirname, '../peers/load-generator.ts')

interface Held extends LoadOutcome {
  readonly name: string
  readonly rate: number | undefined
  /** Share of one core that the sidecar used, from the first due request until all were answered. */
  readonly cpu: number
  readonly peakBytes: number
  /** The sidecar's own event loop lag from its metrics, p99 in milliseconds, read during the load. */
  readonly lag: number
}

/** A mix at constant rates below, at and above capacity, and the recovery afterwards. */
export async function load(bench: Bench): Promise<SectionResult> {
  const { testbed, sidecars } = bench
  const store = await startObjects(bench)
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const sidecar = await sidecars.start({ upstreamPort: store.port, rules, logLevel: 'info' })

  await hold(bench, sidecar, 'warming up', undefined)
  const saturated = await hold(bench, sidecar, 'saturation, closed loop', undefined)
  const saturation = saturated.answered / saturated.seconds
  const at = (name: string, share: number): Promise<Held> => hold(bench, sidecar, name, saturation * share)
  const half = await at('half', 0.5)
  const most = await at('90 %', 0.9)
  const beyond = await at('150 %', 1.5)
  const after = await at('half, after it', 0.5)
  await Promise.all([sidecar.end(), store.end()])
  bench.progress('')
  const all = [saturated, half, most, beyond, after]
  const lost = (one: Held): number => one.due - one.answered
  return {
    title: 'Load held',
    notes: [
      `${connections} connections, preflight : GET of 1 KB : PUT of 1 KB as 1 : 8 : 1, ${seconds} s each, log level info. The first load sends the next request when the previous one is answered (closed loop). The others send at a constant rate; a latency runs from the time when the request was due until its response is complete, so it includes waiting for a free connection, and above saturation latencies grow for as long as the load lasts. The generator's timer adds up to 1 ms. Generator, sidecar and store share the cores, so saturation is that of all three. CPU is that of the sidecar; 100 % is one core.`,
      "*Drained* is the time from the end of the load until everything is answered. *Event loop lag* is `nodejs_eventloop_lag_p99_seconds` from the sidecar's metrics during the load; Node samples every 10 ms and includes that interval, so 10 ms means no lag.",
    ],
    tables: [
      {
        columns: [
          'load',
          'due/s',
          'answered',
          'refused, failed',
          'p50',
          'p90',
          'p99',
          'most',
          'drained',
          'CPU',
          'event loop lag',
          'peak RSS',
        ],
        rows: all.map((one) => [
          one.name,
          perSecond(one.due / one.seconds),
          String(one.answered),
          lostIn(one),
          ...[one.p50, one.p90, one.p99, one.most, one.drainMilliseconds].map(time),
          `${(one.cpu * 100).toFixed(0)} %`,
          time(one.lag),
          megabytes(one.peakBytes),
        ]),
      },
    ],
    budgets: [
      none('500 connections, up to 90 % of saturation: requests refused or failed', lost(half) + lost(most)),
      none(
        '500 connections, 150 % of saturation: connections broken or unanswered (queued, not lost)',
        beyond.failed,
      ),
      atMost('half load after the overload / before it, p50', [after.p50 / half.p50], 1.5),
    ],
    summary: {
      expect: [
        `On this machine, which also runs the load and the store, ${perSecond(saturation)} requests a second of a mix with ${connections} connections; at half of that, ${time(half.p50)} in the middle and ${time(half.p99)} at the 99th percentile.`,
      ],
      stops: [
        `Beyond saturation requests wait instead of failing: at 150 %, ${time(beyond.p99)} at the 99th percentile after ${seconds} s of it, ${beyond.failed} failed. At half of saturation again, the middle is ${(after.p50 / half.p50).toFixed(2)} times what it was before.`,
      ],
    },
    ratios: {},
  }
}

/** `0`, or the number of each status and of missing responses. */
function lostIn({ refused, failed }: Held): string {
  const refusals = Object.entries(refused).map(([status, count]) => `${count} × ${status}`)
  return [...refusals, ...(failed > 0 ? [`${failed} failed`] : [])].join(', ') || '0'
}

async function hold(
  { testbed, progress }: Bench,
  sidecar: Sidecar,
  name: string,
  rate: number | undefined,
): Promise<Held> {
  progress(`load: ${name}`)
  const order: LoadOrder = {
    port: sidecar.port,
    connections,
    seconds,
    ...(rate === undefined ? {} : { rate }),
  }
  forgetPeak(sidecar.pid)
  const before = cpuNanoseconds(sidecar.pid)
  const output = runToEnd(testbed, process.execPath, [generator, JSON.stringify(order)])
  const [printed, lag] = await Promise.all([output, lagOf(sidecar, seconds * 800)])
  const outcome: LoadOutcome = JSON.parse(printed)
  const cpu =
    (cpuNanoseconds(sidecar.pid) - before) / 1e6 / (outcome.seconds * 1000 + outcome.drainMilliseconds)
  return { ...outcome, name, rate, cpu, lag, peakBytes: peakResidentBytes(sidecar.pid) }
}

/** In milliseconds. The metric covers the time since it was last read. */
async function lagOf({ adminPort }: Sidecar, after: number): Promise<number> {
  const ask = async (): Promise<number> => {
    const { body } = await exchange(`http://127.0.0.1:${adminPort}/metrics`)
    const line = /^nodejs_eventloop_lag_p99_seconds(?:\{[^}]*\})? ([0-9.e+-]+)$/m.exec(body.toString())
    if (line === null) throw new Error('the sidecar reports no event loop lag')
    return Number(line[1]) * 1000
  }
  await ask()
  await new Promise((resolve) => setTimeout(resolve, after))
  return ask()
}
