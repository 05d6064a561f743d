/**
 * Matching of origins against AllowedOrigin entries: at most one `*`, zero or more characters, anchored at both
 * ends, never overlapping itself, case-sensitive (S3 user guide, ManageCorsUsing; COS PUT Bucket cors; OSS PutBucketCors).
 */

/** Longest Origin that is looked at, in bytes: `https://` + 253 + `:65535` with room for long schemes. */
export const maxOriginLength = 326

interface Wildcard {
  readonly prefix: string
  readonly suffix: string
  readonly urlShaped: boolean
  readonly anyHost: boolean
}

/** The AllowedOrigin entries of one rule, made ready for matching. */
export interface OriginMatcher {
  /** The list holds `*`. */
  readonly any: boolean
  readonly exact: readonly string[]
  readonly wildcards: readonly Wildcard[]
}

/**
 * How an origin fits a rule: not at all, by a lone `*`, or by naming it.
 * `anyHost`: only an entry that is `*` in disguise (`https://*`) let it in, so credentials must not go with it.
 */
type OriginMatch = 'none' | 'any' | 'named' | 'anyHost'

const noWildcards: readonly Wildcard[] = []

export function compileOrigins(entries: readonly string[]): OriginMatcher {
  // The list that is there already, for the many rules that hold names alone.
  if (!entries.some((entry) => entry.includes('*')))
    return { any: false, exact: entries, wildcards: noWildcards }
  const exact: string[] = []
  const wildcards: Wildcard[] = []
  for (const entry of entries) {
    const star = entry.indexOf('*')
    if (star < 0) exact.push(entry)
    else if (entry !== '*')
      wildcards.push({
        prefix: entry.slice(0, star),
        suffix: entry.slice(star + 1),
        urlShaped: entry.includes('://'),
        anyHost: admitsAnyHost(entry),
      })
  }
  return { any: entries.includes('*'), exact, wildcards }
}

/**
 * Whether a pattern is `*` in disguise: no literal character of the host is left in it, and after the `*` stands
 * nothing or `:port`. `https://*`, `https://*:8443` and `h*` are; `https://*.com` is not. The dot of the root and the
 * brackets of an address are no such character: anybody has a host that ends or begins so.
 */
export function admitsAnyHost(pattern: string): boolean {
  const star = pattern.indexOf('*')
  if (star < 0) return false
  const before = pattern.slice(0, star)
  const after = pattern.slice(star + 1)
  if (!/^\]?\.?(?::[0-9]+)?$/.test(after)) return false
  // Without "://" the star also swallows the rest of the scheme: what stands before it can be a scheme's beginning.
  return before.includes('://') ? /:\/\/\[?$/.test(before) : /^(?:[a-z][a-z0-9+.-]*:?\/?)?$/.test(before)
}

/** A serialized origin (WHATWG HTML, "serialization of an origin"): scheme, host, optional port, nothing else. */
const serializedOrigin =
  /^[a-z][a-z0-9+.-]*:\/\/((?:[a-z0-9_-]+\.)*[a-z0-9_-]+\.?|\[[0-9a-f:.]{2,45}\])(?::([1-9][0-9]{0,4}))?$/

/**
 * The same of a scheme without a meaning to browsers: of an app or an extension. Its host stands as it was written
 * (WHATWG URL, "opaque host"), so it may be in upper case; `app://.` is what Electron sends for a page of its own.
 */
const appOrigin =
  /^(?!(?:https?|wss?|ftp|file):)[a-z][a-z0-9+.-]*:\/\/(\.(?!:)|(?:[A-Za-z0-9_-]+\.)*[A-Za-z0-9_-]+\.?)(?::([1-9][0-9]{0,4}))?$/

/** What some web views send for every page of the device's file system, so that it says as little as `null`. */
export const fileOrigin = 'file://'

/** Whether `origin` has the form in which a browser writes a tuple origin. */
export function isSerializedOrigin(origin: string): boolean {
  const parts = serializedOrigin.exec(origin) ?? appOrigin.exec(origin)
  if (parts === null) return false
  const [, host = '', port] = parts
  return host.length <= 253 && (port === undefined || Number(port) <= 65535)
}

/** What is known of a request's Origin before any rule is asked. `null`: of an opaque origin, which anybody can have. */
export type OriginForm = 'malformed' | 'null' | 'url' | 'opaque'

/**
 * Sorts an Origin value. `malformed` can match nothing, not even `*`, and is never echoed: too long, a character that
 * no origin has (a joined pair of Origin lines has a comma), or `://` without the form of an origin. `opaque` values
 * such as `startend` are no URL; vendors still match them as text (ceph/s3-tests test_cors_origin_response).
 */
export function originForm(origin: string): OriginForm {
  if (origin.length > maxOriginLength || !/^[!-+\--~]+$/.test(origin)) return 'malformed'
  if (origin === 'null' || origin === fileOrigin) return 'null'
  if (!origin.includes('://')) return 'opaque'
  return isSerializedOrigin(origin) ? 'url' : 'malformed'
}

/** How `origin`, whose form is `form`, fits the entries of one rule. */
export function matchOrigin(matcher: OriginMatcher, origin: string, form: OriginForm): OriginMatch {
  if (form === 'malformed') return 'none'
  return !matcher.any && matcher.exact.includes(origin) ? matchName(form) : matchOpen(matcher, origin, form)
}

/** How an origin of the form `form` fits a rule without `*` that names it. */
export const matchName = (form: OriginForm): OriginMatch => (form === 'null' ? 'anyHost' : 'named')

/** How `origin`, which is not malformed, fits the entries with a `*`, whatever others there are. */
export function matchOpen(matcher: OriginMatcher, origin: string, form: OriginForm): OriginMatch {
  // S3 and cloudserver answer "*" when it stands anywhere in the rule: no credentials, so the safer reading.
  if (matcher.any) return 'any'
  // A pattern must not catch the opaque origin of a sandboxed page.
  if (form === 'null') return 'none'
  let found: OriginMatch = 'none'
  for (const { prefix, suffix, urlShaped, anyHost } of matcher.wildcards) {
    if (urlShaped && form !== 'url') continue
    if (origin.length < prefix.length + suffix.length) continue
    if (!origin.startsWith(prefix) || !origin.endsWith(suffix)) continue
    if (!anyHost) return 'named'
    found = 'anyHost'
  }
  return found
}
