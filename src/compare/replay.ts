import { type LoggedRequest, readRequestLine, unreadReasons } from '../log/read-request-line.ts'
import { explainJudgement } from '../plan/explain-request.ts'
import { type Judgement, judge, type Setup } from '../plan/judge.ts'
import { type Change, changeBetween, type Outcome, outcomeOf } from '../plan/outcome.ts'
import { defectOf } from '../plan/plan.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { factsOf, type RequestRecord } from '../requests/kept-request.ts'
import { createTopGroups, type TopGroup } from '../requests/top-groups.ts'

/**
 * Why a line was not re-evaluated: it contains no decision; it is longer than any log line; a value that the
 * decision needs was cut; or the request is answered before any rule is checked.
 */
export const skipReasons = [...unreadReasons, 'too-long', 'cut', 'refused'] as const
export type SkipReason = (typeof skipReasons)[number]

/**
 * The changes between two sets of rules, with `rule` instead of `answer`: the log does not contain response headers, so
 * they cannot be compared. `rule` means that a different rule now allows the request.
 */
export const replayChanges = ['refused', 'allowed', 'reason', 'rule', 'mode'] as const
export type ReplayChange = (typeof replayChanges)[number]

/** Equal requests that the log and the rules decide differently. */
export interface ReplayGroup {
  readonly change: ReplayChange
  readonly kind: 'preflight' | 'actual'
  readonly origin: string
  /** Access-Control-Request-Method; for an actual request its own method. */
  readonly method: string
  readonly requestedHeaders: string | undefined
  readonly before: Outcome
  readonly after: Outcome
  /** Why the rules decide this way, in words. */
  readonly explanation: string | undefined
  /** Too high by at most `overcount`. */
  readonly count: number
  readonly overcount: number
}

export interface ReplayResult {
  readonly lines: number
  readonly skipped: Readonly<Record<SkipReason, number>>
  readonly unchanged: number
  readonly changed: Readonly<Record<ReplayChange, number>>
  /** Most frequent first. */
  readonly groups: readonly ReplayGroup[]
}

interface Replay {
  /** Takes one line of the log. `undefined` stands for a line that was too long to read. */
  take(line: string | undefined): void
  result(): ReplayResult
}

interface ReplayOptions {
  readonly snapshot: Snapshot
  readonly setup: Setup
  readonly groups?: number
}

interface Changed {
  readonly change: ReplayChange
  readonly request: RequestRecord
  readonly before: Outcome
  readonly after: Outcome
}

/** Re-evaluates the requests of a log. Memory is bounded for any log. */
export function createReplay({ snapshot, setup, groups = 1000 }: ReplayOptions): Replay {
  const skipped = zeros(skipReasons)
  const changed = zeros(replayChanges)
  const frequent = createTopGroups<Changed>(groups)
  let lines = 0
  let unchanged = 0
  const judgeLogged = (request: RequestRecord): Judgement | 'cut' | 'refused' => {
    const facts = factsOf(request)
    if (facts === undefined) return 'cut'
    const judgement = judge(snapshot, setup, facts)
    return defectOf(judgement, facts) === undefined ? judgement : 'refused'
  }
  return {
    take(line) {
      lines++
      const logged = line === undefined ? 'too-long' : readRequestLine(line)
      if (typeof logged === 'string') {
        skipped[logged]++
        return
      }
      const judgement = judgeLogged(logged.request)
      if (typeof judgement === 'string') {
        skipped[judgement]++
        return
      }
      const found = compare(logged, judgement)
      if (found === undefined) {
        unchanged++
        return
      }
      changed[found.change]++
      frequent.add(keyOf(found), found, lines)
    },
    result: () => ({
      lines,
      skipped: { ...skipped },
      unchanged,
      changed: { ...changed },
      groups: frequent.list().map((group) => groupOf(group, judgeLogged(group.last.request))),
    }),
  }
}

function zeros<Name extends string>(names: readonly Name[]): Record<Name, number>
function zeros(names: readonly string[]): Record<string, number> {
  return Object.fromEntries(names.map((name) => [name, 0]))
}

function compare({ request, outcome: before }: LoggedRequest, judgement: Judgement): Changed | undefined {
  const after = outcomeOf(judgement)
  // Only requests without Origin have no decision, and their lines were skipped.
  if (after === undefined) throw new Error('a logged CORS request was judged without a decision')
  const change = changeBetween(before, after, () => isSameRule(before.rule, after.rule))
  return change === undefined ? undefined : { change: wordOf(change), request, before, after }
}

const wordOf = (change: Change): ReplayChange => (change === 'answer' ? 'rule' : change)

/** Long labels are cut in the log. */
function isSameRule(logged = '', label = ''): boolean {
  return logged.endsWith('…') ? label.startsWith(logged.slice(0, -1)) : logged === label
}

function keyOf({ request, before, after }: Changed): string {
  const outcome = ({ bucket = '', reason, mode, rule = '' }: Outcome): string =>
    `${bucket} ${reason} ${mode} ${rule}`
  const { method, origin = '', requestedMethod = '', requestedHeaders = '' } = request
  return [method, origin, requestedMethod, requestedHeaders, outcome(before), outcome(after)].join('\n')
}

function groupOf({ count, overcount, last }: TopGroup<Changed>, judgement: Judgement | string): ReplayGroup {
  const { change, request, before, after } = last
  const isPreflight = request.method === 'OPTIONS'
  return {
    change,
    kind: isPreflight ? 'preflight' : 'actual',
    origin: request.origin ?? '',
    method: (isPreflight ? request.requestedMethod : request.method) ?? '',
    requestedHeaders: isPreflight ? request.requestedHeaders : undefined,
    before,
    after,
    explanation: typeof judgement === 'string' ? undefined : explainJudgement(judgement)?.text,
    count,
    overcount,
  }
}
