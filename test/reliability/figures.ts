/**
 * The eighteen figures with their promises. If a test of `npm test` or `npm run test:long` covers the scenario, that
 * test runs.
 */

import { measure as measureFullDisk } from './adversity/full-disk.ts'
import { measure as measureTruncatedStore } from './adversity/truncated-store.ts'
import { measure as measureTruncatedUpload } from './adversity/truncated-upload.ts'
import { measureBadFiles } from './bad-files.ts'
import { measureBounds } from './bounds.ts'
import type { Faults } from './faults.ts'
import { count, type Figure, type Measured } from './figure.ts'
import { measureFlatMemory } from './flat-memory.ts'
import { measureLargeSet } from './large-set.ts'
import { measurePreflights } from './preflights.ts'
import { failuresIn, most, runTests, sum, type TestRun, together } from './run-tests.ts'
import { measureSoak } from './soak.ts'
import { measureTakesEffect } from './takes-effect.ts'

/** `faults`: faults of the program's processes so far. */
export const figuresWith = (faults: () => Promise<Faults>): readonly Figure[] => [
  {
    name: '1',
    promise: '0 failed requests and 0 mixed generations in 1,000 reloads under load',
    when: 'alone',
    measure: async (scale) => reloadsUnderLoad(count(scale, 150, 1_000)),
  },
  {
    name: '2',
    promise: 'a renamed file takes effect within 1 s (p99), or within 10 s if events are lost',
    when: 'alone',
    measure: (scale) => measureTakesEffect(count(scale, 30, 200), count(scale, 1, 3)),
  },
  {
    name: '3',
    promise: '1,000 buckets of 20 rules: no reload blocks for more than 50 ms, start within 2 s',
    when: 'alone',
    measure: (scale) => measureLargeSet(count(scale, 3, 10), count(scale, 3, 20)),
  },
  {
    name: '4',
    promise: 'every bad rule file is reported with code and line within 200 ms, and affects nothing else',
    when: 'beside',
    measure: () => measureBadFiles(),
  },
  {
    name: '5',
    promise: 'every raw request held, 0 smuggled, 0 deaths; the same for mutants of them',
    when: 'throughout',
    // Mutants take a whole core, which the others need for the rest of the time.
    measure: (scale, seconds) => hostileRequests(scale === 'nightly' ? seconds / 2 : undefined),
  },
  {
    name: '6',
    promise:
      'every hostile origin is decided correctly; in 1,000,000 random pairs the matcher never differs from the oracle',
    when: 'beside',
    measure: async (scale) => hostileOrigins(count(scale, 100_000, 1_000_000)),
  },
  {
    name: '7',
    promise:
      'the most expensive preflight of 16 KB costs at most 5 normal ones and 1 ms; no answer has twice the headers that are configured and requested',
    when: 'alone',
    measure: (scale) => measurePreflights(count(scale, 500, 5_000)),
  },
  {
    name: '8',
    promise:
      'RSS grows by at most 64 MB while 10 GB stream each way, also to slow readers; the bytes are unchanged',
    when: 'beside',
    measure: (scale) => measureFlatMemory(count(scale, 1, 10)),
  },
  {
    name: '9',
    promise: 'if the store aborts an answer, the client gets an error within 1 s, 1,000 of 1,000 times',
    when: 'beside',
    measure: (scale) => measureTruncatedStore({ count: count(scale, 100, 1_000) }),
  },
  {
    name: '10',
    promise: 'an upload that the client aborts is never completed at the store, 1,000 of 1,000 times',
    when: 'beside',
    measure: (scale) => measureTruncatedUpload({ count: count(scale, 100, 1_000) }),
  },
  {
    name: '11',
    promise:
      'SIGTERM: readiness 503, none of 1,000 requests dropped, idle connections closed, exit 0; a second signal ends the process at once',
    when: 'beside',
    measure: () => drains(1_000),
  },
  {
    name: '12',
    promise:
      '1,000 times kill -9 during PUT ?cors: the file is the old or the new one; what is left over is not read',
    // A thousand starts take as long as all that run one after the other.
    when: 'throughout',
    measure: (scale) => kills(count(scale, 25, 1_000)),
  },
  {
    name: '13',
    promise:
      'disk full, read-only, or no descriptors left: proxying continues, the old rules stay, and the sidecar recovers within 5 s',
    when: 'beside',
    measure: (scale) => measureFullDisk({ count: count(scale, 1, 5) }),
  },
  {
    name: '14',
    promise:
      '0 errors in 10,000 GETs from a store that closes idle connections at random; no body is sent twice',
    when: 'beside',
    measure: (scale) => idleCloses(count(scale, 2_000, 10_000)),
  },
  {
    name: '15',
    promise:
      '100,000 random requests: at most 400 + (12 + rules) × buckets series, and every log line is JSON of at most 8 KB',
    when: 'beside',
    measure: (scale) => measureBounds(count(scale, 10_000, 100_000)),
  },
  {
    name: '16',
    promise:
      'an hour with 500 connections and a reload each second in 256 MB: 0 failed requests, RSS grows by less than 5 MB/h, the number of descriptors does not grow',
    when: 'throughout',
    measure: (scale, seconds) => measureSoak(seconds, scale),
  },
  {
    name: '17',
    promise:
      'with bad rule files the sidecar starts, serves the other buckets and refuses requests for those; without a directory, or with --strict-start, it exits with 2',
    when: 'beside',
    measure: starts,
  },
  {
    name: '18',
    promise:
      '0 uncaught exceptions and unexpected exits in all figures; an exception in a handler fails one request',
    when: 'last',
    measure: () => exceptions(faults),
  },
]

