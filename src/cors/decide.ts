import { matchName, matchOpen } from './pattern.ts'
import type { CorsQuestion, Malformed } from './request.ts'
import { allowsHeader, type CompiledRule } from './rule.ts'
import type { RuleSet } from './rule-set.ts'

/** The closed set of reasons: in metrics, logs, debug headers, `/-/explain` and on the command line alike. */
export const reasons = ['matched', 'no_rules', 'origin', 'method', 'header', 'malformed'] as const
export type Reason = (typeof reasons)[number]

/** The rules let the request in. */
export interface Allow {
  readonly verdict: 'allow'
  readonly reason: 'matched'
  readonly rule: CompiledRule
  /** The value of Access-Control-Allow-Origin: `*`, or the request's origin, which has passed the guard. */
  readonly allowOrigin: string
  /** Whether Access-Control-Allow-Credentials may go with it. */
  readonly credentials: boolean
}

/** The rules keep the request out. */
export interface Deny {
  readonly verdict: 'deny'
  readonly reason: Exclude<Reason, 'matched'>
  /** The first rule that got furthest, where rules were asked at all. */
  readonly closest: CompiledRule | undefined
  /** The first requested header that the closest rule does not allow, for reason `header`. */
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

/** The decision where there is no question to put to the rules: a bucket without rules, or an OPTIONS that is no preflight. */
export const denyWithoutRules: Deny = deny('no_rules')
export function denyMalformed(malformed: Malformed): Deny {
  // An unknown method is well-formed; it is refused for what it is.
  const isToken = malformed.what === 'method-invalid' && /^[A-Za-z]{1,32}$/.test(malformed.value)
  return deny(isToken ? 'method' : 'malformed', undefined, undefined, malformed)
}

/**
 * The first rule whose origin, method and every requested header match decides (S3 PutBucketCors; COS OPTIONS Object,
 * example 2; OSS cors-options). Without one, the reason is the step at which the rule that got furthest failed.
 */
export function decide({ rules, naming, open }: RuleSet, question: CorsQuestion): Decision {
  const { origin, form } = question
  if (form === 'malformed') return denyByAll(rules, 'malformed')
  const named = naming.get(origin) ?? none
  let closest: CompiledRule | undefined
  let reason: 'method' | 'header' = 'method'
  let header: string | undefined
  // Both lists in the order of the file. A rule that is in both comes by its name first, and then says no again.
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

/** No rule is for this origin, so that the first is as close as any. */
function denyByAll(rules: readonly CompiledRule[], reason: Deny['reason']): Deny {
  const first = rules[0]
  return first === undefined ? denyWithoutRules : deny(reason, first)
}

function firstNotAllowed(rule: CompiledRule, headers: readonly string[]): string | undefined {
  for (const name of headers) if (!allowsHeader(rule.headers, name)) return name
  return undefined
}
