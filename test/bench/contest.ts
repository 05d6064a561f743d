import { truncate } from 'node:fs/promises'
import { setTimeout as wait } from 'node:timers/promises'
import { residentNow } from './accounting.ts'
import { objectPath } from './answers.ts'
import { below } from './budgets.ts'
import { megabytes, microseconds, perSecond, ratio, time } from './figures.ts'
import type { PeerName } from './options.ts'
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
  /** Its log file, emptied after each load. With `table: 'log'` it has at least one line per request. */
  readonly log?: string
  /** The tables that it is in: of servers with an access log, of servers without, or of both as their baseline. */
  readonly table: 'log' | 'silent' | 'both'
  /** Memory a few seconds after its start, before any load. */
  readonly restingBytes?: number
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
  `wrk with one thread and 16 connections, ${seconds} s each, in turn, ${rounds} rounds after one to warm up. CPU is the process's own and its children's, from /proc (schedstat). Ratios are of the same round: median (least..most); latencies and requests/s are medians. Each peer has one thread for requests (programs in Go: \`GOMAXPROCS=1\`).`

/** Describes the two tables of a contest. `baseline`: who never logs. */
export const logNote = (baseline: string): string =>
  `In the first table every server but ${baseline} writes an access log to a file, one line for each request, as cheaply as it can, and is given the time to write what it still holds when the load ends, which counts: nginx in pieces of 64 KB, HAProxy to its standard output, which is a file (it has no buffer for that), Caddy and Traefik with their JSON encoder, versitygw with \`--access-log\`, fastify and express with pino in pieces of 64 KB (express through ten lines that do what pino-http does). In the second table no server writes one.`

/** Measures everyone in turn, several times. Each round starts with a different one. */
export async function measureRounds(
  { testbed, options, progress }: Bench,
  started: readonly Contestant[],
  script: string,
): Promise<readonly Result[]> {
  progress('at rest')
  // The child processes that read the rule files have ended by then.
  await wait(options.quick ? 0 : 4_000)
  const contestants = started.map((one) => ({ ...one, restingBytes: residentNow(one.pid) }))
  const measured = new Map<Contestant, Measured[]>(contestants.map((one) => [one, []]))
  for (let round = 0; round <= options.rounds; round++)
    for (let turn = 0; turn < contestants.length; turn++) {
      const one = contestants[(round + turn) % contestants.length]
      if (one === undefined) continue
      const { pid, port, title, log, table } = one
      progress(`${round === 0 ? 'warming up' : `round ${round} of ${options.rounds}`}: ${title}`)
      const url = `http://127.0.0.1:${port}${objectPath}`
      const seconds = round === 0 ? 2 : options.seconds
      const logged = table === 'log' ? { log } : {}
      const load = await measureLoad(testbed, { pid, url, script, seconds, ...logged })
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

/** The results of one table, its baseline first. */
export const inTable = (results: readonly Result[], which: 'log' | 'silent'): readonly Result[] =>
  results.filter(({ table }) => table === which || table === 'both')

/** One table of the servers that write an access log, and one of those that write none. */
export const bothTables = (
  results: readonly Result[],
  baseline: string,
  ratioColumn: string,
): readonly Table[] => [
  tableOf('with an access log', inTable(results, 'log'), baseline, ratioColumn),
  tableOf('without', inTable(results, 'silent'), baseline, ratioColumn),
]

/** `what`: the title of the first column. */
function tableOf(what: string, results: readonly Result[], baseline: string, ratioColumn: string): Table {
  const ratios = ratiosTo(baseline, results)
  return {
    columns: [what, 'requests/s', 'CPU/request', ratioColumn, 'p50', 'p99', 'RSS at rest', 'peak RSS'],
    rows: results.map((result) => {
      const middle = (pick: (one: Measured) => number): number => medianOf(result.measured.map(pick))
      return [
        result.title,
        perSecond(middle(({ requests, seconds }) => requests / seconds)),
        microseconds(middle(({ cpuNanosecondsPerRequest }) => cpuNanosecondsPerRequest)),
        ratio(spreadOf(ratios.get(result.key) ?? [])),
        time(middle(({ p50Milliseconds }) => p50Milliseconds)),
        time(middle(({ p99Milliseconds }) => p99Milliseconds)),
        megabytes(result.restingBytes ?? Number.NaN),
        megabytes(peakOf(result)),
      ]
    }),
  }
}

export const peakOf = ({ measured }: Result): number =>
  Math.max(...measured.map(({ peakResidentBytes }) => peakResidentBytes))

/** CPU per request in nanoseconds, the median; `undefined` for a server that did not take part. */
export function costOf(key: string, results: readonly Result[]): number | undefined {
  const result = results.find((one) => one.key === key)
  return result === undefined ? undefined : medianOf(cpuOf(result))
}

/** The two servers compared, one ratio per round; `undefined` if one did not take part. */
export function ratiosBetween(
  key: string,
  other: string,
  results: readonly Result[],
): readonly number[] | undefined {
  const [one, base] = [key, other].map((name) => results.find((result) => result.key === name))
  return one === undefined || base === undefined ? undefined : ratiosOf(cpuOf(one), cpuOf(base))
}

/** Peers that are written in Node or Go, of which the sidecar promises to be cheaper. */
const cheaperThanThese: readonly PeerName[] = ['caddy', 'traefik', 'express', 'fastify', 'versitygw']

/** The sidecar compared with each of these peers, both with a log and both without. */
export function cheaperThanPeers(what: string, results: readonly Result[]): readonly BudgetRow[] {
  return cheaperThanThese.flatMap((peer) => {
    const pairs = [
      ['with the log', infoKey, peer],
      ['silent', silentKey, `${peer}, silent`],
    ] as const
    return pairs.flatMap(([how, own, other]) => {
      const ratios = ratiosBetween(own, other, results)
      const title = results.find(({ key }) => key === other)?.title
      if (ratios === undefined || title === undefined) return []
      return [below(`${what}, ${how}: CPU per request / ${title}`, ratios, 1)]
    })
  })
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
