import type { RequestDefect, RequestFacts } from '../http.ts'

/** Names by which buckets are known. Hosts and suffixes are lower case and have no port. */
export interface Endpoints {
  /** `hosts:` entries of the rule files, to the bucket's name. */
  readonly hosts: ReadonlyMap<string, string>
  /** `--host-suffix` names: `BUCKET.NAME` in Host names the bucket. */
  readonly suffixes: readonly string[]
  /** Buckets that have a rule file. */
  readonly buckets: ReadonlyMap<string, unknown>
  /** The same buckets: {@link foldedName} to a name. */
  readonly foldedNames: ReadonlyMap<string, string>
}

/** What a request is addressed to. `target` is what is forwarded; the bucket is read from exactly those bytes. */
export type Address =
  | {
      readonly kind: 'bucket'
      readonly name: string
      /** Host named the bucket, not the path. */
      readonly byHost: boolean
      /**
       * Other buckets with a rule file that a store may read the request as: those of shorter host suffixes, and that of
       * the first path segment. Their rules have to allow what this bucket's allow. A name that is only close to a
       * bucket's is among them: no rules speak for it.
       */
      readonly others: readonly string[]
      readonly target: string
      readonly path: string
      readonly query: string
      /** The bucket itself, not an object in it. */
      readonly onBucket: boolean
    }
  | {
      /** `service`: the root of the endpoint (ListBuckets, STS). `none`: something that cannot be a bucket. */
      readonly kind: 'service' | 'none'
      /** The bucket with a rule file that the name differs from by case or trailing dots only. */
      readonly closeTo?: string
      readonly target: string
      readonly path: string
      readonly query: string
    }
  | {
      readonly kind: 'refused'
      readonly defect: RequestDefect
      readonly path: string
      /** The bucket, where Host named one beyond doubt. */
      readonly name: string | undefined
    }

const noOthers: readonly string[] = []

const bucketName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/

/** Whether `name` can be a bucket: 1 to 63 of `A-Z a-z 0-9 . _ -`, starting with a letter or digit. */
export const isBucketName = (name: string): boolean => bucketName.test(name)

const refused = (message: string, path: string, name?: string): Address => ({
  kind: 'refused',
  defect: { status: 400, code: 'InvalidURI', message },
  path,
  name,
})

/**
 * `name` as stores on file systems that ignore case (Windows, macOS, many NAS) may see it: they fold letters, ignore
 * trailing dots and spaces, and some ignore invisible characters.
 */
export const foldedName = (name: string): string =>
  (/[^!-~]/.test(name) ? name.normalize('NFKC').replace(/\p{Default_Ignorable_Code_Point}/gu, '') : name)
    .toLowerCase()
    .replace(/[. ]+$/, '')

/**
 * Finds the bucket of a request: a rule file's host, a host suffix, else the first path segment. Nothing is
 * normalised: a request that a store could resolve to another bucket than the one read here is refused, or lists the
 * other bucket in `others`.
 */
export function resolveAddress(facts: RequestFacts, endpoints: Endpoints): Address {
  const target = originForm(facts.target, facts.host ?? '')
  if (target === undefined)
    return refused('The request target is not a path on the host that Host names.', '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const unsafe = unsafePath(path) ?? (target.includes('#') ? 'a fragment' : undefined)

  const names = hosted(facts.host ?? '', endpoints)
  if (names === undefined)
    return refused(
      'The Host header names a bucket only after its case, trailing dot or port is changed.',
      path,
    )
  const [name] = names
  if (unsafe !== undefined) {
    const named = name !== undefined && isBucketName(name) ? name : undefined
    return refused(`The request target contains ${unsafe}.`, path, named)
  }
  if (name === undefined) return pathStyle(target, path, query, endpoints)
  if (!isBucketName(name)) return { kind: 'none', target, path, query }
  const closeTo = closeName(name, endpoints)
  if (closeTo !== undefined) return { kind: 'none', closeTo, target, path, query }
  const others = otherBuckets(name, [...names.slice(1), firstSegment(path)], endpoints)
  return { kind: 'bucket', name, byHost: true, others, target, path, query, onBucket: path === '/' }
}

/** Those of `names` that are, or are close to, a bucket with a rule file, `name` apart. */
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
  if (name === undefined || !isBucketName(name)) return { kind: 'none', target, path, query }
  const closeTo = closeName(name, endpoints)
  if (closeTo !== undefined) return { kind: 'none', closeTo, target, path, query }
  const onBucket = slash < 0 || slash === path.length - 1
  return { kind: 'bucket', name, byHost: false, others: noOthers, target, path, query, onBucket }
}

