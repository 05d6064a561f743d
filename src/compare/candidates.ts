import type { Log } from '../log/log.ts'
import type { Family } from '../metrics/family.ts'
import { judge, type Setup } from '../plan/judge.ts'
import { defectOf } from '../plan/plan.ts'
import type { FileState, Snapshot } from '../plan/snapshot.ts'
import type { DecidedRequest } from '../requests/finished-request.ts'
import { reportChurn } from '../rules/churn.ts'
import { createRulesStore, type ReloadCause, type ReloadResult } from '../rules/store.ts'
import { watchRules } from '../rules/watch.ts'
import { createDifferences, type DifferenceGroup, type Differences } from './differences.ts'

export type { Difference, DifferenceGroup } from './differences.ts'

/** A second set of rules that judges every request beside the live rules and is never enforced. */
export interface Candidates {
  readonly directory: string
  /** The current candidate rules. Generation 0: not loaded yet. */
  current(): Snapshot
  lastReload(): CandidateReload | undefined
  /** Loads the directory and watches it. Neither an unusable directory nor a file with errors makes it reject. */
  start(): Promise<void>
  reload(cause: ReloadCause): Promise<void>
  /** Judges a finished request by the candidate rules. Never throws. */
  compare(request: DecidedRequest): void
  totals(): CandidateTotals
  /** The most frequent groups of differences, most frequent first. */
  top(): readonly DifferenceGroup[]
  readonly families: readonly (() => Family)[]
  close(): Promise<void>
}

export interface CandidateReload {
  /** The directory was read, and no file has an error. */
  readonly successful: boolean
  /** Why the directory could not be read. */
  readonly failure: string | undefined
  /** Milliseconds since 1970. */
  readonly time: number
}

export interface CandidateTotals {
  readonly compared: number
  readonly different: number
  /** Requests of buckets whose candidate file has an error, so that there is nothing to compare. */
  readonly undecided: number
}

export interface CandidatesOptions {
  readonly directory: string
  /** The same settings as for the live rules. */
  readonly setup: Setup
  readonly live: () => Snapshot
  readonly log: Log
  /** Called when our own code threw. Only that comparison fails. */
  readonly failed: (error: unknown) => void
  /** Milliseconds since 1970; default: the system clock. */
  readonly now?: () => number
}

export function createCandidates(options: CandidatesOptions): Candidates {
  const { directory, setup, live, log, failed, now = Date.now } = options
  const store = createRulesStore({ directory, dialect: setup.dialect })
  const differences = createDifferences({ now })
  const inError = invalidBuckets()
  let undecided = 0
  let last: CandidateReload | undefined
  let watch: ReturnType<typeof watchRules> | undefined
  let closed = false

  const churn = reportChurn((message, fields) => log.warn(`candidate rules: ${message}`, fields))
  store.subscribe((result) => {
    churn(result)
    logReload(log, directory, result, last)
    const { successful, failure } = result
    last = { successful, failure, time: now() }
    prune(differences, result.snapshot, live())
  })

  return {
    directory,
    current: store.current,
    lastReload: () => last,
    async start() {
      await store.reload('start')
      if (closed) return
      watch = watchRules(directory, (hint) => void store.reload(hint), {
        onTrouble: ({ message, ...fields }) => log.warn(`candidate rules: ${message}`, fields),
      })
    },
    async reload(cause) {
      await store.reload(cause)
    },
    compare(request) {
      // Requests without Origin are not CORS requests; for most requests this check is the only cost.
      if (request.facts.origin === undefined) return
      const rules = store.current()
      if (rules.generation === 0 || defectOf(request.plan.judgement, request.facts) !== undefined) return
      try {
        const judgement = judge(rules, setup, request.facts)
        if (inError(rules).has(judgement.policy?.name ?? '')) undecided++
        else differences.compare(request, judgement)
      } catch (error) {
        failed(error)
      }
    },
    totals: () => ({ ...differences.totals(), undecided }),
    top: differences.top,
    families: [...differences.families, ...stateFamilies(store.current, () => last)],
    async close() {
      closed = true
      await watch?.close()
    },
  }
}

/** Buckets whose file has an error. Computed once per set of rules. */
function invalidBuckets(): (rules: Snapshot) => ReadonlySet<string> {
  let of: Snapshot | undefined
  let names: ReadonlySet<string> = new Set()
  return (rules) => {
    if (rules === of) return names
    of = rules
    names = new Set(rules.files.filter(({ state }) => state === 'invalid').map(({ bucket }) => bucket))
    return names
  }
}

function prune(differences: Differences, candidate: Snapshot, live: Snapshot): void {
  differences.prune((bucket) => candidate.buckets.has(bucket) || live.buckets.has(bucket))
}

/** Logs at most at level warn, because candidate rules never affect live traffic. */
function logReload(
  log: Log,
  directory: string,
  { failure, findings, changes, result, snapshot }: ReloadResult,
  before: CandidateReload | undefined,
): void {
  for (const { file, line, column, severity, code, message } of findings)
    if (severity !== 'info')
      log.warn(`candidate rules: ${message}`, { 'code.file.path': file, line, column, code, severity })
  if (failure !== undefined && failure !== before?.failure)
    log.warn(`the candidate rules directory ${directory} cannot be used: ${failure}`)
  if (changes.length > 0)
    log.info(`candidate rules ${result}`, { generation: snapshot.generation, files: changes.length })
}

const fileStates: readonly FileState[] = ['ok', 'stale', 'invalid']

function stateFamilies(
  rules: () => Snapshot,
  last: () => CandidateReload | undefined,
): readonly (() => Family)[] {
  return [
    () => ({
      name: 'cors_sidecar_candidate_rule_files',
      help: 'Candidate rule files by state: ok, stale (last good rules compared), invalid (not compared).',
      type: 'gauge',
      aggregator: 'max',
      samples: fileStates.map((name) => ({
        suffix: '',
        labels: { state: name },
        value: rules().files.filter(({ state }) => state === name).length,
      })),
    }),
    () => ({
      name: 'cors_sidecar_candidate_rules_last_reload_successful',
      help: '1 if every file of the candidate directory was loaded without an error, else 0.',
      type: 'gauge',
      aggregator: 'min',
      samples: [{ suffix: '', labels: {}, value: last()?.successful === true ? 1 : 0 }],
    }),
    () => ({
      name: 'cors_sidecar_candidate_rules_generation',
      help: 'Number of candidate rule sets loaded since the start.',
      type: 'gauge',
      aggregator: 'min',
      samples: [{ suffix: '', labels: {}, value: rules().generation }],
    }),
  ]
}
