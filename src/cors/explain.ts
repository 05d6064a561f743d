import type { Allow, Decision, Reason } from './decide.ts'
import { matchOrigin } from './pattern.ts'
import type { CorsQuestion, Malformed } from './request.ts'
import { allowsHeader, type CompiledRule, type CorsRule } from './rule.ts'

/** What a rule would need to allow the request. `false` or an empty list: nothing of that kind is needed. */
interface Lack {
  readonly origin: boolean
  readonly method: boolean
  /** In lower case and request order. */
  readonly headers: readonly string[]
}

export interface Explanation {
  readonly decision: 'allow' | 'deny'
  readonly reason: Reason
  /** One or two sentences for people. */
  readonly text: string
  /**
   * Label of the rule that allowed the request, or of the closest rule: the first that matches furthest and, at that
   * step, lacks the fewest values.
   */
  readonly rule: string | undefined
  /** The first field of the closest rule that did not match, and the value it lacks. */
  readonly lacks: { readonly field: keyof CorsRule; readonly value: string } | undefined
  /** A near miss that is easily overlooked, such as the other scheme. */
  readonly hint: string | undefined
}

interface Decided {
  readonly bucket: string
  readonly rules: readonly CompiledRule[]
  readonly decision: Decision
  /** `undefined` when the request could not be read as a CORS request. */
  readonly question: CorsQuestion | undefined
}

/** Explains a decision. Pure. */
export function explain({ bucket, rules, decision, question }: Decided): Explanation {
  const base = {
    decision: decision.verdict,
    reason: decision.reason,
    rule: undefined,
    lacks: undefined,
    hint: undefined,
  }
  if (decision.verdict === 'allow') {
    const text = `Rule ${decision.rule.label} of bucket ${bucket} allows it${credentialsText(decision.allowOrigin, decision.credentials)}.`
    return { ...base, text, rule: decision.rule.label, hint: laterHint(rules, decision, question) }
  }
  if (decision.malformed !== undefined) return { ...base, text: malformedText(decision.malformed) }
  if (decision.reason === 'no_rules')
    return { ...base, text: `Bucket ${bucket} has no CORS rules, so every cross-origin request is denied.` }
  if (question === undefined || question.form === 'malformed') return { ...base, text: originText(question) }
  const closest = closestRule(rules, question)
  if (closest === undefined) return { ...base, text: originText(question) }
  const { rule, lack } = closest
  return {
    ...base,
    rule: rule.label,
    text: lackText(rule, lack, question, rules.length),
    lacks: firstLack(lack, question),
    hint: lack.origin ? originHint(rules, question.origin) : methodHint(rule, lack, question),
  }
}

function lackOf(rule: CompiledRule, question: CorsQuestion): Lack {
  return {
    origin: matchOrigin(rule.origins, question.origin, question.form) === 'none',
    method: !rule.methods.has(question.method),
    headers: question.headers.filter((name) => !allowsHeader(rule.headers, name)),
  }
}

/** Ranks by the step reached (origin, then method, then headers), then by the fewest missing values. */
function closestRule(
  rules: readonly CompiledRule[],
  question: CorsQuestion,
): { readonly rule: CompiledRule; readonly lack: Lack } | undefined {
  let best: { rule: CompiledRule; lack: Lack; distance: number } | undefined
  for (const rule of rules) {
    const lack = lackOf(rule, question)
    const distance = (lack.origin ? 1_000_000 : 0) + (lack.method ? 1000 : 0) + lack.headers.length
    if (best === undefined || distance < best.distance) best = { rule, lack, distance }
  }
  return best
}

function firstLack(lack: Lack, question: CorsQuestion): Explanation['lacks'] {
  if (lack.origin) return { field: 'allowedOrigins', value: question.origin }
  if (lack.method) return { field: 'allowedMethods', value: question.method }
  return { field: 'allowedHeaders', value: lack.headers[0] ?? '' }
}

function lackText(rule: CompiledRule, lack: Lack, question: CorsQuestion, count: number): string {
  const more = [
    ...(lack.method ? [`the method ${question.method}`] : []),
    ...(lack.headers.length > 0 ? [headerWords(lack.headers)] : []),
  ].join(' and ')
  if (lack.origin) {
    const none = count === 1 ? 'The only rule' : `None of the ${count} rules`
    const verb = count === 1 ? 'does not allow' : 'allows'
    const also = more === '' ? '' : `, which also lacks ${more}`
    return `${none} ${verb} the origin ${question.origin}. The closest is rule ${rule.label}${also}.`
  }
  if (lack.method) {
    const also = lack.headers.length > 0 ? `, and it does not allow ${headerWords(lack.headers)}` : ''
    const methods = rule.rule.allowedMethods.join(', ')
    return `Rule ${rule.label} allows this origin, but only with ${methods}, not with ${question.method}${also}.`
  }
  return `Rule ${rule.label} allows this origin and ${question.method}, but not ${headerWords(lack.headers)}.`
}

