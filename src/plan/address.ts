import type { RequestDefect, RequestFacts } from '../http.ts'
import { decodeEscape } from '../text/percent.ts'

/** How Host and path lead to buckets. Hosts and suffixes are in lower case, without port. */
export interface Endpoints {
  /** `hosts:` entries of the rule files, mapped to bucket names. */
  readonly hosts: ReadonlyMap<string, string>
  /** `--host-suffix` names: in `BUCKET.NAME`, Host names the bucket. */
  readonly suffixes: readonly string[]
  /** Buckets that have a rule file. */
  readonly buckets: ReadonlyMap<string, unknown>
  /** The same buckets: {@link foldedName} to name. */
  readonly foldedNames: ReadonlyMap<string, string>
}

/** Where a request goes. `target` is forwarded as it is, and the bucket is read from exactly those bytes. */
export type Address =
  | {
      readonly kind: 'bucket'
      readonly name: string
      /** Host named the bucket, not the path. */
      readonly byHost: boolean
      /**
       * Other buckets with a rule file that a store may resolve the request to: those of shorter host suffixes, and
       * that of the first path segment. Their rules must allow the request as well. A name that only resembles a
       * bucket's is listed too; it has no rules, so it denies.
       */
      readonly others: readonly string[]
      readonly target: string
      readonly path: string
      readonly query: string
      /** The bucket itself, not an object in it. */
      readonly onBucket: boolean
    }
  | {
      /** The root of the endpoint (ListBuckets, STS). */
      readonly kind: 'service'
      readonly target: string
      readonly path: string
      readonly query: string
    }
  | {
      /** Host or the first segment gives a name that cannot be a bucket name, or that is `closeTo` another. */
      readonly kind: 'none'
      /** Host gave the name, not the path. */
      readonly byHost: boolean
      /** The bucket with a rule file whose name differs only by case or trailing dots. */
      readonly closeTo?: string
      readonly target: string
      readonly path: string
      readonly query: string
    }
  | {
      readonly kind: 'refused'
      readonly defect: RequestDefect
      readonly path: string
      /** The bucket, if Host names one unambiguously. */
      readonly name: string | undefined
    }

const noOthers: readonly string[] = []

const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Whether `name` is 1 to 63 of `A-Z a-z 0-9 . _ -` and starts with a letter or digit. */
export const isBucketName = (name: string): boolean => bucketName.test(name)

const refused = (message: string, path: string, name?: string): Address => ({
  kind: 'refused',
  defect: { status: 400, code: 'InvalidURI', message },
  path,
  name,
})

/**
 * `name` as file systems that ignore case may resolve it (Windows, macOS, many NAS): they fold letters, ignore
 * trailing dots and spaces, and some ignore invisible characters.
 */
export const foldedName = (name: string): string =>
  (/[^!-~]/.test(name) ? name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '') : name)
    .toLowerCase()
    .replace(/[. ]+$/, '')

/**
 * Finds the bucket of a request: by a rule file's host, a host suffix, or the first path segment. Nothing is
 * normalised. A request that a store could resolve to a different bucket is refused, or lists that bucket in
 * `others`.
 */