/**
 * The bucket that a store in path style may read from `path`, for comparison only: stores merge slashes (nginx), decode
 * before they split, and cut at ";" (Tomcat) or ":" (NTFS streams).
 */
function firstSegment(path: string): string {
  const plain = path.includes('%') ? (decoded(path) ?? path.replace(/%[0-9a-f]{2}/gi, decodedAscii)) : path
  return /^[/\\]*([^/\\;:\0]*)/.exec(plain)?.[1] ?? ''
}

const decodedAscii = (sent: string): string => decoded(sent) ?? sent

function decoded(segment: string): string | undefined {
  try {
    return decodeURIComponent(segment)
  } catch {
    return undefined
  }
}

/** Host without port and trailing dot, in lower case; the brackets of an IPv6 address stay. */
export function hostName(host: string): string {
  const colon = host.lastIndexOf(':')
  const name = colon > host.lastIndexOf(']') ? host.slice(0, colon) : host
  return (name.endsWith('.') ? name.slice(0, -1) : name).toLowerCase()
}

/**
 * What Host says the bucket is, in the order of preference; empty when it names none. `undefined`: it would name one
 * only if it was normalised, which the store may do or not (MinIO compares Host as it came with its MINIO_DOMAIN).
 */
function hosted(sent: string, endpoints: Endpoints): readonly string[] | undefined {
  // With path-style addresses alone, Host says nothing.
  if (endpoints.hosts.size === 0 && endpoints.suffixes.length === 0) return noOthers
  const name = hostName(sent)
  const names = namesIn(name, endpoints)
  if (names.length === 0) return noOthers
  const rest = sent.slice(name.length)
  const isAsSent = rest === '' || /^:[1-9][0-9]*$/.test(rest)
  if (!isAsSent) return undefined
  if (sent.startsWith(name)) return names
  // Letters that are not lower case may stand before a suffix: there the name is read as it was sent.
  const exact = namesIn(sent.slice(0, name.length), endpoints)
  const [first] = exact
  const isSame = first !== undefined && first.toLowerCase() === names[0]
  return isSame && closeName(first, endpoints) === undefined ? exact : undefined
}

/** The bucket with a rule file that `name` is close to, but is not. */
const closeName = (name: string, { buckets, foldedNames }: Endpoints): string | undefined =>
  buckets.has(name) ? undefined : foldedNames.get(foldedName(name))

/** The bucket of a `hosts:` entry, then the labels before the suffixes that fit, that of the longest first. */
function namesIn(host: string, { hosts, suffixes }: Endpoints): readonly string[] {
  const own = hosts.get(host)
  const labels = suffixes
    .filter((suffix) => host.endsWith(`.${suffix}`))
    .sort((one, other) => other.length - one.length)
    .map((suffix) => host.slice(0, -suffix.length - 1))
  return own === undefined ? labels : [own, ...labels]
}

/**
 * The target in origin-form. An absolute-form target is cut, not parsed (a parser would resolve dot segments), and
 * only when its authority is the Host (RFC 9112 section 3.2.2).
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

/** What makes a path unsafe to pass on, in words; `undefined` when nothing does. */
function unsafePath(path: string): string | undefined {
  if (/[^!-~]/.test(path)) return 'a character that must be percent-encoded'
  if (path.includes('\\')) return 'a backslash'
  if (path.includes('%') && /%(?![0-9a-f]{2})/i.test(path)) return 'a percent sign that encodes nothing'
  if (path.includes('.') || path.includes('%')) {
    // Stores differ in what separates segments once they have decoded the path, and in what follows a ";".
    const plain = path.replace(/%2e/gi, '.').replace(/%(?:2f|5c)/gi, '/')
    if (/\/\.{1,2}(?:[/;]|%3b|$)/i.test(plain)) return 'a dot segment'
  }
  return undefined
}
