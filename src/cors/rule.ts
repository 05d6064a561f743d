import { createInterner } from './interner.ts'
import { compileOrigins, type OriginMatcher } from './pattern.ts'
import { matchesStar, readStar, type StarPattern } from './star.ts'

/** The methods that a rule may allow at COS, OSS and S3. */
export const corsMethods = ['GET', 'PUT', 'POST', 'DELETE', 'HEAD'] as const
export type CorsMethod = (typeof corsMethods)[number]

/**
 * A token (RFC 9110 section 5.6.2) other than the methods that pages cannot send
 * (https://fetch.spec.whatwg.org/#forbidden-method).
 */
const sendableMethod = /^(?!(?:CONNECT|TRACE|TRACK|\*)$)[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}$/i
const vendorMethods: ReadonlySet<string> = new Set(corsMethods)

export interface Matching {
  /** Methods that a rule can allow: the five that the vendors store, or any that a page can send. */
  readonly methods: 'stored' | 'sendable'
  /** Which method decides an actual request: its own, or the one in Access-Control-Request-Method. */
  readonly actualMethod: 'own' | 'requested'
  /** Whether an OPTIONS request that is not a preflight is a mistake, or a request like any other. */
  readonly plainOptions: 'mistake' | 'request'
}

export const vendorMatching: Matching = { methods: 'stored', actualMethod: 'own', plainOptions: 'mistake' }

/** Whether any rule can allow `method`. */
export const isAllowable = (method: string, { methods }: Matching): boolean =>
  methods === 'stored' ? vendorMethods.has(method) : sendableMethod.test(method)

/** A plain string, because this folder must not know the vendors. The name is validated where it is read. */
export type DialectName = string

/** One CORS rule as written, with its preset expanded. */
export interface CorsRule {
  readonly id?: string
  readonly preset?: string
  readonly allowedOrigins: readonly string[]
  readonly allowedMethods: readonly string[]
  readonly allowedHeaders: readonly string[]
  readonly exposeHeaders: readonly string[]
  /** How long a browser may cache the preflight response, in seconds. */
  readonly maxAgeSeconds?: number
  /** Dialect `http` only: sends Access-Control-Allow-Credentials to the origins that the rule names. */
  readonly allowCredentials?: boolean
}

/** One entry of `tests:`. `check` runs them, and so does every reload before it applies the file. */
export interface RuleTest {
  readonly origin: string
  readonly method: string
  readonly headers: readonly string[]
  readonly expect: 'allow' | 'deny'
  /** Tests the actual request, whose headers are not checked. Default: the preflight. */
  readonly actual: boolean
}

/** The content of one rule file, in any format. */
export interface RuleFile {
  readonly rules: readonly CorsRule[]
  /** Absent: the server's `--dialect`. */
  readonly dialect?: DialectName
  readonly vary: 'auto' | 'dialect'
  readonly responseVary: boolean
  readonly mode: 'enforce' | 'report'
  /** Custom domains of the bucket, in lower case, without port. */
  readonly hosts: readonly string[]
  /** Cross-Origin-Resource-Policy of the bucket's responses. */
  readonly resourcePolicy?: ResourcePolicy
  /**
   * `api`: written by PUT `?cors`. May hold values that vendors store although no browser sends them; they match
   * nothing.
   */
  readonly storedBy?: 'api'
  readonly tests: readonly RuleTest[]
}

/** The content of a rule file without rules and settings. */
export const emptyRuleFile: RuleFile = {
  rules: [],
  vary: 'auto',
  responseVary: false,
  mode: 'enforce',
  hosts: [],
  tests: [],
}

export const resourcePolicies = ['cross-origin', 'same-site', 'same-origin'] as const
type ResourcePolicy = (typeof resourcePolicies)[number]

/** Matches requested header names, in lower case. */
interface HeaderMatcher {
  readonly any: boolean
  readonly exact: ReadonlySet<string>
  /** Length of the longest name in `exact`; 0 when it is empty. */
  readonly longest: number
  readonly wildcards: readonly StarPattern[]
}

/** A rule compiled at reload, so that requests need neither parse nor allocate for it. */
export interface CompiledRule {
  readonly rule: CorsRule
  /** Counted from 1. */
  readonly number: number
  /** The id, or else the number. Metrics, logs and explanations use it. */
  readonly label: string
  readonly origins: OriginMatcher
  readonly methods: ReadonlySet<string>
  readonly headers: HeaderMatcher
}

const sharedMethods = createInterner<ReadonlySet<string>>()
const sharedHeaders = createInterner<HeaderMatcher>()

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
  const wildcards: StarPattern[] = []
  for (const entry of entries.map((name) => name.toLowerCase())) {
    const pattern = readStar(entry)
    if (pattern === undefined) exact.add(entry)
    else if (entry !== '*') wildcards.push(pattern)
  }
  const longest = Math.max(0, ...Array.from(exact, ({ length }) => length))
  return { any: entries.includes('*'), exact, longest, wildcards }
}

/** Whether `headers` allows `name`, which must be in lower case. */
export function allowsHeader(headers: HeaderMatcher, name: string): boolean {
  if (headers.any) return true
  // Length first, because a Set lookup hashes the whole name.
  if (name.length <= headers.longest && headers.exact.has(name)) return true
  // A loop, because `some()` would allocate a closure for each of up to 128 names × 100 rules.
  for (const pattern of headers.wildcards) if (matchesStar(name, pattern)) return true
  return false
}
