import { truncate } from 'node:fs/promises'
import { objectPath } from './answers.ts'
import { megabytes, microseconds, perSecond, ratio, time } from './figures.ts'
import type { Ratios } from './ratios.ts'
import type { Bench, BudgetRow } from './section.ts'
import { medianOf, ratiosOf, spreadOf } from './stats.ts'
import type { Table } from './table.ts'
import { type Measured, measureLoad } from './wrk.ts'

export interface Contestant {
  /** Stable name of its ratio. */
  readonly key: string
  readonly title: string
  readonly pid: number
  readonly port: number
  readonly knowsOrigins: boolean
  /** Its log file, emptied after each load. */
  readonly log?: string
  /** It writes one line per request. */
  readonly logsRequests?: boolean
}

export interface Result extends Contestant {
  /** One per round. */
  readonly measured: readonly Measured[]
}

/** The sidecar as people run it, and without its log. */
export const infoKey = 'sidecar, info'
export const silentKey = 'sidecar, silent'

/** Describes how the contest is measured. */
export const loadNote = ({ options: { rounds, seconds } }: Bench): string =>
  `wrk with one thread and 16 connections, ${seconds} s each, in turn, ${rounds} rounds after one to warm up. CPU is the process's own and its children's, from /proc (schedstat). Ratios are of the same round: median (least..most); latencies and requests/s are medians. The sidecar logs to a file, and is given the time to write what it still holds when the load ends, which counts; its peers write no log. Each peer has one thread for requests (Caddy: \`GOMAXPROCS=1\`).`

/** Measures everyone in turn, several times. Each round starts with a different one. */
export async function measureRounds(
  { testbed, options, progress }: Bench,
  contestants: readonly Contestant[],
  script: string,
): Promise<readonly Result[]> {
  const measured = new Map<Contestant, Measured[]>(contestants.map((one) => [one, []]))
  for (let round = 0; round <= options.rounds; round++)
    for (let turn = 0; turn < contestants.length; turn++) {
      const one = contestants[(round + turn) % contestants.length]
      if (one === undefined) continue
      const { pid, port, title, log, logsRequests = false } = one
      progress(`${round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`}: ${title}`)
      const url = `http://127.0.0.1:${port}${objectPath}`
      const seconds = round === 0 ? 2 : options.seconds
      const load = await measureLoad(testbed, { pid, url, script, seconds, ...(logsRequests ? { log } : {}) })
      if (round > 0) measured.get(one)?.push(load)
      if (log !== undefined) await truncate(log)
    }
  return contestants.map((one) => ({ ...one, measured: measured.get(one) ?? [] }))
}

const cpuOf = ({ measured }: Result): readonly number[] =>
  measured.map(({ cpuNanosecondsPerRequest }) => cpuNanosecondsPerRequest)

const ratesOf = ({ measured }: Result): readonly number[] =>
  measured.map(({ requests, seconds }) => requests / seconds)

/** CPU per request relative to the baseline, one per round, by key. */
export function ratiosTo(
  baseline: string,
  results: readonly Result[],
): ReadonlyMap<string, readonly number[]> {
  const base = results.find(({ key }) => key === baseline)
  if (base === undefined) throw new Error(`${baseline} takes part in every run`)
  return new Map(results.map((result) => [result.key, ratiosOf(cpuOf(result), cpuOf(base))]))
}

export function tableOf(results: readonly Result[], baseline: string, ratioColumn: string): Table {
  const ratios = ratiosTo(baseline, results)
  return {
    columns: ['server', 'requests/s', 'CPU/request', ratioColumn, 'p50', 'p99', 'peak RSS'],
    rows: results.map((result) => {
      const middle = (pick: (one: Measured) => number): number => medianOf(result.measured.map(pick))
      return [
        result.title,
        perSecond(middle(({ requests, seconds }) => requests / seconds)),
        microseconds(middle(({ cpuNanosecondsPerRequest }) => cpuNanosecondsPerRequest)),
        ratio(spreadOf(ratios.get(result.key) ?? [])),
        time(middle(({ p50Milliseconds }) => p50Milliseconds)),
        time(middle(({ p99Milliseconds }) => p99Milliseconds)),
        megabytes(Math.max(...result.measured.map(({ peakResidentBytes }) => peakResidentBytes))),
      ]
    }),
  }
}

export function atMost(what: string, ratios: readonly number[] | undefined, most: number): BudgetRow {
  const spread = spreadOf(ratios ?? [])
  return { what, measured: ratio(spread), budget: `≤ ${most}`, held: spread.median <= most }
}

/** The sidecar compared with a peer; nothing if the peer did not take part. */
export function cheaperThan(what: string, key: string, results: readonly Result[]): readonly BudgetRow[] {
  const peer = results.find((result) => result.key === key)
  const sidecar = results.find((result) => result.key === infoKey)
  if (peer === undefined || sidecar === undefined) return []
  const spread = spreadOf(ratiosOf(cpuOf(sidecar), cpuOf(peer)))
  const row = { what: `${what}: CPU per request / ${peer.title}`, measured: ratio(spread) }
  return [{ ...row, budget: '< 1', held: spread.median < 1 }]
}

/**
 * What a quick run compares: only our own rows, because peers may change. Requests per second are recorded as the
 * baseline's over ours, so that less is better here too: waiting costs no CPU.
 */
export function recorded(what: string, baseline: string, results: readonly Result[]): Ratios {
  const base = results.find(({ key }) => key === baseline)
  const ours = results.filter(({ key }) => key === infoKey || key === silentKey)
  if (base === undefined || ours.length === 0)
    throw new Error(`${baseline} and the sidecar take part in every run`)
  return Object.fromEntries(
    ours.flatMap((own) => [
      [`${what}: ${own.key} / ${baseline}`, medianOf(ratiosOf(cpuOf(own), cpuOf(base)))],
      [`${what}, requests/s: ${baseline} / ${own.key}`, medianOf(ratiosOf(ratesOf(base), ratesOf(own)))],
    ]),
  )
}
