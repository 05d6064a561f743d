/**
 * Times decisions in a separate process and prints them as one line of JSON ({@link DecisionTimes}): `node
 * decision-times.ts '{"folders":[["1 bucket","/path",1], …]}'`.
 */
import { readFacts } from '../../src/http.ts'
import { plan } from '../../src/plan/plan.ts'
import { nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { createRulesStore } from '../../src/rules/store.ts'
import { identity, setup } from '../core.ts'
import { decisionCases, nanosecondsOf } from './decision-cases.ts'
import { bucketName, preflightHeaders } from './rule-sets.ts'
import { percentile } from './stats.ts'

export interface DecisionOrder {
  /** Name, rules folder and number of requested buckets of each set. */
  readonly folders: readonly (readonly [name: string, folder: string, buckets: number])[]
}

export interface DecisionTimes {
  /** Nanoseconds of each case, one per round. */
  readonly cases: readonly { readonly name: string; readonly rounds: readonly number[] }[]
  /** Percentiles of single decisions in nanoseconds, one per round. */
  readonly sets: readonly {
    readonly name: string
    readonly p50: readonly number[]
    readonly p99: readonly number[]
  }[]
}

const rounds = 9
const decisions = 20_000
const { folders }: DecisionOrder = JSON.parse(process.argv[2] ?? '{"folders":[]}')

const cases = decisionCases.map(([name, decide]) => ({ name, decide, rounds: [] as number[] }))
for (let round = 0; round < 5; round++) for (const one of cases) one.rounds.push(nanosecondsOf(one.decide))

const snapshots = new Map<string, Snapshot>()
for (const [, folder] of folders) {
  if (snapshots.has(folder)) continue
  const store = createRulesStore({ directory: folder, dialect: 'cos' })
  await store.reload('start')
  snapshots.set(folder, store.current())
}
const sets = folders.map(([name, folder, buckets]) => ({
  name,
  snapshot: snapshots.get(folder) ?? nothingLoaded,
  targets: targetsOf(buckets),
  p50: [] as number[],
  p99: [] as number[],
}))
for (let round = 0; round <= rounds; round++)
  for (const { snapshot, targets, p50, p99 } of sets) {
    const times = timesOf(snapshot, targets)
    // The first round warms up the compiler.
    if (round > 0) p50.push(percentile(times, 0.5))
    if (round > 0) p99.push(percentile(times, 0.99))
  }

const printed: DecisionTimes = {
  cases: cases.map(({ name, rounds }) => ({ name, rounds })),
  sets: sets.map(({ name, p50, p99 }) => ({ name, p50, p99 })),
}
console.log(JSON.stringify(printed))

/** Targets in random order, every bucket equally often. */
function targetsOf(buckets: number): readonly string[] {
  return Array.from({ length: decisions }, () => `/${bucketName(Math.floor(Math.random() * buckets))}/object`)
}

/** Nanoseconds of each decision, sorted. */
function timesOf(snapshot: Snapshot, targets: readonly string[]): Float64Array {
  const lines = ['Host', 'store.test', ...Object.entries(preflightHeaders).flat()]
  const times = targets.map((target) => {
    const started = process.hrtime.bigint()
    const decided = plan(snapshot, setup, readFacts('OPTIONS', target, '1.1', lines), identity)
    const nanoseconds = Number(process.hrtime.bigint() - started)
    if (decided.judgement.decision?.verdict !== 'allow') throw new Error(`${target} was not allowed`)
    return nanoseconds
  })
  return Float64Array.from(times).sort()
}
