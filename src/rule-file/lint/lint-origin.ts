/** Finds AllowedOrigin entries that load but allow more than they seem to, or can never match. */

import { parse } from 'tldts'
import { admitsAnyHost, fileOrigin } from '../../cors/pattern.ts'
import { quoted } from '../../text/visible.ts'
import { type Remedy, replaceBy } from '../issue.ts'
import { isPlaceholder, type OriginParts, originProblem, readParts } from '../origin-entry.ts'
import { type FindingCode, type Rated, rated } from './codes.ts'

/** A finding about one value, without its position. */
interface Remark extends Rated {
  readonly message: string
  readonly remedy?: Remedy
}

const remark = (code: FindingCode, message: string, remedy?: Remedy): Remark => ({
  ...rated(code),
  message,
  ...(remedy === undefined ? {} : { remedy }),
})

const label = '[a-z0-9](?:[a-z0-9-]*[a-z0-9])?'

/**
 * The common case, an https site by its name: it has no findings, browsers send it, and it is not open. Speeds up
 * large files.
 */
const usual = new RegExp(`^https://(?:${label}\\.)+(?!localhost$)[a-z]+$`)

export const isUsualOrigin = (entry: string): boolean => usual.test(entry)

/** All findings about `entry`, which has no errors. */
export function remarksOnOrigin(entry: string): Remark[] {
  if (entry === '*') return []
  if (entry === 'null')
    return [
      remark(
        'origin-null-prohibited',
        '"null" allows every sandboxed frame, local file and redirected request of any site: name the origins instead',
      ),
    ]
  if (entry === fileOrigin)
    return [
      remark(
        'origin-file',
        '"file://" is what pages from the file system send in Android WebView and other web views, including pages that other apps stored there; credentials are not allowed for it: serve the page from an https:// or app:// address',
      ),
    ]
  const parts = readParts(entry)
  if (parts === undefined) return remarksWithoutScheme(entry)
  if (isSchemeNeverSent(parts))
    return [
      remark(
        'origin-scheme-never-sent',
        `no page has an origin with the scheme ${parts.scheme}: write http or https`,
        parts.scheme === 'wss' ? replaceBy(entry.replace('wss://', 'https://')) : undefined,
      ),
    ]
  if (hasHyphenLabel(parts))
    return [
      remark(
        'origin-label-hyphen',
        `${quoted(entry)} can never match: no label of a host starts or ends with a hyphen`,
      ),
    ]
  if (letsAnyHostIn(entry, parts))
    return [
      remark(
        'origin-pattern-matches-any-host',
        `${quoted(entry)} allows every host without credentials, like "*": name the hosts, or write "*"`,
      ),
    ]
  return [...remarksOnScheme(entry, parts), ...remarksOnHost(entry, parts)]
}

/** Whether no page can ever send an origin that `entry` matches. */
export function isNeverSentOrigin(entry: string): boolean {
  const parts = readParts(entry)
  if (parts === undefined) return entry !== 'null' && canNeverHaveScheme(entry)
  return isSchemeNeverSent(parts) || hasHyphenLabel(parts)
}

const isSchemeNeverSent = ({ scheme }: OriginParts): boolean => /^(?:wss?|ftp)$/.test(scheme)

/** RFC 952 and RFC 1123 section 2.1. Hosts of app schemes are not DNS names. */
const hasHyphenLabel = ({ scheme, host }: OriginParts): boolean =>
  /^http|\*/.test(scheme) && host.split('.').some((name) => name.startsWith('-') || name.endsWith('-'))

/**
 * Whether an entry without "://" cannot match any origin with a scheme, because it has no `*`, or because the text
 * before its `*` cannot start a scheme: it contains the dot of a host name, for example, or ends with the colon of a
 * port.
 */
function canNeverHaveScheme(entry: string): boolean {
  const star = entry.indexOf('*')
  if (star < 0) return true
  const before = entry.slice(0, star)
  return before === 'localhost' || /[.\]]/.test(before) || (before.endsWith(':') && !/^https?:$/.test(before))
}

/** Whether `entry` allows every web origin. */
export const isOpenOrigin = (entry: string): boolean => {
  const parts = readParts(entry)
  return entry === '*' || (parts === undefined ? letsAnyUrlIn(entry) : letsAnyHostIn(entry, parts))
}

