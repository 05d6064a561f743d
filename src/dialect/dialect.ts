import type { Allow, Deny } from '../cors/decide.ts'
import {
  type CorsRule,
  type DialectName,
  fitsPattern,
  type Matching,
  type NamePattern,
} from '../cors/rule.ts'
import { createSharing } from '../cors/sharing.ts'
import type { HeaderLines, PlainResponse } from '../http.ts'

/** What makes one request's ids: given from outside, so that the wording stays a pure function. */
export interface RequestIdentity {
  readonly unixSeconds: number
  /** Random 32-bit number of this process; tells replicas apart. */
  readonly node: number
  readonly process: number
  /** Counts the requests of this process. */
  readonly sequence: number
  /** A time as ISO 8601 has it, in whole seconds. */
  readonly isoTime: (unixSeconds: number) => string
  /** `length` random hexadecimal characters, for the longer ids of error answers. */
  readonly randomHex: (length: number) => string
}

/** What an error body names of the request it answers. */
interface ErrorContext {
  readonly identity: RequestIdentity
  readonly requestId: string
  readonly method: string
  /** Host as sent; empty when absent. */
  readonly host: string
  /** Path of the request target as sent, without the query. */
  readonly path: string
}

/** An error of the store's kind that is answered here. */
export interface StoreError {
  readonly status: number
  readonly code: string
  readonly message: string
}

/** Whose answer a refused preflight is, for the vendors that tell these apart. */
export interface RefusedPreflight {
  readonly deny: Deny
  /** `none`: the request names no bucket; `unconfigured`: its bucket has no rules. */
  readonly bucket: 'none' | 'unconfigured' | 'configured'
  /** The target is the bucket itself, not an object in it. */
  readonly onBucket: boolean
  /** Access-Control-Request-Method as sent. */
  readonly requestedMethod: string | undefined
}

/** How a vendor lays its XML documents out. */
export interface XmlLayout {
  readonly declaration: string
  /** Of the root element. */
  readonly attributes: string
  /** One level of indentation; empty: everything on one line. */
  readonly indent: string
  readonly responseVary: 'always' | 'when-set' | 'never'
}

/** What differs between the vendors in the words of the bucket CORS API. */
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
  /** `undefined`: an InvalidRequest that names the limit. */
  readonly tooManyRules: StoreError | undefined
  /** What a PUT stores although no browser sends it; a rule file that says so is a mistake of its author. */
  readonly stores: ReadonlySet<NeverSent>
  /** What stands beside code and message when a configuration is refused for `cause`: the code of a finding, or `response-vary`. */
  readonly fieldsFor: (cause: string) => ErrorFields
}

/** Values that no browser sends or keeps, harmless in a rule: it matches less. */
export type NeverSent = 'default-port' | 'trailing-slash' | 'upper-case' | 'negative-max-age'

/** Elements of an error body: name and text. */
export type ErrorFields = readonly (readonly [string, string])[]

/**
 * Everything of one vendor. A dialect never decides: it receives what was decided. Adding a vendor is one such object
 * and one line in `dialects`.
 */
export interface Dialect {
  readonly name: DialectName
  /** The header lines by which the vendor is known, of every answer made here that is no error. */
  signature(requestId: string): HeaderLines
  /** Largest stored configuration. */
  readonly limits: { readonly rules: number; readonly bytes: number }
  readonly style: HeaderStyle
  readonly matching: Matching
  /** The vendor's console takes no underscore in an allowed header. */
  readonly refusesUnderscore: boolean
  /** Status of an allowed preflight. */
  readonly preflightStatus: 200 | 204
  /** Names the dialect itself sends in Vary, with `vary: dialect`. */
  vary(responseVary: boolean): { readonly matched: readonly string[]; readonly other: readonly string[] }
  requestId(identity: RequestIdentity): string
  /** Status, code and message of a refused preflight. */
  refusal(refused: RefusedPreflight): StoreError & { readonly fields?: ErrorFields }
  /** The whole answer for `error`, ids in header and body, without CORS headers. `fields` stand after the message. */
  error(error: StoreError, context: ErrorContext, fields?: ErrorFields): PlainResponse
  /** The words of its `?cors` API; `undefined`: it has none, and such a request is one like every other. */
  readonly bucketCors: BucketCorsWords | undefined
}

/** A dialect whose vendor has the `?cors` API. */
export type VendorDialect = Dialect & { readonly bucketCors: BucketCorsWords }

export const isVendor = (dialect: Dialect): dialect is VendorDialect => dialect.bucketCors !== undefined

/**
 * Ids that end with the last three hexadecimal digits of the sequence, in lower case, as `end` writes them. What stands
 * before them is made by `head` of the rest of it, a number, once a second and once in 4,096 requests.
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
  /** Between the items of Allow-Methods, Allow-Headers and Expose-Headers. */
  readonly separator: string
  /** Allow-Headers: the names that were asked for, or the rule's own list. */
  readonly allowHeaders: 'requested' | 'rule'
  /** Allow-Credentials for an origin that the rule names: always, never, or where the rule says so. */
  readonly credentials: 'always' | 'never' | 'by-rule'
  /** Max-Age of a preflight when the rule has none. */
  readonly maxAgeUnset: string | undefined
}

/** The header values of one rule that do not depend on the request, made at reload. */
export interface PreparedRule {
  readonly methods: string
  readonly expose: string | undefined
  readonly maxAge: string | undefined
  readonly maxAgeOfPreflight: string | undefined
  /** Allow-Headers: the same for every request, the names asked for, or a list with places for names asked for. */
  readonly allowHeaders: { readonly fixed: string } | 'requested' | readonly AllowedEntry[]
}

/** One AllowedHeader in lower case: a name, or a partial wildcard that stands for the requested names it matched. */
type AllowedEntry = string | NamePattern

const sharedValues = createSharing<PreparedRule>()

/** The header values of `rule` in `style`: one object for all the rules that have the same. */
export function prepareRule(style: HeaderStyle, rule: CorsRule): PreparedRule {
  const { separator, allowHeaders, maxAgeUnset } = style
  const { allowedMethods, allowedHeaders, exposeHeaders, maxAgeSeconds } = rule
  // With the lengths no list can run into the next.
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
  // `*` is never answered: it does not cover Authorization (WHATWG Fetch, "CORS non-wildcard request-header name").
  if (style.allowHeaders === 'requested' || allowed.includes('*')) return 'requested'
  const names = allowed.map((name) => name.toLowerCase())
  if (names.every((name) => !name.includes('*'))) return { fixed: names.join(style.separator) }
  return names.map((name) => {
    const star = name.indexOf('*')
    return star < 0 ? name : { prefix: name.slice(0, star), suffix: name.slice(star + 1) }
  })
}

/**
 * The CORS headers of an allowed request. `requested` are the names a preflight asked for, in lower case;
 * `undefined` for an actual request, which gets no Allow-Headers.
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

/** Whether Access-Control-Allow-Credentials goes with an allowed request. */
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
    else for (const name of requested) if (fitsPattern(name, entry)) names.add(name)
  }
  return [...names].join(style.separator)
}

/** A response of `lines` and an XML body. */
export function xmlResponse(status: number, lines: HeaderLines, body: string): PlainResponse {
  return { status, headers: ['Content-Type', 'application/xml', ...lines], body }
}

/** `number` as hexadecimal of exactly `length` characters. */
export const hex = (number: number, length: number): string =>
  (number >>> 0).toString(16).padStart(length, '0').slice(-length)
