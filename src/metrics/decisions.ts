import { type Decision, type Reason, reasons } from '../cors/decide.ts'
import type { BucketPolicy, Snapshot } from '../plan/snapshot.ts'
import type { Family, Labels, Sample } from './family.ts'

const decisionKinds = ['preflight', 'actual'] as const
type DecisionKind = (typeof decisionKinds)[number]
const modes = ['enforce', 'report'] as const
type Mode = (typeof modes)[number]

/** The `bucket` label of buckets without their own rule file, and of requests that name no bucket. */
const otherLabel = '_other'

/** Longest `rule` label, in characters; ids may be longer. */
const maxRuleLabel = 128

/** Counters of one bucket, bound to its rules once, so that a request needs only one lookup. */
export interface BucketMetrics {
  decision(kind: DecisionKind, decision: Decision, mode: Mode): void
}

/** Decisions so far by kind and reason. The reason `matched` means allowed. */
export type DecisionTotals = Readonly<Record<DecisionKind, Readonly<Record<Reason, number>>>>

interface DecisionMetrics {
  bucket(policy: BucketPolicy | undefined): BucketMetrics
  /** Drops series of buckets and rules that are not in `snapshot`, and of a mode that a bucket no longer has. */
  prune(snapshot: Snapshot): void
  totals(): DecisionTotals
  decisionFamily(): Family
  ruleFamily(): Family
}

interface RuleCount {
  matches: number
}

/** `decisions` is indexed by {@link slot}. */
interface LabelCounts {
  readonly decisions: Float64Array
  readonly rules: Map<string, RuleCount>
  /** The policy whose rules and mode are the only ones with series; `undefined` when others may have series too. */
  prunedFor: BucketPolicy | undefined
}

const slots = decisionKinds.length * reasons.length * modes.length
const reasonIndex: Readonly<Record<Reason, number>> = {
  matched: 0,
  no_rules: 1,
  origin: 2,
  method: 3,
  header: 4,
  malformed: 5,
}

const slot = (kind: DecisionKind, reason: Reason, mode: Mode): number =>
  ((kind === 'preflight' ? 0 : reasons.length) + reasonIndex[reason]) * 2 + (mode === 'enforce' ? 0 : 1)

/** Labels of every slot, without the bucket. */
const slotLabels: readonly Labels[] = decisionKinds.flatMap((kind) =>
  reasons.flatMap((reason) =>
    modes.map((mode) => ({ kind, decision: reason === 'matched' ? 'allow' : 'deny', reason, mode })),
  ),
)

/**
 * Counts decisions and rule matches in plain numbers, so that a request costs one lookup and at most three additions.
 * Label text is built only for a scrape.
 */
export function createDecisionMetrics(): DecisionMetrics {
  const totals = new Float64Array(slots)
  const byLabel = new Map<string, LabelCounts>()
  let bound = new WeakMap<BucketPolicy, BucketMetrics>()
  let configured: ReadonlyMap<string, BucketPolicy> | undefined

  const countsOf = (policy: BucketPolicy | undefined): LabelCounts => {
    const label = policy?.label ?? otherLabel
    const known = byLabel.get(label)
    if (known !== undefined) {
      // A request may still have the rules of an earlier snapshot.
      if (known.prunedFor !== policy) known.prunedFor = undefined
      return known
    }
    const counts: LabelCounts = {
      decisions: new Float64Array(slots),
      rules: new Map(),
      prunedFor: policy,
    }
    // Requests that were running when their bucket was removed count in the totals only, so that its series stay
    // removed.
    if (label === otherLabel || configured === undefined || configured.has(label)) byLabel.set(label, counts)
    return counts
  }
  const bind = (policy: BucketPolicy | undefined): BucketMetrics => {
    const { decisions, rules: matches } = countsOf(policy)
    const ruleCounts = (policy?.rules ?? []).map(({ label }) => ruleCount(matches, label))
    return {
      decision(kind, decision, mode) {
        const index = slot(kind, decision.reason, mode)
        totals[index] = (totals[index] ?? 0) + 1
        decisions[index] = (decisions[index] ?? 0) + 1
        if (decision.verdict === 'deny') return
        const count = ruleCounts[decision.rule.number - 1]
        if (count !== undefined) count.matches++
      },
    }
  }
  const other = bind(undefined)

  return {
    bucket(policy) {
      if (policy === undefined) return other
      const known = bound.get(policy)
      if (known !== undefined) return known
      const metrics = bind(policy)
      bound.set(policy, metrics)
      return metrics
    },
    prune(snapshot) {
      configured = snapshot.buckets
      // Counters dropped here may still be bound to a policy that returns later, so every policy is bound again.
      bound = new WeakMap()
      for (const [label, counts] of byLabel)
        if (label === otherLabel) pruneRules(counts, sharedRules(snapshot))
        else pruneLabel(byLabel, label, counts, snapshot.buckets.get(label))
    },
    totals: () => totalsOf(totals),
    decisionFamily: () => ({
      name: 'cors_sidecar_decisions_total',
      help: 'CORS decisions by bucket, kind of request, decision, reason and mode. Buckets without a rule file are _other.',
      type: 'counter',
      aggregator: 'sum',
      samples: decisionSamples(byLabel),
    }),
    ruleFamily: () => ({
      name: 'cors_sidecar_rule_matches_total',
      help: 'Requests that a rule allowed, by bucket and rule (its id, or its number if it has no id).',
      type: 'counter',
      aggregator: 'sum',
      samples: ruleSamples(byLabel),
    }),
  }
}

