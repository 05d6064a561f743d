import type { CandidateTotals, DifferenceGroup } from '../compare/candidates.ts'
import { differenceKey } from '../compare/differences.ts'
import type { DecisionTotals } from '../metrics/decisions.ts'
import { type Denial, type DenialGroup, requestKind } from '../requests/denials.ts'
import { mergeStoreHealth, noStoreHealth, type StoreHealth } from '../requests/store-health.ts'
import { maxKinds } from '../requests/top-groups.ts'

/** What the console shows of one process, or of several. */
export interface WorkerStats {
  readonly totals: DecisionTotals
  readonly denials: DenialStats
  readonly candidates: CandidateStats
  readonly store: StoreHealth
}

interface DenialStats {
  readonly total: number
  /** Newest first. */
  readonly recent: readonly Denial[]
  /** Most frequent first. */
  readonly top: readonly DenialGroup[]
}

interface CandidateStats {
  readonly totals: CandidateTotals
  readonly top: readonly DifferenceGroup[]
}

const noDecisions = { matched: 0, no_rules: 0, origin: 0, method: 0, header: 0, malformed: 0 }

export const noStats: WorkerStats = {
  totals: { preflight: noDecisions, actual: noDecisions },
  denials: { total: 0, recent: [], top: [] },
  candidates: { totals: { compared: 0, different: 0, undecided: 0 }, top: [] },
  store: noStoreHealth(Date.now()),
}

/** Denials and groups that each process keeps, and that the merged list keeps. */
const kept = 200

export function mergeStats(all: readonly WorkerStats[]): WorkerStats {
  const [first = noStats, ...rest] = all
  return rest.length === 0 ? first : rest.reduce(mergeTwo, first)
}

function mergeTwo(one: WorkerStats, other: WorkerStats): WorkerStats {
  return {
    totals: {
      preflight: sum(one.totals.preflight, other.totals.preflight),
      actual: sum(one.totals.actual, other.totals.actual),
    },
    denials: {
      total: one.denials.total + other.denials.total,
      recent: [...one.denials.recent, ...other.denials.recent].sort((a, b) => b.time - a.time).slice(0, kept),
      top: withAllRequests(
        mergeTop(one.denials.top, other.denials.top, denialKey, ({ last }) => last.time),
        [...one.denials.top, ...other.denials.top],
      ),
    },
    candidates: {
      totals: sum(one.candidates.totals, other.candidates.totals),
      top: mergeTop(
        one.candidates.top,
        other.candidates.top,
        ({ last }) => differenceKey(last),
        ({ latest }) => latest,
      ),
    },
    store: mergeStoreHealth(one.store, other.store),
  }
}

/**
 * Joins the requests that each process kept for a group: one of each kind, at most `maxKinds`. A proposal must allow
 * all of them.
 */
function withAllRequests(merged: readonly DenialGroup[], all: readonly DenialGroup[]): DenialGroup[] {
  const byKey = Map.groupBy(all, denialKey)
  return merged.map((group) => {
    const requests = (byKey.get(denialKey(group)) ?? []).flatMap((twin) => twin.requests)
    const kinds = new Map(requests.map((denial) => [requestKind(denial), denial]))
    return { ...group, requests: [...kinds.values()].slice(0, maxKinds) }
  })
}

function sum<Name extends string>(
  one: Readonly<Record<Name, number>>,
  other: Readonly<Record<Name, number>>,
): Record<Name, number> {
  const total: Record<Name, number> = { ...one }
  for (const name in other) total[name] += other[name]
  return total
}

const denialKey = ({ reason, bucket, origin }: DenialGroup): string =>
  JSON.stringify([reason, bucket, origin])

interface Counted {
  readonly count: number
  readonly overcount: number
  readonly first: number
}

/**
 * Merges two lists of most frequent groups (Agarwal, Cormode, Huang, Phillips, Wei, Yi 2012, "Mergeable
 * Summaries"). A group that is missing from a full list may have been counted there as often as the rarest group on
 * it.
 */
export function mergeTop<Group extends Counted>(
  one: readonly Group[],
  other: readonly Group[],
  keyOf: (group: Group) => string,
  latest: (group: Group) => number,
  limit = kept,
): readonly Group[] {
  const others = new Map(other.map((group) => [keyOf(group), group]))
  const [unseenInOne, unseenInOther] = [unseen(one, limit), unseen(other, limit)]
  const merged = one.map((group) => {
    const twin = others.get(keyOf(group))
    others.delete(keyOf(group))
    return twin === undefined ? raised(group, unseenInOther) : both(group, twin, latest)
  })
  return [...merged, ...[...others.values()].map((group) => raised(group, unseenInOne))]
    .sort((a, b) => b.count - b.overcount - (a.count - a.overcount) || latest(b) - latest(a))
    .slice(0, limit)
}

/** How often a group that is not on `list` may have been counted. */
const unseen = (list: readonly Counted[], limit: number): number =>
  list.length < limit
    ? 0
    : list.reduce((least, { count }) => Math.min(least, count), Number.POSITIVE_INFINITY)

const raised = <Group extends Counted>(group: Group, by: number): Group => ({
  ...group,
  count: group.count + by,
  overcount: group.overcount + by,
})

const both = <Group extends Counted>(one: Group, other: Group, latest: (group: Group) => number): Group => ({
  ...(latest(one) < latest(other) ? other : one),
  count: one.count + other.count,
  overcount: one.overcount + other.overcount,
  first: Math.min(one.first, other.first),
})