const letsAnyHostIn = (entry: string, { host }: OriginParts): boolean =>
  admitsAnyHost(entry) || /^\[?\*\]?\.?$/.test(host)

/** `h*` and the like: every web origin starts with the text before the `*`. */
function letsAnyUrlIn(entry: string): boolean {
  const before = entry.endsWith('*') ? entry.slice(0, -1) : undefined
  return before !== undefined && ('https://'.startsWith(before) || 'http://'.startsWith(before))
}

function remarksWithoutScheme(entry: string): Remark[] {
  if (letsAnyUrlIn(entry))
    return [
      remark(
        'origin-pattern-matches-any-host',
        `${quoted(entry)} allows every host without credentials, like "*": name the hosts, or write "*"`,
      ),
    ]
  const better = withScheme(entry)
  const remedy = better === undefined ? undefined : replaceBy(better)
  if (canNeverHaveScheme(entry))
    return [
      remark(
        'origin-without-scheme',
        isPlaceholder(entry)
          ? `${quoted(entry)} is a template placeholder and can never match: write the origin of the page, e.g. https://app.example.com`
          : `${quoted(entry)} has no scheme, but browsers always send one, so it can never match${better === undefined ? ': write an origin such as https://app.example.com' : `: write ${quoted(better)}`}`,
        remedy,
      ),
    ]
  return [
    remark(
      'origin-pattern-without-scheme',
      `${quoted(entry)} has no scheme, so it also matches http:// and any other scheme${better === undefined ? ': start it with https://' : `: write ${quoted(better)}`}`,
      remedy,
    ),
    ...remarksOnHostAfterAnyScheme(entry),
  ]
}

/** If the `*` also covers the scheme, the rest of the host can still be a zone that is open to everyone. */
function remarksOnHostAfterAnyScheme(entry: string): Remark[] {
  const before = entry.slice(0, entry.indexOf('*'))
  if (!'https://'.startsWith(before) && !'http://'.startsWith(before)) return []
  const parts = readParts(`https://${entry.slice(before.length)}`)
  return parts === undefined ? [] : remarksOnPattern(entry, parts.host)
}

/** The origin that was probably meant; `undefined` when it is not clear. */
function withScheme(entry: string): string | undefined {
  if (/^\.[a-z0-9-]+(?:\.[a-z0-9-]+)+$/.test(entry)) return `https://*${entry}`
  if (/^localhost(?::(?:[0-9]+|\*))?$/.test(entry)) return loadable(`http://${entry}`)
  return /^(?:\*?[a-z0-9-]*\*?\.)?[a-z0-9-]+(?:\.[a-z0-9*-]+)+(?::(?:[0-9]+|\*))?$/.test(entry)
    ? loadable(`https://${entry}`)
    : undefined
}

/** `undefined` when the suggestion would have a mistake of its own. */
const loadable = (origin: string): string | undefined => {
  const parts = readParts(origin)
  return originProblem(origin) === undefined && parts !== undefined && !hasHyphenLabel(parts)
    ? origin
    : undefined
}

function remarksOnScheme(entry: string, { scheme, host }: OriginParts): Remark[] {
  if (scheme.includes('*'))
    return [
      remark(
        'origin-wildcard-in-scheme',
        `${quoted(entry)} matches http:// too: write ${quoted(`https://${entry.slice(scheme.length + 3)}`)}`,
        replaceBy(`https://${entry.slice(scheme.length + 3)}`),
      ),
    ]
  if (scheme !== 'http' || isLocal(host)) return []
  return [
    remark(
      'origin-insecure-with-credentials',
      `${quoted(entry)}: anyone on the network path can change a page that is served over http; serve the page over https`,
    ),
  ]
}

/**
 * Hosts that browsers trust without TLS (https://w3c.github.io/webappsec-secure-contexts/#is-origin-trustworthy).
 */
const isLocal = (host: string): boolean => /^(?:(?:.*\.)?localhost\.?|127\.[0-9.*]+|\[::1\])$/.test(host)

function remarksOnHost(entry: string, { scheme, host }: OriginParts): Remark[] {
  if (host.includes('*')) return remarksOnPattern(entry, host)
  // capacitor://localhost and similar are the origins of installed apps, in production too.
  if (isLocal(host) && !/^https?$/.test(scheme)) return []
  if (isLocal(host))
    return [
      remark(
        'origin-localhost',
        `${quoted(entry)}: any program on that port of a visitor's machine is allowed; keep it out of production`,
      ),
    ]
  if (!isPrivate(host)) return []
  return [
    remark(
      'origin-private-range',
      `${quoted(entry)} is a private address: in another network it is a different machine; write a host name with a certificate`,
    ),
  ]
}

