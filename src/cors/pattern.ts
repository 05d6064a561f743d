/**
 * Matches origins against AllowedOrigin entries. An entry holds at most one `*`, which stands for zero or more
 * characters; the match covers the whole origin and is case-sensitive (S3 user guide, ManageCorsUsing; COS PUT
 * Bucket cors; OSS PutBucketCors).
 */

import { matchesStar, readStar, type StarPattern } from './star.ts'

/** Longest Origin accepted, in bytes: `https://` + 253 + `:65535`, and room for long schemes. */
export const maxOriginLength = 326

interface Wildcard extends StarPattern {
  readonly urlShaped: boolean
  readonly anyHost: boolean
}

export interface OriginMatcher {
  /** One of the entries is `*`. */
  readonly any: boolean
  readonly exact: readonly string[]
  readonly wildcards: readonly Wildcard[]
}

/**
 * How an origin matches a rule. `any`: by a lone `*`. `named`: by an entry that identifies a site. `anyHost`: only by
 * an entry that any site can match, which is `*` in disguise (`https://*`), `null` or `file://`. Credentials must not
 * be allowed then.
 */
type OriginMatch = 'none' | 'any' | 'named' | 'anyHost'

const noWildcards: readonly Wildcard[] = []

export function compileOrigins(entries: readonly string[]): OriginMatcher {
  // Most rules hold names only: reuse their list.
  if (!entries.some((entry) => entry.includes('*')))
    return { any: false, exact: entries, wildcards: noWildcards }
  const exact: string[] = []
  const wildcards: Wildcard[] = []
  for (const entry of entries) {
    const pattern = readStar(entry)
    if (pattern === undefined) exact.push(entry)
    else if (entry !== '*')
      wildcards.push({
        ...pattern,
        urlShaped: entry.includes('://'),
        anyHost: admitsAnyHost(entry),
      })
  }
  return { any: entries.includes('*'), exact, wildcards }
}

/**
 * Whether a pattern is `*` in disguise: it has no literal character of the host, and only `:port` may follow the
 * `*`. `https://*`, `https://*:8443` and `h*` are; `https://*.com` is not. The root dot and the brackets of an IP
 * address do not count, because anybody can have a host that ends or begins with them.
 */
export function admitsAnyHost(pattern: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return false
  const before = pattern.slice(0, star)
  const after = pattern.slice(star + 1)
  if (!/^\]?\.?(?::[0-9]+)?$/.test(after)) return false
  // Without "://" before it, the star also covers the rest of the scheme.
  return before.includes('://') ? /:\/\/\[?$/.test(before) : /^(?:[a-z][a-z0-9+.-]*:?\/?)?$/.test(before)
}

/**
 * Scheme, host, optional port:
 * https://html.spec.whatwg.org/multipage/browsers.html#ascii-serialisation-of-an-origin
 */
const serializedOrigin =
  /^[a-z][a-z0-9+.-]*:\/\/((?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?$/

/**
 * Origins of apps and extensions, whose schemes browsers do not treat specially. The host is opaque
 * (https://url.spec.whatwg.org/#opaque-host), so it may be in upper case. `app://.` is what Electron sends for its
 * own pages.
 */
const appOrigin =
  /^(?!(?:https?|wss?|ftp|file):)[a-z][a-z0-9+.-]*:\/\/(\.(?!:)|(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?)(?::([1-9][0-9]{0,4}))?$/

/** Some web views send this for every page of the device's file system, so it identifies no more than `null`. */
export const fileOrigin = 'file://'

/** Whether `origin` has the form in which browsers serialize a tuple origin. */
export function isSerializedOrigin(origin: string): boolean {
  const parts = serializedOrigin.exec(origin) ?? appOrigin.exec(origin)
  if (parts === null) return false
  const [, host = '', port] = parts
  return host.length <= 253 && (port === undefined || Number(port) <= 65535)
}

/** The form of an Origin header. `null` is the origin of a sandboxed page, which anybody can have. */
export type OriginForm = 'malformed' | 'null' | 'url' | 'text'

/**
 * Classifies an Origin header. A `malformed` value matches nothing, not even `*`, and is never echoed: it is too
 * long, holds a character that no origin has (the comma of two joined Origin lines), or has `://` without the form
 * of an origin. `text` values such as `startend` are not URLs, yet vendors match them as text (ceph/s3-tests
 * test_cors_origin_response).
 */
export function originForm(origin: string): OriginForm {
  if (origin.length > maxOriginLength || !/^[!-+\--~]+$/.test(origin)) return 'malformed'
  if (origin === 'null' || origin === fileOrigin) return 'null'
  if (!origin.includes('://')) return 'text'
  return isSerializedOrigin(origin) ? 'url' : 'malformed'
}

/** How `origin`, which has the form `form`, matches the entries of one rule. */
export function matchOrigin(matcher: OriginMatcher, origin: string, form: OriginForm): OriginMatch {
  if (form === 'malformed') return 'none'
  return !matcher.any && matcher.exact.includes(origin) ? matchName(form) : matchOpen(matcher, origin, form)
}

/** How an origin of the form `form` matches a rule without `*` that names it. */
export const matchName = (form: OriginForm): OriginMatch => (form === 'null' ? 'anyHost' : 'named')

/** How `origin` matches the entries with a `*`. It must not be malformed. */
export function matchOpen(matcher: OriginMatcher, origin: string, form: OriginForm): OriginMatch {
  // S3 and cloudserver answer "*" if it is anywhere in the rule. That excludes credentials, so it is the safer
  // reading.
  if (matcher.any) return 'any'
  // A pattern must not match the opaque origin of a sandboxed page.
  if (form === 'null') return 'none'
  let found: OriginMatch = 'none'
  for (const wildcard of matcher.wildcards) {
    if (wildcard.urlShaped && form !== 'url') continue
    if (!matchesStar(origin, wildcard)) continue
    if (!wildcard.anyHost) return 'named'
    found = 'anyHost'
  }
  return found
}
