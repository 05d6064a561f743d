import type { Allow, Deny } from '../cors/decide.ts'
import { createInterner } from '../cors/interner.ts'
import type { CorsRule, DialectName, Matching } from '../cors/rule.ts'
import { matchesStar, readStar, type StarPattern } from '../cors/star.ts'
import type { HeaderLines, PlainResponse } from '../http.ts'

/** The inputs of request ids. They are arguments, so that wording stays a pure function. */
export interface RequestIdentity {
  readonly unixSeconds: number
  /** Random 32-bit number of this process; distinguishes replicas. */
  readonly node: number
  readonly process: number
  /** Number of the request within this process. */
  readonly sequence: number
  /** Formats a time in ISO 8601, in whole seconds. */
  readonly isoTime: (unixSeconds: number) => string
  /** `length` random hexadecimal digits, for the long ids of error responses. */
  readonly randomHex: (length: number) => string
}

/** What an error body says about the request. */
interface ErrorContext {
  readonly identity: RequestIdentity
  readonly requestId: string
  readonly method: string
  /** Host as sent; empty when absent. */
  readonly host: string
  /** Path of the request target as sent, without the query. */
  readonly path: string
}

/** An error in the store's format that is sent from here. */
export interface StoreError {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** What the wording of a refused preflight may depend on. */
export interface RefusedPreflight {
  readonly deny: Deny
  /** `none`: the request names no bucket. `unconfigured`: its bucket has no rules. */
  readonly bucket: 'none' | 'unconfigured' | 'configured'
  /** The target is the bucket itself, not an object in it. */
  readonly onBucket: boolean
  readonly requestedMethod: string | undefined
}

export interface XmlLayout {
  readonly declaration: string
  /** Attributes of the root element. */
  readonly attributes: string
  /** One level of indentation; empty: everything on one line. */
  readonly indent: string
  readonly responseVary: 'always' | 'when-set' | 'never'
}

/** How the vendors' bucket CORS APIs differ in wording. */
export interface BucketCorsWords {
  readonly layout: XmlLayout
  readonly unsigned: string
  readonly unknownKey: string
  readonly wrongSignature: string
  readonly malformedAuthorization: StoreError
  readonly notYetValid: StoreError
  readonly sha256Mismatch: StoreError
  readonly notConfigured: string
  readonly noSuchBucket: string
  readonly malformedXml: string
  /** `undefined`: InvalidRequest, with a message that names the limit. */
  readonly tooManyRules: StoreError | undefined
  /** What PUT accepts although no browser sends it. In a rule file that a person writes it is a mistake. */
  readonly stores: ReadonlySet<NeverSent>
  /**
   * Further elements of the error body when a configuration is refused. `cause` is the code of a finding, or
   * `response-vary`.
   */
  readonly fieldsFor: (cause: string) => ErrorFields
}

/**
 * Values that no browser sends or honours. They are harmless in a rule: such an origin matches nothing, and such a
 * max-age is not honoured.
 */
export type NeverSent = 'default-port' | 'trailing-slash' | 'upper-case' | 'negative-max-age'

/** What the rule form of the vendor's web console refuses although its API stores it. */
export interface ConsoleForm {
  /** Codes of findings. */
  readonly refuses: ReadonlySet<string>
  readonly requiresMaxAge: boolean
}

/** For a vendor whose form refuses nothing more than its API. */
export const lenientForm: ConsoleForm = { refuses: new Set(), requiresMaxAge: false }

export type ErrorFields = readonly (readonly [string, string])[]

/**
 * Everything that differs between vendors. A dialect words decisions and never makes one. To add a vendor, add one
 * such object and one line in `dialects`.
 */
export interface Dialect {
  readonly name: DialectName
  /** Header lines that identify the vendor, in every response made here except errors. */
  signature(requestId: string): HeaderLines
  readonly limits: { readonly rules: number; readonly bytes: number }
  readonly style: HeaderStyle
  readonly matching: Matching
  /** The vendor's console rejects underscores in allowed headers. */
  readonly refusesUnderscore: boolean
  readonly form: ConsoleForm
  readonly preflightStatus: 200 | 204
  /** With `vary: dialect`: the names that the vendor sends in Vary. */
  vary(responseVary: boolean): { readonly matched: readonly string[]; readonly other: readonly string[] }
  requestId(identity: RequestIdentity): string
  /** Status, code and message of a refused preflight. */
  refusal(refused: RefusedPreflight): StoreError & { readonly fields?: ErrorFields }
  /**
   * The complete response for `error`, with ids in header and body, without CORS headers. `fields` follow the
   * message.
   */
  error(error: StoreError, context: ErrorContext, fields?: ErrorFields): PlainResponse
  /** Wording of the `?cors` API. `undefined`: the vendor has none, and `?cors` is a request like any other. */
  readonly bucketCors: BucketCorsWords | undefined
}

export type VendorDialect = Dialect & { readonly bucketCors: BucketCorsWords }

export const isVendor = (dialect: Dialect): dialect is VendorDialect => dialect.bucketCors !== undefined

/**
 * Makes request ids that end with the last three hexadecimal digits of the sequence. Speed: `head` makes the rest,
 * which changes only once a second and once in 4,096 requests.
 */
export function createRequestIds(
  head: (identity: RequestIdentity, rest: number) => string,
  end: (digits: string) => string,
): (identity: RequestIdentity) => string {
  let ends: readonly string[] = []
  let made: RequestIdentity | undefined
  let madeRest = -1
  let text = ''
  return (identity) => {
    const { unixSeconds, node, process, sequence } = identity
    const rest = Math.floor(sequence / 4096)
    if (
      made === undefined ||
      madeRest !== rest ||
      made.unixSeconds !== unixSeconds ||
      made.node !== node ||
      made.process !== process
    ) {
      made = identity
      madeRest = rest
      text = head(identity, rest)
      if (ends.length === 0) ends = Array.from({ length: 4096 }, (_, number) => end(hex(number, 3)))
    }
    return text + (ends[sequence & 0xfff] ?? '')
  }
}

/** How a dialect writes the CORS headers of a rule. */
interface HeaderStyle {
  /** Separates the items of Allow-Methods, Allow-Headers and Expose-Headers. */
  readonly separator: string
  /** Allow-Headers holds the requested names, or the rule's own list. */
  readonly allowHeaders: 'requested' | 'rule'
  /** When to send Allow-Credentials to an origin that the rule names: always, never, or if the rule says so. */
  readonly credentials: 'always' | 'never' | 'by-rule'
  /** Max-Age of a preflight response when the rule has none. */
  readonly maxAgeUnset: string | undefined
}

/** Header values of one rule that do not depend on the request, prepared at reload. */
export interface PreparedRule {
  readonly methods: string
  readonly expose: string | undefined
  readonly maxAge: string | undefined
  readonly maxAgeOfPreflight: string | undefined
  /**
   * Allow-Headers: a fixed value, the requested names, or a list whose partial wildcards are replaced by requested
   * names.
   */
  readonly allowHeaders: { readonly fixed: string } | 'requested' | readonly AllowedEntry[]
}

/**
 * One AllowedHeader in lower case: a name, or a partial wildcard that stands for the requested names it matches.
 */
type AllowedEntry = string | StarPattern

const sharedValues = createInterner<PreparedRule>()

/** The header values of `rule` in `style`. Rules with equal values share one object. */
export function prepareRule(style: HeaderStyle, rule: CorsRule): PreparedRule {
  const { separator, allowHeaders, maxAgeUnset } = style
  const { allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds } = rule
  // The lengths keep lists apart: otherwise the end of one could be read as the start of the next.
  const lengths = [allowedMethods.length, allowedHeaders.length, exposeHeaders.length]
  const parts = [separator, allowHeaders, maxAgeUnset, maxAgeSeconds, ...lengths]
  return sharedValues([...parts, ...allowedMethods, ...allowedHeaders, ...exposeHeaders], () =>
    prepareValues(style, rule),
  )
}

function prepareValues(style: HeaderStyle, rule: CorsRule): PreparedRule {
  const maxAge = rule.maxAgeSeconds === undefined ? undefined : String(rule.maxAgeSeconds)
  const expose = rule.exposeHeaders.join(style.separator)
  return {
    methods: rule.allowedMethods.join(style.separator),
    expose: expose === '' ? undefined : expose,
    maxAge,
    maxAgeOfPreflight: maxAge ?? style.maxAgeUnset,
    allowHeaders: prepareAllowHeaders(style, rule.allowedHeaders),
  }
}

function prepareAllowHeaders(style: HeaderStyle, allowed: readonly string[]): PreparedRule['allowHeaders'] {
  // Never `*`: it does not cover Authorization
  // (https://fetch.spec.whatwg.org/#cors-non-wildcard-request-header-name).
  if (style.allowHeaders === 'requested' || allowed.includes('*')) return 'requested'
  const names = allowed.map((name) => name.toLowerCase())
  if (names.every((name) => !name.includes('*'))) return { fixed: names.join(style.separator) }
  return names.map((name) => readStar(name) ?? name)
}

/**
 * The CORS headers of an allowed request. `requested` holds the names that a preflight asked for, in lower case. It
 * is `undefined` for an actual request, which gets no Allow-Headers.
 */
export function corsHeaders(
  style: HeaderStyle,
  prepared: PreparedRule,
  allow: Allow,
  requested: readonly string[] | undefined,
): string[] {
  const lines: string[] = []
  if (sendsCredentials(style, allow)) lines.push('Access-Control-Allow-Credentials', 'true')
  if (requested !== undefined) {
    const names = allowHeaders(style, prepared.allowHeaders, requested)
    if (names !== '') lines.push('Access-Control-Allow-Headers', names)
  }
  lines.push('Access-Control-Allow-Methods', prepared.methods)
  lines.push('Access-Control-Allow-Origin', allow.allowOrigin)
  if (prepared.expose !== undefined) lines.push('Access-Control-Expose-Headers', prepared.expose)
  const maxAge = requested === undefined ? prepared.maxAge : prepared.maxAgeOfPreflight
  if (maxAge !== undefined) lines.push('Access-Control-Max-Age', maxAge)
  return lines
}

export const sendsCredentials = ({ credentials }: HeaderStyle, allow: Allow): boolean =>
  allow.credentials &&
  (credentials === 'always' || (credentials === 'by-rule' && allow.rule.rule.allowCredentials === true))

function allowHeaders(
  style: HeaderStyle,
  prepared: PreparedRule['allowHeaders'],
  requested: readonly string[],
): string {
  if (prepared === 'requested') return requested.join(style.separator)
  if ('fixed' in prepared) return prepared.fixed
  const names = new Set<string>()
  for (const entry of prepared) {
    if (typeof entry === 'string') names.add(entry)
    else for (const name of requested) if (matchesStar(name, entry)) names.add(name)
  }
  return [...names].join(style.separator)
}

export function xmlResponse(status: number, lines: HeaderLines, body: string): PlainResponse {
  return { status, headers: ['Content-Type', 'application/xml', ...lines], body }
}

/** `number` in exactly `length` hexadecimal digits. */
export const hex = (number: number, length: number): string =>
  (number >>> 0).toString(16).padStart(length, '0').slice(-length)
