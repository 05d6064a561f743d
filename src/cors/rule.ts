import { compileOrigins, type OriginMatcher } from './pattern.ts'
import { createSharing } from './sharing.ts'

/** The methods a rule may allow at COS, OSS and S3. */
export const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] as const
export type CorsMethod = (typeof corsMethods)[number]

/** A token (RFC 9110 section 5.6.2), without what no page can send (WHATWG Fetch, "forbidden method"). */
const sendableMethod = /^(?!(?:CONNECT|TRACE|TRACK|\*)$)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/i
const vendorMethods: ReadonlySet<string> = new Set(corsMethods)

/** In what the dialects match differently. */
export interface Matching {
  /** What a rule can allow: the five methods that the vendors store, or whichever a page can send. */
  readonly methods: 'stored' | 'sendable'
  /** What decides over an actual request: its own method, or the one that Access-Control-Request-Method names. */
  readonly actualMethod: 'own' | 'requested'
  /** An OPTIONS request that is no preflight: a mistake, or a request like every other. */
  readonly plainOptions: 'mistake' | 'request'
}

/** As COS and OSS match. */
export const vendorMatching: Matching = { methods: 'stored', actualMethod: 'own', plainOptions: 'mistake' }

/** Whether a rule can allow `method` at all. */
export const isAllowable = (method: string, { methods }: Matching): boolean =>
  methods === 'stored' ? vendorMethods.has(method) : sendableMethod.test(method)

/** Name of one of the dialects. Text here: the decision knows no vendor, and a name is checked where it is read. */
export type DialectName = string

/** One CORS rule as its author wrote it, presets already expanded. */
export interface CorsRule {
  readonly id?: string
  readonly preset?: string
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  /** Seconds a browser may keep the preflight's answer. */
  readonly maxAgeSeconds?: number
  /** Dialect `http`: Access-Control-Allow-Credentials is sent to the origins that the rule names. */
  readonly allowCredentials?: boolean
}

/** One expectation of a rule file, run by `check` and before a reload is taken. */
export interface RuleTest {
  readonly origin: string
  readonly method: string
  readonly headers: readonly string[]
  readonly expect: 'allow' | 'deny'
  /** Decide as for the actual request: requested headers are not looked at. Default: a preflight. */
  readonly actual: boolean
}

/** What one rule file says, in whichever spelling it was written. */
export interface RuleFile {
  readonly rules: readonly CorsRule[]
  /** Absent: the server's `--dialect`. */
  readonly dialect?: DialectName
  readonly vary: 'auto' | 'dialect'
  readonly responseVary: boolean
  readonly mode: 'enforce' | 'report'
  /** Custom domains of the bucket, lower case, without port. */
  readonly hosts: readonly string[]
  /** Cross-Origin-Resource-Policy of the bucket's responses. */
  readonly resourcePolicy?: ResourcePolicy
  /** `api`: the rules hold what a vendor stores and no browser sends; it is loaded, and matches nothing. */
  readonly storedBy?: 'api'
  readonly tests: readonly RuleTest[]
}

export const resourcePolicies = ['cross-origin', 'same-site', 'same-origin'] as const
type ResourcePolicy = (typeof resourcePolicies)[number]

/** Which requested header names a rule allows. Names are compared in lower case. */
interface HeaderMatcher {
  readonly any: boolean
  readonly exact: ReadonlySet<string>
  /** Length of the longest of `exact`; 0 without any. */
  readonly longest: number
  readonly wildcards: readonly NamePattern[]
}

/** An AllowedHeader with one `*`, in lower case, by what stands before and after it. */
export interface NamePattern {
  readonly prefix: string
  readonly suffix: string
}

/** A rule made ready at load, so that a request neither parses nor allocates for it. */
export interface CompiledRule {
  readonly rule: CorsRule
  /** Counted from 1. */
  readonly number: number
  /** The id, else the number: what metrics, logs and explanations call this rule. */
  readonly label: string
  readonly origins: OriginMatcher
  readonly methods: ReadonlySet<string>
  readonly headers: HeaderMatcher
}

const sharedMethods = createSharing<ReadonlySet<string>>()
const sharedHeaders = createSharing<HeaderMatcher>()

export function compileRule(rule: CorsRule, number: number): CompiledRule {
  return {
    rule,
    number,
    label: rule.id === undefined || rule.id === '' ? String(number) : rule.id,
    origins: compileOrigins(rule.allowedOrigins),
    methods: sharedMethods(rule.allowedMethods, () => new Set(rule.allowedMethods)),
    headers: sharedHeaders(rule.allowedHeaders, () => compileHeaders(rule.allowedHeaders)),
  }
}

function compileHeaders(entries: readonly string[]): HeaderMatcher {
  const exact = new Set<string>()
  const wildcards: NamePattern[] = []
  for (const entry of entries.map((name) => name.toLowerCase())) {
    const star = entry.indexOf('*')
    if (star < 0) exact.add(entry)
    else if (entry !== '*') wildcards.push({ prefix: entry.slice(0, star), suffix: entry.slice(star + 1) })
  }
  const longest = Math.max(0, ...Array.from(exact, ({ length }) => length))
  return { any: entries.includes('*'), exact, longest, wildcards }
}

/** Whether `headers` allows the requested name `name`, which must be in lower case. */
export function allowsHeader(headers: HeaderMatcher, name: string): boolean {
  if (headers.any) return true
  // By its length first: to look a name up, all of it is read.
  if (name.length <= headers.longest && headers.exact.has(name)) return true
  // A loop, not some(): no closure for each of up to 128 names and 100 rules.
  for (const pattern of headers.wildcards) if (fitsPattern(name, pattern)) return true
  return false
}

/** Whether the requested name `name`, which must be in lower case, fits `pattern`. */
export function fitsPattern(name: string, { prefix, suffix }: NamePattern): boolean {
  return (
    name.length >= prefix.length + suffix.length &&
    name.startsWith(prefix) &&
    (suffix === '' || name.endsWith(suffix))
  )
}