export const ruleLabel = (label: string): string => label.slice(0, maxRuleLabel)

function ruleCount(matches: Map<string, RuleCount>, label: string): RuleCount {
  const key = ruleLabel(label)
  const count = matches.get(key) ?? { matches: 0 }
  matches.set(key, count)
  return count
}

/** The rules that are counted under `_other`. */
const sharedRules = ({ fallback, service }: Snapshot): BucketPolicy['rules'] => [
  ...(fallback?.rules ?? []),
  ...(service?.rules ?? []),
]

function pruneLabel(
  byLabel: Map<string, LabelCounts>,
  label: string,
  counts: LabelCounts,
  policy: BucketPolicy | undefined,
): void {
  if (policy === undefined) {
    byLabel.delete(label)
    return
  }
  if (counts.prunedFor === policy) return
  counts.prunedFor = policy
  pruneRules(counts, policy.rules)
  const left: Mode = policy.mode === 'enforce' ? 'report' : 'enforce'
  for (const kind of decisionKinds)
    for (const reason of reasons) counts.decisions[slot(kind, reason, left)] = 0
}

function pruneRules(counts: LabelCounts, rules: BucketPolicy['rules']): void {
  const labels = new Set(rules.map(({ label }) => ruleLabel(label)))
  for (const label of counts.rules.keys()) if (!labels.has(label)) counts.rules.delete(label)
}

function* decisionSamples(byLabel: ReadonlyMap<string, LabelCounts>): Generator<Sample> {
  for (const [label, { decisions }] of byLabel) {
    for (const [index, labels] of slotLabels.entries()) {
      const value = decisions[index] ?? 0
      if (value > 0) yield { suffix: '', labels: { bucket: label, ...labels }, value }
    }
  }
}

function* ruleSamples(byLabel: ReadonlyMap<string, LabelCounts>): Generator<Sample> {
  for (const [label, { rules }] of byLabel)
    for (const [rule, { matches }] of rules)
      if (matches > 0) yield { suffix: '', labels: { bucket: label, rule }, value: matches }
}

function totalsOf(totals: Float64Array): DecisionTotals {
  const sum = (kind: DecisionKind, reason: Reason): number =>
    modes.reduce((all, mode) => all + (totals[slot(kind, reason, mode)] ?? 0), 0)
  const ofKind = (kind: DecisionKind): Record<Reason, number> => ({
    matched: sum(kind, 'matched'),
    no_rules: sum(kind, 'no_rules'),
    origin: sum(kind, 'origin'),
    method: sum(kind, 'method'),
    header: sum(kind, 'header'),
    malformed: sum(kind, 'malformed'),
  })
  return { preflight: ofKind('preflight'), actual: ofKind('actual') }
}
