import { matchOrigin } from './pattern.ts'
import type { CorsQuestion, Malformed } from './request.ts'
import { allowsHeader, type CompiledRule } from './rule.ts'

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

/** How far a rule lets a question in: its origin, its method, its headers, or all the way. */
type Reach = 'origin' | 'method' | 'header'
const order: Readonly<Record<Reach, number>> = { origin: 0, method: 1, header: 2 }

/**
 * The first rule whose origin, method and every requested header match decides (S3 PutBucketCors; COS OPTIONS Object,
 * example 2; OSS cors-options). Without one, the reason is the step at which the rule that got furthest failed.
 */
export function decide(rules: readonly CompiledRule[], question: CorsQuestion): Decision {
  if (rules.length === 0) return denyWithoutRules
  if (question.form === 'malformed') return deny('malformed', rules[0])
  let closest: CompiledRule | undefined
  let reach: Reach = 'origin'
  let header: string | undefined
  for (const rule of rules) {
    const origin = matchOrigin(rule.origins, question.origin, question.form)
    let stopped: Reach
    let missing: string | undefined
    if (origin === 'none') stopped = 'origin'
    else if (!rule.methods.has(question.method)) stopped = 'method'
    else {
      missing = firstNotAllowed(rule, question.headers)
      if (missing === undefined)
        return {
          verdict: 'allow',
          reason: 'matched',
          rule,
          allowOrigin: origin === 'any' ? '*' : question.origin,
          credentials: origin === 'named',
        }
      stopped = 'header'
    }
    if (closest === undefined || order[stopped] > order[reach]) {
      closest = rule
      reach = stopped
      header = missing
    }
  }
  return deny(reach, closest, header)
}

function firstNotAllowed(rule: CompiledRule, headers: readonly string[]): string | undefined {
  for (const name of headers) if (!allowsHeader(rule.headers, name)) return name
  return undefined
}
