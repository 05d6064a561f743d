import { matchName, matchOpen } from './pattern.ts'
import type { CorsQuestion, Malformed } from './request.ts'
import { allowsHeader, type CompiledRule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'

/** Stable API: metrics, logs, debug headers, `/-/explain` and the command line show these values. */
export const reasons = ['matched', 'no_rules', 'origin', 'method', 'header', 'malformed'] as const
export type Reason = (typeof reasons)[number]

export interface Allow {
  readonly verdict: 'allow'
  readonly reason: 'matched'
  readonly rule: CompiledRule
  /** The value of Access-Control-Allow-Origin: `*`, or the request's origin, which is well-formed. */
  readonly allowOrigin: string
  /** Whether Access-Control-Allow-Credentials may be sent. */
  readonly credentials: boolean
}

export interface Deny {
  readonly verdict: 'deny'
  readonly reason: Exclude<Reason, 'matched'>
  /** The first of the rules that matched furthest; `undefined` when no rule was checked. */
  readonly closest: CompiledRule | undefined
  /** For reason `header`: the first requested header that the closest rule does not allow. */
  readonly header: string | undefined
  readonly malformed: Malformed | undefined
}

export type Decision = Allow | Deny

const deny = (
  reason: Deny['reason'],
  closest?: CompiledRule,
  header?: string,
  malformed?: Malformed,
): Deny => ({
  verdict: 'deny',
  reason,
  closest,
  header,
  malformed,
})

/** For a bucket without rules, and for an OPTIONS that is not a preflight. */
export const denyWithoutRules: Deny = deny('no_rules')
export function denyMalformed(malformed: Malformed): Deny {
  // A well-formed method that no rule can allow is denied for its method, not as malformed.
  const isToken = malformed.what === 'method-invalid' && /^[A-Za-z]{1,32}$/.test(malformed.value)
  return deny(isToken ? 'method' : 'malformed', undefined, undefined, malformed)
}

/**
 * Returns the first rule that matches the origin, the method and every requested header (S3 PutBucketCors; COS
 * OPTIONS Object, example 2; OSS cors-options). If none does, the reason is the step at which the closest rule
 * failed.
 */
export function decide({ rules, naming, open }: RuleSet, question: CorsQuestion): Decision {
  const { origin, form } = question
  if (form === 'malformed') return denyByAll(rules, 'malformed')
  const named = naming.get(origin) ?? none
  let closest: CompiledRule | undefined
  let reason: 'method' | 'header' = 'method'
  let header: string | undefined
  // Merges both lists in file order. A rule in both is checked by name first; the second check fails in the same
  // way.
  for (let n = 0, o = 0; ; ) {
    const byName = named[n]
    const byPattern = open[o]
    const isNamed = byName !== undefined && (byPattern === undefined || byName.number <= byPattern.number)
    const rule = isNamed ? byName : byPattern
    if (rule === undefined) break
    if (isNamed) n++
    else o++
    const match = isNamed ? matchName(form) : matchOpen(rule.origins, origin, form)
    if (match === 'none') continue
    if (!rule.methods.has(question.method)) {
      closest ??= rule
      continue
    }
    const missing = firstNotAllowed(rule, question.headers)
    if (missing === undefined)
      return {
        verdict: 'allow',
        reason: 'matched',
        rule,
        allowOrigin: match === 'any' ? '*' : origin,
        credentials: match === 'named',
      }
    if (reason === 'header') continue
    closest = rule
    reason = 'header'
    header = missing
  }
  return closest === undefined ? denyByAll(rules, 'origin') : deny(reason, closest, header)
}

const none: readonly CompiledRule[] = []

/** No rule matches the origin, so the first rule is as close as any. */
function denyByAll(rules: readonly CompiledRule[], reason: Deny['reason']): Deny {
  const first = rules[0]
  return first === undefined ? denyWithoutRules : deny(reason, first)
}

function firstNotAllowed(rule: CompiledRule, headers: readonly string[]): string | undefined {
  for (const name of headers) if (!allowsHeader(rule.headers, name)) return name
  return undefined
}