export function resolveAddress(facts: RequestFacts, endpoints: Endpoints): Address {
  const target = originForm(facts.target, facts.host ?? '')
  if (target === undefined)
    return refused('The request target is not a path, or its host differs from the Host header.', '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const unsafe = unsafePath(path) ?? (target.includes('#') ? 'a fragment' : undefined)

  const names = hosted(facts.host ?? '', endpoints)
  if (typeof names === 'string') return refused(names, path)
  const [name] = names
  if (unsafe !== undefined) {
    const named = name !== undefined && isBucketName(name) ? name : undefined
    return refused(`The request target contains ${unsafe}.`, path, named)
  }
  if (name === undefined) return pathStyle(target, path, query, endpoints)
  if (!isBucketName(name)) return { kind: 'none', byHost: true, target, path, query }
  const closeTo = closeName(name, endpoints)
  if (closeTo !== undefined) return { kind: 'none', byHost: true, closeTo, target, path, query }
  const others = otherBuckets(name, [...names.slice(1), firstSegment(path)], endpoints)
  return { kind: 'bucket', name, byHost: true, others, target, path, query, onBucket: path === '/' }
}

/** Those of `names` other than `name` that are, or resemble, a bucket with a rule file. */
function otherBuckets(name: string, names: readonly string[], { foldedNames }: Endpoints): readonly string[] {
  const others = names.filter((other) => other !== name && foldedNames.has(foldedName(other)))
  return others.length === 0 ? noOthers : [...new Set(others)]
}

function pathStyle(target: string, path: string, query: string, endpoints: Endpoints): Address {
  if (path === '/') return { kind: 'service', target, path, query }
  const slash = path.indexOf('/', 1)
  const segment = slash < 0 ? path.slice(1) : path.slice(1, slash)
  if (/%(?:2f|5c|00)/i.test(segment))
    return refused(
      'The request target contains an escaped slash, backslash or NUL in its first segment.',
      path,
    )
  const name = segment.includes('%') ? decoded(segment) : segment
  if (name === undefined || !isBucketName(name)) return { kind: 'none', byHost: false, target, path, query }
  const closeTo = closeName(name, endpoints)
  if (closeTo !== undefined) return { kind: 'none', byHost: false, closeTo, target, path, query }
  const onBucket = slash < 0 || slash === path.length - 1
  return { kind: 'bucket', name, byHost: false, others: noOthers, target, path, query, onBucket }
}

/**
 * The bucket that a path-style store may read from `path`. Only for comparison: stores merge slashes (nginx),
 * decode before they split, and cut at ";" (Tomcat) or ":" (NTFS streams).
 */
function firstSegment(path: string): string {
  const plain = path.includes('%') ? (decoded(path) ?? path.replace(/%[0-7][0-9a-f]/gi, decodeEscape)) : path
  return /^[/\\]*([^/\\;:\0]*)/.exec(plain)?.[1] ?? ''
}

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Host without port and trailing dot, in lower case; keeps the brackets of an IPv6 address. */
export function hostName(host: string): string {
  const colon = host.lastIndexOf(':')
  const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

const endsWithDot = 'The host name in the Host header must not end with a dot.'
const badPort = 'The port in the Host header must be a number from 1 to 65535, without a leading zero.'
const otherCase =
  'The Host header must give the bucket name in the case of its rule file, and everything else in lower case.'

/**
 * The buckets that Host may name, best first; empty when it names none. A text: why Host would name one only after
 * normalisation, which stores may or may not apply (MinIO compares Host with MINIO_DOMAIN as sent).
 */
function hosted(sent: string, endpoints: Endpoints): readonly string[] | string {
  // With path style only, Host names no bucket.
  if (endpoints.hosts.size === 0 && endpoints.suffixes.length === 0) return noOthers
  const name = hostName(sent)
  const names = namesIn(name, endpoints)
  if (names.length === 0) return noOthers
  const rest = sent.slice(name.length)
  if (rest.startsWith('.')) return endsWithDot
  if (rest !== '' && !/^:[1-9][0-9]*$/.test(rest)) return badPort
  if (sent.startsWith(name)) return names
  // Labels before a suffix may be in upper case: there the name is read as sent.
  const exact = namesIn(sent.slice(0, name.length), endpoints)
  const [first] = exact
  const isSame = first !== undefined && first.toLowerCase() === names[0]
  return isSame && closeName(first, endpoints) === undefined ? exact : otherCase
}

/** The bucket with a rule file that `name` resembles without being equal to it. */
const closeName = (name: string, { buckets, foldedNames }: Endpoints): string | undefined =>
  buckets.has(name) ? undefined : foldedNames.get(foldedName(name))

/** The bucket of a `hosts:` entry, then the labels before each matching suffix, the longest suffix first. */
function namesIn(host: string, { hosts, suffixes }: Endpoints): readonly string[] {
  const own = hosts.get(host)
  const labels = suffixes
    .filter((suffix) => host.endsWith(`.${suffix}`))
    .sort((one, other) => other.length - one.length)
    .map((suffix) => host.slice(0, -suffix.length - 1))
  return own === undefined ? labels : [own, ...labels]
}

/**
 * The target in origin-form. An absolute-form target is cut, because a parser would resolve dot segments. Its
 * authority must equal Host (RFC 9112 section 3.2.2).
 */
function originForm(target: string, host: string): string | undefined {
  if (target.startsWith('/')) return target
  const absolute = /^(https?):\/\/([^/?#]*)/i.exec(target)
  if (absolute === null) return undefined
  const [start, scheme = '', authority = ''] = absolute
  const port = scheme.toLowerCase() === 'https' ? ':443' : ':80'
  const plain = (name: string): string => {
    const lower = name.toLowerCase()
    return lower.endsWith(port) ? lower.slice(0, -port.length) : lower
  }
  if (plain(authority) !== plain(host)) return undefined
  const rest = target.slice(start.length)
  return rest.startsWith('/') ? rest : `/${rest}`
}

/** Why a path is unsafe to forward; `undefined` when it is safe. */
function unsafePath(path: string): string | undefined {
  if (/[^!-~]/.test(path)) return 'a character that must be percent-encoded'
  if (path.includes('\\')) return 'a backslash'
  if (path.includes('%') && /%(?![0-9a-f]{2})/i.test(path))
    return 'a percent sign without two hexadecimal digits'
  if (path.includes('.') || path.includes('%')) {
    // Stores differ in which characters separate segments after decoding, and in how they treat a ";".
    const plain = path.replace(/%2e/gi, '.').replace(/%(?:2f|5c)/gi, '/')
    if (/\/\.{1,2}(?:[/;]|%3b|$)/i.test(plain)) return 'a dot segment'
  }
  return undefined
}
