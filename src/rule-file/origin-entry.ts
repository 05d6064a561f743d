/**
 * Checks AllowedOrigin entries. Errors are entries that look like a URL but that no browser sends: with a path, a
 * user, the default port, upper case … The vendors store an entry without "://" as it is and match it as text.
 */

import { fileOrigin, isSerializedOrigin, maxOriginLength } from '../cors/pattern.ts'
import { quoted } from '../text/visible.ts'
import { type EntryProblem, firstForeign } from './entry.ts'
import { type Remedy, replaceBy } from './issue.ts'

/** The parts of an entry with "://". Any of them may contain a `*`. */
export interface OriginParts {
  readonly scheme: string
  /** Includes the brackets of an IPv6 address. */
  readonly host: string
  /** Absent when no colon follows the host. */
  readonly port: string | undefined
}

const defaultPorts: Readonly<Record<string, string>> = {
  http: '80',
  https: '443',
  ws: '80',
  wss: '443',
  ftp: '21',
}

/** Splits an entry; `undefined` without "://". Ignores what follows the authority. */
export function readParts(entry: string): OriginParts | undefined {
  const mark = entry.indexOf('://')
  if (mark < 0) return undefined
  const authority = authorityOf(entry.slice(mark + 3))
  const colon = authority.lastIndexOf(':')
  const split = colon > authority.lastIndexOf(']')
  return {
    scheme: entry.slice(0, mark),
    host: split ? authority.slice(0, colon) : authority,
    port: split ? authority.slice(colon + 1) : undefined,
  }
}

/**
 * Whether browsers parse the host. They do for special schemes (https://url.spec.whatwg.org/#special-scheme), which a
 * scheme with a `*` can match, and leave the host of an app or extension as it is.
 */
const mayBeSpecialScheme = (scheme: string): boolean =>
  scheme.includes('*') || Object.hasOwn(defaultPorts, scheme)

