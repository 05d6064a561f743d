import type { CandidateReload, CandidateTotals, Difference, DifferenceGroup } from '../compare/candidates.ts'
import type { DialectName } from '../cors/rule.ts'
import { explainJudgement } from '../plan/explain-request.ts'
import { type Judgement, judge, type Setup } from '../plan/judge.ts'
import { answerAlike, changeBetween, outcomeOf } from '../plan/outcome.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { factsOf, type KeptRequest, recordOf } from '../requests/kept-request.ts'
import { shellWord } from '../text/shell-word.ts'
import { json, longJson, type Reply } from './reply.ts'
import { countStates } from './rules-view.ts'

export interface CandidatesShown {
  readonly directory: string
  readonly current: () => Snapshot
  readonly lastReload: () => CandidateReload | undefined
  readonly totals: () => CandidateTotals
  readonly top: () => readonly DifferenceGroup[]
}

interface CandidatesContext {
  /** `undefined` without `--candidate-rules`. */
  readonly candidates?: CandidatesShown | undefined
  /** The live rules. */
  readonly rules: () => Snapshot
  readonly setup: Setup
}

const maxFiles = 100
const maxFindings = 20

/**
 * `/-/candidates`: the state of the candidate rules, and the requests that they decide differently from the live rules.
 * Each group is judged again by the current rules. Groups without a difference are left out and counted as `settled`.
 */
export function candidatesReply({ candidates, rules, setup }: CandidatesContext): Reply {
  if (candidates === undefined)
    return json(404, { error: 'There are no candidate rules: start the sidecar with --candidate-rules DIR.' })
  const live = rules()
  const candidate = candidates.current()
  const viewed = candidates.top().map((group) => viewGroup(group, live, candidate, setup))
  const groups = viewed.filter((view) => view !== undefined)
  const { compared, different, undecided } = candidates.totals()
  const head = {
    directory: candidates.directory,
    generation: candidate.generation,
    lastReload: reloadFields(candidates.lastReload()),
    states: countStates(candidate),
    files: filesWithFindings(candidate),
    compared,
    different,
    undecided,
    settled: viewed.length - groups.length,
  }
  return longJson(head, 'groups', groupViews(groups, candidates.directory, setup.dialect))
}

function* groupViews(
  groups: readonly ViewedGroup[],
  directory: string,
  dialect: DialectName,
): Generator<unknown> {
  for (const group of groups) yield groupFields(group, directory, dialect)
}

function reloadFields(reload: CandidateReload | undefined): unknown {
  return reload === undefined ? undefined : { ...reload, time: new Date(reload.time).toISOString() }
}

function filesWithFindings({ files }: Snapshot): readonly unknown[] {
  return files
    .map((status) => ({ ...status, findings: status.findings.filter(({ severity }) => severity !== 'info') }))
    .filter(({ state, findings }) => state !== 'ok' || findings.length > 0)
    .slice(0, maxFiles)
    .map(({ file, bucket, state, since, findings }) => ({
      file,
      bucket,
      state,
      since: new Date(since).toISOString(),
      findings: findings.slice(0, maxFindings).map(({ file: _file, ...finding }) => finding),
    }))
}

interface ViewedGroup {
  readonly group: DifferenceGroup
  /** How both sets of rules judge the latest request; `undefined` if part of it was cut. */
  readonly now: { readonly live: Judgement; readonly candidate: Judgement } | undefined
}

function viewGroup(
  group: DifferenceGroup,
  rules: Snapshot,
  candidateRules: Snapshot,
  setup: Setup,
): ViewedGroup | undefined {
  const facts = factsOf(recordOf(group.last.request))
  if (facts === undefined) return { group, now: undefined }
  const live = judge(rules, setup, facts)
  const candidate = judge(candidateRules, setup, facts)
  return differ(live, candidate) ? { group, now: { live, candidate } } : undefined
}

function differ(live: Judgement, candidate: Judgement): boolean {
  const [before, after] = [outcomeOf(live), outcomeOf(candidate)]
  if (before === undefined || after === undefined) return false
  return changeBetween(before, after, () => answerAlike(live, candidate)) !== undefined
}

function groupFields(
  { group, now }: ViewedGroup,
  directory: string,
  dialect: DialectName,
): Readonly<Record<string, unknown>> {
  const { count, overcount, first, latest, last } = group
  const { bucket, origin, method, kind, requestId, host, path, requestedHeaders } = last.request
  return {
    bucket,
    origin,
    method,
    kind,
    change: last.change,
    live: outcomeFields(last.live),
    candidate: outcomeFields(last.candidate),
    count,
    overcount,
    first: new Date(first).toISOString(),
    last: new Date(latest).toISOString(),
    example: { requestId, host, path, requestedHeaders },
    explanation:
      now === undefined
        ? undefined
        : { live: explainJudgement(now.live)?.text, candidate: explainJudgement(now.candidate)?.text },
    explain: explainCommand(last.request, directory, dialect),
  }
}

const outcomeFields = ({ decision, reason, mode, rule, bucket }: Difference['live']): unknown => ({
  decision,
  reason,
  mode,
  rule,
  bucket,
})

/** The command that explains the candidate's decision; `undefined` if the record lacks a part that it needs. */
function explainCommand(request: KeptRequest, directory: string, dialect: DialectName): string | undefined {
  const { bucket, origin, method, requestedHeaders, kind } = request
  if (bucket === undefined || origin === undefined || method === undefined) return undefined
  if (factsOf(recordOf(request)) === undefined) return undefined
  const names = kind === 'preflight' ? (requestedHeaders?.split(',').map((name) => name.trim()) ?? []) : []
  const words = [
    ...['--rules', directory, '--dialect', dialect, '--bucket', bucket],
    ...['--origin', origin, '--method', method],
    ...names.filter((name) => name !== '').flatMap((name) => ['--header', name]),
    ...(kind === 'actual' ? ['--actual'] : []),
  ]
  return `cors-sidecar explain ${words.map(shellWord).join(' ')}`
}
