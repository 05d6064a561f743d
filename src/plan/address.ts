import type { RequestDefect, RequestFacts } from '../http.ts'

/** Host names by which buckets are known, all lower case and without port. */
export interface Endpoints {
  /** `hosts:` entries of the rule files, to the bucket's name. */
  readonly hosts: ReadonlyMap<string, string>
  /** `--host-suffix` names: `BUCKET.NAME` in Host names the bucket. */
  readonly suffixes: readonly string[]
}

/** What a request is addressed to. `target` is what is forwarded; the bucket is read from exactly those bytes. */
export type Address =
  | {
      readonly kind: 'bucket'
      readonly name: string
      /** Host named the bucket, so letter case does not matter. */
      readonly byHost: boolean
      readonly target: string
      readonly path: string
      readonly query: string
      /** The bucket itself, not an object in it. */
      readonly onBucket: boolean
    }
  | {
      /** `service`: the root of the endpoint (ListBuckets, STS). `none`: something that cannot be a bucket. */
      readonly kind: 'service' | 'none'
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
 * Finds the bucket of a request: a rule file's host, a host suffix, else the first path segment. Nothing is
 * normalised: a target that a store could resolve to another bucket than the one read here is refused.
 */
export function resolveAddress(facts: RequestFacts, endpoints: Endpoints): Address {
  const target = originForm(facts.target, facts.host ?? '')
  if (target === undefined)
    return refused('The request target is not a path on the host that Host names.', '')
  const mark = target.indexOf('?')
  const path = mark < 0 ? target : target.slice(0, mark)
  const query = mark < 0 ? '' : target.slice(mark + 1)
  const unsafe = unsafePath(path) ?? (target.includes('#') ? 'a fragment' : undefined)

  const name = hosted(facts.host ?? '', endpoints)
  if (unsafe !== undefined) {
    const named = name !== undefined && isBucketName(name) ? name : undefined
    return refused(`The request target contains ${unsafe}.`, path, named)
  }
  if (name === undefined) return pathStyle(target, path, query)
  return isBucketName(name)
    ? { kind: 'bucket', name, byHost: true, target, path, query, onBucket: path === '/' }
    : { kind: 'none', target, path, query }
}

function pathStyle(target: string, path: string, query: string): Address {
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
  const onBucket = slash < 0 || slash === path.length - 1
  return { kind: 'bucket', name, byHost: false, target, path, query, onBucket }
}

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

/** What Host says the bucket is, `undefined` when it names none. */
function hosted(sent: string, { hosts, suffixes }: Endpoints): string | undefined {
  // With path-style addresses alone, Host says nothing.
  if (hosts.size === 0 && suffixes.length === 0) return undefined
  const host = hostName(sent)
  return hosts.get(host) ?? suffixLabel(sent, host, suffixes)
}

/** The label before the longest suffix that fits, spelled as Host spells it. */
function suffixLabel(sent: string, host: string, suffixes: readonly string[]): string | undefined {
  let longest = ''
  for (const suffix of suffixes)
    if (
      suffix.length > longest.length &&
      host.endsWith(suffix) &&
      host.charAt(host.length - suffix.length - 1) === '.'
    )
      longest = suffix
  return longest === '' ? undefined : sent.slice(0, host.length - longest.length - 1)
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