const authorityOf = (rest: string): string => /^[^/?#]*/.exec(rest)?.[0] ?? ''

/** The common case, recognised by one regular expression: it passes every check below. */
const usual = /^https?:\/\/(?:\*\.)?(?:[a-z0-9-]+\.)+[a-z]+$/

/** Why `entry` cannot be loaded; `undefined` when it can. */
export function originProblem(entry: string): EntryProblem | undefined {
  if (entry === '*' || (entry.length <= 253 && usual.test(entry))) return undefined
  return textProblem(entry) ?? wildcardProblem(entry) ?? urlProblem(entry)
}

function textProblem(entry: string): EntryProblem | undefined {
  if (entry === '')
    return {
      code: 'origin-empty',
      message: 'the origin is empty: write one such as https://example.com, or remove the item',
    }
  if (entry.length > maxOriginLength)
    return {
      code: 'origin-too-long',
      message: `an origin can have at most ${maxOriginLength} characters, this one has ${entry.length}`,
    }
  if (/[\u0000-\u001f\u007f]/.test(entry))
    return {
      code: 'origin-control-character',
      message: `${quoted(entry)} contains a control character or line break: remove it, and write one origin per item`,
    }
  if (/[^ -~]/.test(entry))
    return {
      code: 'origin-not-ascii',
      message: `${quoted(entry)} contains ${firstForeign(entry, /[ -~]/)}; browsers send ASCII only${instead(entry)}`,
      ...remedyFor(entry),
    }
  if (entry.includes(','))
    return {
      code: 'origin-list-in-one-value',
      message: `${quoted(entry)} contains a comma: write one origin per list item`,
      ...partsOfList(entry),
    }
  if (/["'<>\\^`{|}$]/.test(entry)) return foreign(entry, /[^"'<>\\^`{|}$]/)
  if (entry.includes(' '))
    return {
      code: 'origin-whitespace',
      message: `${quoted(entry)} contains a space: ${entry.trim().includes(' ') ? 'write one origin per list item' : `write ${quoted(entry.trim())}`}`,
      ...partsOfList(entry),
    }
  return undefined
}

/** Usually an unrendered Helm or shell template, or a regular expression. */
function foreign(entry: string, allowed: RegExp): EntryProblem {
  const template = /\{\{|\$\{|\$[A-Z]|<[^>]*>/.test(entry)
    ? ': this is an unrendered template'
    : regularExpression(entry)
  return {
    code: 'origin-invalid-character',
    message: `${quoted(entry)} contains ${firstForeign(entry, allowed)}, which no origin has${template}`,
  }
}

const regularExpression = (entry: string): string =>
  /^\^|\$$|\\|[()|]/.test(entry) ? '; regular expressions are not supported: only * has a meaning' : ''

/** The remedy that splits a list of origins in one text; none when a part of it is not an origin. */
function partsOfList(entry: string): { readonly remedy?: Remedy } {
  const values = entry.split(/[\s,]+/).filter((part) => part !== '')
  return values.length > 0 &&
    values.every((value) => value.includes('://') && originProblem(value) === undefined)
    ? { remedy: replaceBy(...values) }
    : {}
}

/** `YOUR_APP_DOMAIN`, `YOUR-DOMAIN.com`, `__WORKER_ORIGIN__`: a placeholder that must be replaced. */
const placeholderName = /^_*(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|(?:YOUR|MY)[-_.][A-Za-z0-9._-]+)_*$/

/** Whether `entry`, with or without a scheme, is a placeholder of a template. */
export const isPlaceholder = (entry: string): boolean =>
  placeholderName.test(
    entry.slice(entry.indexOf('://') < 0 ? 0 : entry.indexOf('://') + 3).replace(/:[0-9]+$/, ''),
  )

/** The wording of S3's answer to PutBucketCors. */
function wildcardProblem(entry: string): EntryProblem | undefined {
  if (entry.indexOf('*') === entry.lastIndexOf('*')) return undefined
  return {
    code: 'origin-more-than-one-wildcard',
    message: `AllowedOrigin ${quoted(entry)} can not have more than one wildcard`,
  }
}

function urlProblem(entry: string): EntryProblem | undefined {
  const parts = readParts(entry)
  if (entry === fileOrigin) return undefined
  if (parts === undefined) return /[!%&();=]/.test(entry) ? foreign(entry, /[^!%&();=]/) : undefined
  return (
    schemeProblem(entry, parts) ??
    authorityProblem(entry, parts) ??
    hostProblem(entry, parts) ??
    portProblem(entry, parts) ??
    (entry.includes('*') || isSerializedOrigin(entry) ? undefined : foreign(entry, /[a-z0-9.:/_-]/))
  )
}

function schemeProblem(entry: string, { scheme }: OriginParts): EntryProblem | undefined {
  if (/^file$/i.test(scheme))
    return {
      code: 'origin-file-prohibited',
      message: `${quoted(entry)} can never match: a page from a file sends the origin "null", or in some web views "file://"; serve it from http://localhost instead`,
    }
  if (/^[a-z*][a-z0-9+.*-]*$/i.test(scheme)) return undefined
  return {
    code: 'origin-invalid-character',
    message: `${quoted(entry)}: ${quoted(scheme)} is not a scheme${instead(entry)}`,
  }
}

function authorityProblem(entry: string, { scheme, host }: OriginParts): EntryProblem | undefined {
  const rest = entry.slice(scheme.length + 3)
  const authority = authorityOf(rest)
  const after = rest.slice(authority.length)
  if (authority.includes('@'))
    return {
      code: 'origin-has-userinfo',
      message: `${quoted(entry)}: an origin has no user${instead(entry)}`,
      ...remedyFor(entry),
    }
  if (/^[?#]/.test(after))
    return {
      code: 'origin-has-query-or-fragment',
      message: `${quoted(entry)}: an origin has no query and no fragment, and ? is not a wildcard${instead(entry)}`,
      ...remedyFor(entry),
    }
  if (after !== '')
    return {
      code: 'origin-has-path',
      message: `${quoted(entry)}: an origin has no path, not even a trailing slash${instead(entry)}`,
      ...remedyFor(entry),
    }
  if (host === '')
    return {
      code: 'origin-without-host',
      message: `${quoted(entry)}: the host is missing: write one such as https://example.com`,
    }
  // An app may really be named MY_APP.
  if (isPlaceholder(entry) && (mayBeSpecialScheme(scheme) || /YOUR/.test(entry)))
    return {
      code: 'origin-placeholder',
      message: `${quoted(entry)} is a template placeholder: write the origin of the page, e.g. https://app.example.com`,
    }
  if (/[A-Z]/.test(mayBeSpecialScheme(scheme) ? entry : scheme))
    return {
      code: 'origin-upper-case',
      message: `${quoted(entry)} can never match: browsers send lower case${instead(entry)}`,
      ...remedyFor(entry),
    }
  return undefined
}

function hostProblem(entry: string, { scheme, host }: OriginParts): EntryProblem | undefined {
  if (host.startsWith('[')) return ipv6Problem(entry, host)
  // The origin of Electron's own pages.
  if (host === '.' && !mayBeSpecialScheme(scheme)) return undefined
  const hostForm = mayBeSpecialScheme(scheme) ? /[a-z0-9._*-]/ : /[A-Za-z0-9._*-]/
  if ([...host].some((character) => !hostForm.test(character))) return foreign(entry, /[A-Za-z0-9._*:/-]/)
  const labels = (host.endsWith('.') ? host.slice(0, -1) : host).split('.')
  if (labels.includes(''))
    return {
      code: 'origin-empty-label',
      message: `${quoted(entry)}: the host has an empty label between its dots${host.startsWith('.') ? `; for subdomains write ${quoted(entry.replace('://.', '://*.'))}` : ''}`,
      ...(host.startsWith('.') && originProblem(entry.replace('://.', '://*.')) === undefined
        ? { remedy: replaceBy(entry.replace('://.', '://*.')) }
        : {}),
    }
  if (host.length > 253)
    return {
      code: 'origin-too-long',
      message: `a host name can have at most 253 characters, this one has ${host.length}`,
    }
  // Browsers read a host whose last label is a number as an IPv4 address
  // (https://url.spec.whatwg.org/#ends-in-a-number-checker), except with the scheme of an app or extension.
  if (
    !Object.hasOwn(defaultPorts, scheme) ||
    host.includes('*') ||
    !/^(?:[0-9]+|0x[0-9a-f]*)$/.test(labels.at(-1) ?? '')
  )
    return undefined
  const canonical = canonicalHost(host)
  if (canonical === host) return undefined
  return {
    code: 'origin-ipv4-not-canonical',
    message: `${quoted(entry)}: browsers write an IPv4 address as four decimal numbers${canonical === undefined ? '' : `; write ${canonical}`}`,
    ...remedyFor(entry),
  }
}

function ipv6Problem(entry: string, host: string): EntryProblem | undefined {
  if (/^\[[0-9a-f:.]*\*[0-9a-f:.]*\]$/.test(host)) return undefined
  const canonical = canonicalHost(host)
  if (canonical === host) return undefined
  if (canonical === undefined)
    return {
      code: 'origin-invalid-character',
      message: `${quoted(entry)}: ${quoted(host)} is not an IPv6 address`,
    }
  return {
    code: 'origin-ipv6-not-compressed',
    message: `${quoted(entry)} can never match: browsers write this address as ${canonical}${instead(entry)}`,
    ...remedyFor(entry),
  }
}

function portProblem(entry: string, { scheme, port }: OriginParts): EntryProblem | undefined {
  if (port === undefined || /^[0-9]{0,4}\*[0-9]{0,4}$/.test(port)) return undefined
  if (!/^[1-9][0-9]{0,4}$/.test(port) || Number(port) > 65535)
    return {
      code: 'origin-bad-port',
      message: `${quoted(entry)}: ${quoted(port)} is not a port from 1 to 65535${port === '' ? '; remove the colon' : ''}`,
    }
  if (defaultPorts[scheme] !== port) return undefined
  return {
    code: 'origin-default-port',
    message: `${quoted(entry)} can never match: browsers omit the default port; write ${quoted(entry.slice(0, -port.length - 1))}`,
    remedy: replaceBy(entry.slice(0, -port.length - 1)),
  }
}

/** The host in the form that browsers send; `undefined` when it is invalid. */
function canonicalHost(host: string): string | undefined {
  const url = URL.parse(`http://${host}/`)
  return url === null || url.hostname === '' ? undefined : url.hostname
}

/** Replaces the `*` while the rest of an entry is made canonical. A label that no real host has. */
const placeholder = 'wildcard0placeholder'

/** `; write "…"` with all mistakes corrected, or nothing when the correction is not clear. */
function instead(entry: string): string {
  const corrected = correctedOrigin(entry)
  return corrected === undefined ? '' : `; write ${quoted(corrected)}`
}

function remedyFor(entry: string): { readonly remedy?: Remedy } {
  const corrected = correctedOrigin(entry)
  return corrected === undefined ? {} : { remedy: replaceBy(corrected) }
}

/** `entry` in the form that browsers send; `undefined` when that is not clear, or is `entry` itself. */
export function correctedOrigin(entry: string): string | undefined {
  const url = URL.parse(entry.replace('*', placeholder))
  if (url === null) return undefined
  // URL.parse treats the origin of an app as opaque.
  const origin = url.origin === 'null' ? `${url.protocol}//${url.host}` : url.origin
  if (!isSerializedOrigin(origin)) return undefined
  const corrected = origin.replace(placeholder, '*')
  return corrected === entry ||
    wildcardProblem(corrected) !== undefined ||
    originProblem(corrected) !== undefined
    ? undefined
    : corrected
}
