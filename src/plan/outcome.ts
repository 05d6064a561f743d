import type { Reason } from '../cors/decide.ts'
import { sendsCredentials } from '../dialect/dialect.ts'
import type { Judgement } from './judge.ts'

/** The decision about a CORS request, as logged. */
export interface Outcome {
  /** `undefined`: the request names no bucket. */
  readonly bucket: string | undefined
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  /** `report`: the store's response is left alone, and the decision is only counted. */
  readonly mode: 'enforce' | 'report'
  /** Label of the rule that allowed the request, or of the closest one. */
  readonly rule: string | undefined
}

/**
 * How two sets of rules differ over one request. `refused` and `allowed`: the new decision. `reason`: denied for
 * another reason. `answer`: allowed with headers that mean something else to a page or a cache. `mode`: only one of
 * the two sets leaves CORS to the store.
 */
export const changes = ['refused', 'allowed', 'reason', 'answer', 'mode'] as const
export type Change = (typeof changes)[number]

/** `undefined` when the request is not a CORS request. */
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

/** `undefined` if a client sees no difference. Calls `answersAlike` only if both allow. */
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
 * Whether a page, or a cache in front of it, sees the same headers from both judgements of an allowed request.
 * Ignores Allow-Methods and Allow-Headers, because both judgements list the requested method and headers.
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
    // Browsers cache preflight responses only, so Max-Age matters there alone.
    kind === 'preflight' ? policy.prepared[rule.number - 1]?.maxAgeOfPreflight : undefined,
    policy.varyMatched.join(),
  ]
}