const passes = (run: TestRun): boolean => run.failures.length === 0

async function reloadsUnderLoad(reloads: number): Promise<Measured> {
  const run = await runTests(['test/serve/reload-load.spec.ts'], { RELOADS: reloads })
  return {
    measured: `${sum(run, 'reloads')} reloads, a sixth of them with 2 workers: ${sum(run, 'answered')} requests, ${sum(run, 'problems')} failed, mixed, or older than one before${failuresIn(run)}`,
    held: passes(run) && sum(run, 'problems') === 0,
  }
}

async function hostileRequests(seconds: number | undefined): Promise<Measured> {
  const until = performance.now() + 1_000 * (seconds ?? 0)
  const alone = await runTests(['test/proxy/raw-rows.test.ts'])
  const whole = await runTests(['test/serve/raw-rows.spec.ts'], { RAW_ROWS: 'all' })
  const mutants = await (seconds === undefined ? runMutants({ MUTANTS: 400 }) : runMutantsUntil(until))
  const runs = [alone, whole, mutants]
  return {
    measured: `the program: ${sum(whole, 'rows') - sum(whole, 'missed')} of ${sum(whole, 'rows')} rows, ${sum(whole, 'smuggled')} smuggled; the data path alone: ${alone.passed} of ${alone.passed + alone.failures.length}; ${sum(mutants, 'mutants')} mutants, ${sum(mutants, 'forwarded')} forwarded${runs.map(failuresIn).join('')}`,
    held: runs.every(passes) && sum(whole, 'missed') + sum(whole, 'smuggled') === 0,
  }
}

const runMutants = (environment: Readonly<Record<string, number>>): Promise<TestRun> =>
  runTests(['test/proxy/mutation.test.ts'], environment)

/** In slices, because a test keeps everything that it recorded until it ends. */
async function runMutantsUntil(until: number): Promise<TestRun> {
  const slices: TestRun[] = []
  do {
    const left = Math.floor((until - performance.now()) / 1_000)
    slices.push(await runMutants({ MUTATION_SECONDS: Math.max(10, Math.min(300, left)) }))
  } while (performance.now() < until)
  return together(slices)
}

async function hostileOrigins(pairs: number): Promise<Measured> {
  const file = 'test/cors/pattern.test.ts'
  const rows = await runTests([file], {}, 'hostile origins')
  const random = await runTests([file], { ORACLE_PAIRS: pairs }, 'agrees with the oracle')
  return {
    measured: `${rows.passed} of ${rows.passed + rows.failures.length} origins; ${sum(random, 'compared')} random pairs, ${sum(random, 'matching')} of them matching, ${random.failures.length === 0 ? 0 : 'some'} different from the oracle${failuresIn(rows)}${failuresIn(random)}`,
    held: passes(rows) && passes(random),
  }
}

async function drains(requests: number): Promise<Measured> {
  const run = await runTests(['test/serve/drain.test.ts'], { DRAIN_REQUESTS: requests })
  return {
    measured: `${sum(run, 'inFlight')} in flight, plus a long upload and a long download: ${sum(run, 'dropped')} dropped; ${run.passed} ways to stop as promised${failuresIn(run)}`,
    held: passes(run) && sum(run, 'dropped') === 0,
  }
}

async function kills(times: number): Promise<Measured> {
  const run = await runTests(['test/bucket-cors/crash.spec.ts'], { CORS_SIDECAR_KILLS: times }, 'killed')
  return {
    measured: `${sum(run, 'kills')} kills, ${sum(run, 'cutOff')} before the last answer: ${run.failures.length === 0 ? 'always the old file or the new one' : 'NOT always a complete file'}; ${most(run, 'strays')} leftovers seen, none read${failuresIn(run)}`,
    // Kills that all come after the last response prove nothing.
    held: passes(run) && sum(run, 'cutOff') > 0,
  }
}

async function idleCloses(gets: number): Promise<Measured> {
  const run = await runTests(['test/proxy/retry.test.ts'], { IDLE_GETS: gets })
  return {
    measured: `${sum(run, 'gets')} GETs, ${sum(run, 'closed')} idle connections closed: ${sum(run, 'failed')} errors; ${run.passed} cases of what is resent and what never is${failuresIn(run)}`,
    held: passes(run) && sum(run, 'failed') === 0,
  }
}

async function starts(): Promise<Measured> {
  const run = await runTests(['test/serve/start.test.ts'])
  return {
    measured: `${run.passed} of ${run.passed + run.failures.length} cases${failuresIn(run)}`,
    held: passes(run),
  }
}

async function exceptions(faults: () => Promise<Faults>): Promise<Measured> {
  const handler = await runTests(
    ['test/proxy/listen.test.ts'],
    {},
    'a handler that throws fails only its own request',
  )
  const api = await runTests(['test/sidecar/gateway.test.ts'])
  const { processes, found } = await faults()
  return {
    measured: `${processes} processes of the program: ${found.length} faults${found
      .slice(0, 3)
      .map((what) => ` (${what.slice(0, 200)})`)
      .join(
        '',
      )}; ${handler.passed + api.passed} tests of a throwing handler passed${failuresIn(handler)}${failuresIn(api)}`,
    held: processes > 0 && found.length === 0 && passes(handler) && passes(api),
  }
}
