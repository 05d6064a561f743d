import { type Reason, reasons } from '../cors/decide.ts'
import type { Family, Sample } from '../metrics/family.ts'
import type { Judgement } from '../plan/judge.ts'
import { answerAlike, type Change, changeBetween, changes, type Outcome, outcomeOf } from '../plan/outcome.ts'
import type { DecidedRequest } from '../requests/finished-request.ts'
import { type KeptRequest, keepRequest } from '../requests/kept-request.ts'
import { createTopGroups, type TopGroup } from '../requests/top-groups.ts'

/** One request that the live and the candidate rules decide differently. */
export interface Difference {
  readonly change: Change
  readonly live: Outcome
  readonly candidate: Outcome
  readonly request: KeptRequest
}

/** Differences of one bucket, origin, method and kind with the same outcomes. */
export type DifferenceGroup = TopGroup<Difference>

export interface Differences {
  /** Compares both decisions about one request, and records the difference if there is one. */
  compare(request: DecidedRequest, candidate: Judgement): void
  /** How many requests were compared, and how many differed. */
  totals(): { readonly compared: number; readonly different: number }
  /** The most frequent groups, most frequent first. */
  top(): readonly DifferenceGroup[]
  /** Drops series of buckets for which `isConfigured` returns false. */
  prune(isConfigured: (bucket: string) => boolean): void
  readonly families: readonly (() => Family)[]
}

interface DifferencesOptions {
  readonly groups?: number
  /** How many buckets get series of their own; differences in further buckets count under `_other`. */
  readonly labels?: number
  /** Milliseconds since 1970; default: the system clock. */
  readonly now?: () => number
}

const otherLabel = '_other'

/** Counts and keeps differences between candidate and live rules. Memory is bounded for any traffic. */
export function createDifferences(options: DifferencesOptions = {}): Differences {
  const { groups = 200, labels = 1000, now = Date.now } = options
  const frequent = createTopGroups<Difference>(groups)
  const byLabel = new Map<string, Float64Array>()
  const totals = { compared: 0, different: 0 }

  const countsOf = (label: string): Float64Array => {
    const known = byLabel.get(label)
    if (known !== undefined) return known
    if (label !== otherLabel && byLabel.size >= labels) return countsOf(otherLabel)
    const counts = new Float64Array(slots)
    byLabel.set(label, counts)
    return counts
  }

  return {
    compare({ facts, plan }, judgement) {
      const live = outcomeOf(plan.judgement)
      const candidate = outcomeOf(judgement)
      if (live === undefined || candidate === undefined) return
      totals.compared++
      const change = changeBetween(live, candidate, () => answerAlike(plan.judgement, judgement))
      if (change === undefined) return
      totals.different++
      const counts = countsOf(labelOf(plan.judgement, judgement))
      const index = slot(change, live.reason, candidate.reason)
      counts[index] = (counts[index] ?? 0) + 1
      const time = now()
      const difference = { change, live, candidate, request: keepRequest(facts, plan, time) }
      frequent.add(differenceKey(difference), difference, time)
    },
    totals: () => ({ ...totals }),
    top: frequent.list,
    prune(isConfigured) {
      for (const label of byLabel.keys())
        if (label !== otherLabel && !isConfigured(label)) byLabel.delete(label)
    },
    families: [
      () => ({
        name: 'cors_sidecar_candidate_compared_total',
        help: 'CORS requests that the sidecar also evaluated with the candidate rules.',
        type: 'counter',
        aggregator: 'sum',
        samples: [{ suffix: '', labels: {}, value: totals.compared }],
      }),
      () => ({
        name: 'cors_sidecar_candidate_differences_total',
        help: 'Requests that live and candidate rules decide differently, by bucket, change, and the reason of each decision.',
        type: 'counter',
        aggregator: 'sum',
        samples: samplesOf(byLabel),
      }),
    ],
  }
}

const slots = changes.length * reasons.length * reasons.length

const slot = (change: Change, live: Reason, candidate: Reason): number =>
  (changes.indexOf(change) * reasons.length + reasons.indexOf(live)) * reasons.length +
  reasons.indexOf(candidate)

/** Labels of every slot, without the bucket. */
const slotLabels = changes.flatMap((change) =>
  reasons.flatMap((live) => reasons.map((candidate) => ({ change, live, candidate }))),
)

/** A bucket is a label when either set of rules has a file for it. */
function labelOf({ policy: live }: Judgement, { policy: candidate }: Judgement): string {
  if (live !== undefined && live.label !== otherLabel) return live.label
  return candidate?.label ?? otherLabel
}

/** Identifies a group. Bounded, because the kept request is. */
export function differenceKey({ change, live, candidate, request }: Difference): string {
  const outcome = ({ reason, mode, rule = '' }: Outcome): string => `${reason} ${mode} ${rule}`
  const { bucket = '', kind, origin = '', method = '' } = request
  return [change, bucket, kind, method, origin, outcome(live), outcome(candidate)].join('\n')
}

function* samplesOf(byLabel: ReadonlyMap<string, Float64Array>): Generator<Sample> {
  for (const [bucket, counts] of byLabel)
    for (const [index, labels] of slotLabels.entries()) {
      const value = counts[index] ?? 0
      if (value > 0) yield { suffix: '', labels: { bucket, ...labels }, value }
    }
}