/** RFC 1918, RFC 3927, RFC 4193, RFC 4291 section 2.5.6. */
const isPrivate = (host: string): boolean =>
  /^(?:10\.|192\.168\.|172\.(?:1[6-9]|2[0-9]|3[01])\.|169\.254\.)[0-9.]+$/.test(host) ||
  /^\[f(?:[cd]|e[89ab])[0-9a-f:]*\]$/.test(host)

function remarksOnPattern(entry: string, host: string): Remark[] {
  const star = host.indexOf('*')
  const tail = host.slice(star + 1).replace(/\.$/, '')
  if (tail === '')
    return [
      remark(
        'origin-trailing-wildcard-open-suffix',
        `${quoted(entry)} also matches ${quoted(entry.replace('*', `${host[star - 1] === '.' ? '' : '.'}evil.example`))}: do not put the * at the end of the host`,
      ),
    ]
  const dot = tail.indexOf('.')
  const zone = tail.slice(dot + 1)
  if (tail.startsWith('.')) {
    if (!isOpenZone(zone)) return []
    return [
      remark(
        'origin-pattern-public-suffix',
        `${quoted(entry)}: anyone can get a name below ${zone}, a public suffix: list your own names`,
      ),
    ]
  }
  // All names inside a zone with a single owner belong to that owner.
  if (dot >= 0 && !isOpenZone(zone)) return []
  const meant = onLabelBoundary(entry, tail)
  const advice =
    meant === undefined
      ? 'list the hosts, or write the * followed by a dot and a name that only you own'
      : `write ${meant.map((origin) => quoted(origin)).join(' and ')}`
  return [
    remark(
      'origin-wildcard-not-on-label-boundary',
      `${quoted(entry)} also matches ${quoted(entry.replace('*', 'evil'))}: ${advice}`,
      meant === undefined ? undefined : replaceBy(...meant),
    ),
  ]
}

/**
 * `https://*example.com` was probably meant for the domain and its subdomains. At a hosting service such as
 * vercel.app, names are single labels (`pr-1-myteam`), and a pattern with a dot would match none of them.
 */
function onLabelBoundary(entry: string, tail: string): readonly string[] | undefined {
  const zone = tail.slice(tail.indexOf('.') + 1)
  if (!entry.startsWith(`https://*${tail}`) || !/^[a-z0-9]/.test(tail) || !tail.includes('.'))
    return undefined
  if (
    isOpenZone(tail) ||
    endpoint.test(zone) ||
    parse(`name.${zone}`, { allowPrivateDomains: true }).isPrivate === true
  )
    return undefined
  return [entry.replace('*', ''), entry.replace('*', '*.')]
}

/** Vendor endpoints that are missing from the public suffix list: every name below them is a customer's bucket. */
const endpoint =
  /^(?:(?:(?:(?:cos(?:-website|-internal)?|ci|pic|file)\.)?[a-z]{2}-[a-z0-9-]+\.)?myqcloud|(?:oss-[a-z0-9-]+\.)?aliyuncs|amazonaws)\.com$/

/** Cache: rule files repeat the same few zones. */
const lookedUp = new Map<string, boolean>()
const maxLookedUp = 1000

/** Whether anyone can register a name directly below `zone`. */
function isOpenZone(zone: string): boolean {
  const known = lookedUp.get(zone)
  if (known !== undefined) return known
  if (lookedUp.size >= maxLookedUp) lookedUp.clear()
  const isOpen = endpoint.test(zone) || isPublicSuffix(zone)
  lookedUp.set(zone, isOpen)
  return isOpen
}

function isPublicSuffix(zone: string): boolean {
  const options = { allowPrivateDomains: true }
  const own = parse(zone, options)
  if (own.publicSuffix === zone && (own.isIcann === true || own.isPrivate === true)) return true
  // With rules such as "*.compute.amazonaws.com", every name below is a public suffix.
  const below = parse(`name.${zone}`, options)
  return below.publicSuffix === `name.${zone}` && (below.isIcann === true || below.isPrivate === true)
}
