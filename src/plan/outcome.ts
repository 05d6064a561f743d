import type { Reason } from '../cors/decide.ts'
import { sendsCredentials } from '../dialect/dialect.ts'
import type { Judgement } from './judge.ts'

/** What one set of rules made of a CORS request, in the words of the log. */
export interface Outcome {
  /** `undefined`: the request names no bucket. */
  readonly bucket: string | undefined
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  /** `report`: the store answers as it likes, the decision is only counted. */
  readonly mode: 'enforce' | 'report'
  /** Label of the rule that allowed, or of the one that came closest. */
  readonly rule: string | undefined
}

/**
 * How two sets of rules differ over one request: `refused` and `allowed` are what becomes of it, `reason` that it is
 * refused for another reason, `answer` that it is allowed with headers that tell a page or a cache something else, `mode`
 * that it is left to the store by one set only.
 */
export const changes = ['refused', 'allowed', 'reason', 'answer', 'mode'] as const
export type Change = (typeof changes)[number]

/** What `judgement` comes to; `undefined` when it is no CORS request. */
export function outcomeOf({ address, decision, handsOff }: Judgement): Outcome | undefined {
  if (decision === undefined) return undefined
  return {
    bucket: address.kind === 'bucket' ? address.name : undefined,
    decision: decision.verdict,
    reason: decision.reason,
    mode: handsOff ? 'report' : 'enforce',
    rule: (decision.verdict === 'allow' ? decision.rule : decision.closest)?.label,
  }
}

/** `undefined`: nothing changes for a client. `answersAlike` is asked where both allow. */
export function changeBetween(
  before: Outcome,
  after: Outcome,
  answersAlike: () => boolean,
): Change | undefined {
  if (before.mode !== after.mode) return 'mode'
  if (before.decision !== after.decision) return after.decision === 'allow' ? 'allowed' : 'refused'
  if (before.decision === 'deny') return before.reason === after.reason ? undefined : 'reason'
  return answersAlike() ? undefined : 'answer'
}

/**
 * Whether a page, and a cache before it, can tell no difference between the headers that two judgements bring to one
 * allowed request. Allow-Methods and Allow-Headers are not looked at: what was asked for is in both.
 */
export function answerAlike(one: Judgement, other: Judgement): boolean {
  const [a, b] = [readableAnswer(one), readableAnswer(other)]
  return a.every((part, index) => part === b[index])
}

function readableAnswer({ policy, decision, kind }: Judgement): readonly (string | boolean | undefined)[] {
  if (policy === undefined || decision?.verdict !== 'allow') return []
  const { rule, allowOrigin } = decision
  return [
    allowOrigin,
    sendsCredentials(policy.dialect.style, decision),
    rule.rule.exposeHeaders.join().toLowerCase(),
    // Browsers keep preflights only.
    kind === 'preflight' ? policy.prepared[rule.number - 1]?.maxAgeOfPreflight : undefined,
    policy.varyMatched.join(),
  ]
}