const headerWords = (names: readonly string[]): string =>
  names.length === 1 ? `the header ${names[0]}` : `the headers ${names.join(', ')}`

function credentialsText(allowOrigin: string, credentials: boolean): string {
  if (allowOrigin === '*') return ' for any origin, without credentials'
  return credentials ? '' : ', without credentials'
}

function malformedText(malformed: Malformed): string {
  switch (malformed.what) {
    case 'origin-missing':
      return 'The request carries no Origin header, so it is not a CORS preflight. Browsers always send Origin; with curl, add -H "Origin: …".'
    case 'method-missing':
      return 'The request carries no Access-Control-Request-Method header, so it is not a CORS preflight.'
    case 'method-invalid':
      return malformed.methods === 'stored'
        ? 'Access-Control-Request-Method must be one of GET, PUT, POST, DELETE and HEAD, in upper case, as browsers send them. No rule can allow another method.'
        : 'Access-Control-Request-Method holds no method that a page can send, so no rule can allow it.'
    case 'header-invalid':
      return 'Access-Control-Request-Headers holds something that is not a header name.'
    case 'headers-beyond-bounds':
      return 'Access-Control-Request-Headers is too long, or has too many names or empty elements, so it was not used.'
  }
}

function originText(question: CorsQuestion | undefined): string {
  return question === undefined
    ? 'The request carries no Origin header, so it is not a CORS request.'
    : 'The Origin header is not an origin as a browser writes it: scheme://host, in lower case, with a port only where it is not the default, and nothing after it.'
}

/** The first matching rule decides, even if a later one would expose more headers to the page. */
function laterHint(
  rules: readonly CompiledRule[],
  { rule }: Allow,
  question: CorsQuestion | undefined,
): string | undefined {
  if (question === undefined) return undefined
  const exposed = new Set(rule.rule.exposeHeaders.map((name) => name.toLowerCase()))
  for (const later of rules.slice(rule.number)) {
    const lack = lackOf(later, question)
    if (lack.origin || lack.method || lack.headers.length > 0) continue
    const more = later.rule.exposeHeaders.filter((name) => !exposed.has(name.toLowerCase()))
    if (more.length > 0)
      return `Rule ${later.label}, below it, also matches and would expose ${more.join(', ')}, but the first rule that matches decides: the page cannot read ${more.length > 1 ? 'them' : 'it'}.`
  }
  return undefined
}

/**
 * Finds entries that are easily confused with `origin`: the other scheme, another port, a wildcard that does not
 * cover the bare domain.
 */
function originHint(rules: readonly CompiledRule[], origin: string): string | undefined {
  if (origin === 'null')
    return 'Origin "null" is what a sandboxed frame, a file: page or a cross-origin redirect sends. Any page can produce it, so allow it only for public data, with "*".'
  const asked = parts(origin)
  for (const { rule } of rules)
    for (const entry of rule.allowedOrigins) {
      const listed = parts(entry)
      if (asked !== undefined && listed === undefined && entry === origin.slice(asked.scheme.length + 3))
        return `"${entry}" is listed without a scheme, so it matches no origin: write "${origin}".`
      if (asked === undefined || listed === undefined) continue
      if (listed.host === asked.host) {
        if (listed.scheme !== asked.scheme) return `"${entry}" is listed: the scheme differs.`
        if (listed.port !== asked.port) return `"${entry}" is listed: the port differs.`
      }
      if (listed.host === `*.${asked.host}`)
        return `"${entry}" is listed, but it covers subdomains only, not ${asked.host} itself.`
    }
  return undefined
}

function parts(origin: string): { scheme: string; host: string; port: string } | undefined {
  const match = /^([^:/]+):\/\/(\[[^\]]*\]|[^:/]+)(?::([0-9*]+))?$/.exec(origin)
  return match === null ? undefined : { scheme: match[1] ?? '', host: match[2] ?? '', port: match[3] ?? '' }
}

function methodHint(rule: CompiledRule, lack: Lack, question: CorsQuestion): string | undefined {
  if (lack.method && question.method === 'HEAD' && rule.methods.has('GET'))
    return 'HEAD is not implied by GET.'
  if (lack.headers.length > 0 && rule.rule.allowedHeaders.length === 0)
    return 'A rule without allowedHeaders allows no requested header at all.'
  return undefined
}
