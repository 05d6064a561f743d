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

/** A second set of rules that is asked about every request beside the live one, and never answers. */
export interface Candidates {
  readonly directory: string
  /** The candidate rules as they are now; generation 0: they could not be loaded yet. */
  current(): Snapshot
  /** The latest load of the directory. */
  lastReload(): CandidateReload | undefined
  /** Loads the directory and watches it from then on. Neither a directory that cannot be used nor a bad file rejects. */
  start(): Promise<void>
  reload(cause: ReloadCause): Promise<void>
  /** Decides a request that is over by the candidate rules too. Never throws. */
  compare(request: DecidedRequest): void
  totals(): CandidateTotals
  /** The most frequent groups of differences, most frequent first. */
  top(): readonly DifferenceGroup[]
  readonly families: readonly (() => Family)[]
  close(): Promise<void>
}

export interface CandidateReload {
  /** The directory was read, and no file in it is in error. */
  readonly successful: boolean
  /** Why the directory could not be read. */
  readonly failure: string | undefined
  /** Milliseconds since 1970. */
  readonly time: number
}

export interface CandidateTotals {
  readonly compared: number
  readonly different: number
  /** Requests of buckets whose candidate file is in error: there is nothing to compare them with. */
  readonly undecided: number
}

export interface CandidatesOptions {
  readonly directory: string
  /** That of the live rules. */
  readonly setup: Setup
  /** The live rules as they are now. */
  readonly live: () => Snapshot
  readonly log: Log
  /** A bug: it costs one comparison, and is told here. */
  readonly failed: (error: unknown) => void
  /** Milliseconds since 1970; default: the clock. */
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
      // No rule is asked about most requests: this is all that they cost.
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

/** Names of the buckets whose file is in error; looked up once for each set of rules. */
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

/** Nothing here concerns live traffic, so that nothing is an error; the directory is looked at every few seconds. */
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
      help: 'Whether the candidate rules are those of their directory, every file of it: 1 or 0.',
      type: 'gauge',
      aggregator: 'min',
      samples: [{ suffix: '', labels: {}, value: last()?.successful === true ? 1 : 0 }],
    }),
    () => ({
      name: 'cors_sidecar_candidate_rules_generation',
      help: 'Counts the sets of candidate rules that were compared with.',
      type: 'gauge',
      aggregator: 'min',
      samples: [{ suffix: '', labels: {}, value: rules().generation }],
    }),
  ]
}
