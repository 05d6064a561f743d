/**
 * Checks of single values of a rule, other than origins: rejects what no vendor stores and what could inject a
 * header.
 */

import { fetchMethod } from '../cors/method.ts'
import { corsMethods, isAllowable, type Matching } from '../cors/rule.ts'
import { quoted } from '../text/visible.ts'
import { type Remedy, removal, replaceBy } from './issue.ts'
import type { FindingCode } from './lint/codes.ts'

/** What is wrong with one value; always an error. `message` says what to write instead. */
export interface EntryProblem {
  readonly code: FindingCode
  readonly message: string
  readonly remedy?: Remedy
}

/** Longest rule id, in characters (S3 API, CORSRule). */
const maxIdLength = 255

/** Names the first character of `value` that `allowed` does not match, in a form that shows invisible ones too. */
export function firstForeign(value: string, allowed: RegExp): string {
  const found = [...value].find((character) => !allowed.test(character)) ?? ''
  if (found === ' ') return 'a space'
  const number = (found.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')
  return /[\p{C}\p{Z}]/u.test(found) ? `U+${number}` : `${JSON.stringify(found)} (U+${number})`
}

const methodHints: Readonly<Record<string, string>> = {
  OPTIONS:
    'remove it, because the preflight itself needs no permission; list the methods of the requests that follow it',
  PATCH:
    'COS, OSS and S3 rules allow only GET, PUT, POST, DELETE and HEAD; for other stores write "dialect: http"',
  TRACE: 'browsers never send it (Fetch: forbidden method)',
  TRACK: 'browsers never send it (Fetch: forbidden method)',
  CONNECT: 'browsers never send it (Fetch: forbidden method)',
  '*': 'name the methods: GET, PUT, POST, DELETE, HEAD',
}

export function methodProblem(method: string, matching: Matching): EntryProblem {
  const code = 'method-unsupported'
  const upper = method.trim().toUpperCase()
  const known: readonly string[] = corsMethods
  const isMiswritten =
    matching.methods === 'stored'
      ? known.includes(upper)
      : isAllowable(upper, matching) && fetchMethod(upper.toLowerCase()) === upper
  const remedy = isMiswritten ? replaceBy(upper) : upper === 'OPTIONS' ? removal : undefined
  // A preflight needs no permission, so removing OPTIONS loses nothing.
  const rest = remedy === undefined ? {} : { remedy }
  const shown = quoted(method).slice(1, -1)
  if (matching.methods === 'sendable') {
    const hint = isMiswritten
      ? `write ${upper}`
      : (sendableHints[upper] ?? 'write a name such as GET or PROPFIND')
    return { code, message: `no page can send the method ${shown}: ${hint}`, ...rest }
  }
  const hint = isMiswritten
    ? `write ${upper}`
    : (methodHints[upper] ?? 'write one of GET, PUT, POST, DELETE, HEAD')
  // What S3 answers to PutBucketCors.
  const message = `Found unsupported HTTP method in CORS config. Unsupported method is ${shown}: ${hint}`
  return { code, message, ...rest }
}

const forbiddenMethod = 'browsers never send it (Fetch: forbidden method); remove it'

const sendableHints: Readonly<Record<string, string>> = {
  TRACE: forbiddenMethod,
  TRACK: forbiddenMethod,
  CONNECT: forbiddenMethod,
  '*': 'name each method, for example GET, PUT, PROPFIND',
}

/** A token (RFC 9110 section 5.6.2). */
const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const tokenCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/

/** Checks an AllowedHeader entry: a header name with at most one `*`. */
export function allowedHeaderProblem(entry: string): EntryProblem | undefined {
  const problem = headerNameProblem(entry)
  if (problem !== undefined) return problem
  if (entry.indexOf('*') === entry.lastIndexOf('*')) return undefined
  return {
    code: 'header-more-than-one-wildcard',
    message: `AllowedHeader ${quoted(entry)} can not have more than one wildcard`,
  }
}

/** Checks an ExposeHeader entry: a header name without `*`, which no vendor stores here. */
export function exposeHeaderProblem(entry: string): EntryProblem | undefined {
  const problem = headerNameProblem(entry)
  if (problem !== undefined) return problem
  if (!entry.includes('*')) return undefined
  return {
    code: 'expose-wildcard',
    message: `ExposeHeader ${quoted(entry)} cannot have a wildcard: name each header, e.g. ETag`,
  }
}

/**
 * The names are sent in response headers, where anything but a token could end the line (ceph CVE-2020-10753,
 * CVE-2021-3524).
 */
function headerNameProblem(entry: string): EntryProblem | undefined {
  if (token.test(entry)) return undefined
  const code = 'header-invalid-name'
  if (entry === '') return { code, message: 'the header name is empty: remove the item' }
  if (/[,;]/.test(entry))
    return { code, message: `${quoted(entry)} is not a header name: write one header per item` }
  return {
    code,
    message: `${quoted(entry)} is not a header name: ${firstForeign(entry, tokenCharacter)} is not allowed in one`,
  }
}

/** Checks a rule id. Logs, metrics and response headers show it, so it must be a single line. */
export function idProblem(id: string): EntryProblem | undefined {
  if (id.length > maxIdLength)
    return {
      code: 'id-too-long',
      message: `an id can have at most ${maxIdLength} characters, this one has ${id.length}`,
    }
  // Format characters include the bidi controls, which can disguise a log line.
  if (!/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Noncharacter_Code_Point}]/u.test(id)) return undefined
  return { code: 'id-invalid', message: `control character in the id ${quoted(id)}: use visible text only` }
}

/** A host name or a bracketed IPv6 address, in lower case. */
const hostName = /^(?=.{1,253}$)(?:(?:[a-z0-9_-]{1,63}\.)*[a-z0-9_-]{1,63}|\[[0-9a-f:.]{2,45}\])$/

/** Checks a `hosts:` entry, already in lower case. */
export function hostProblem(host: string): EntryProblem | undefined {
  if (hostName.test(host)) return undefined
  const hint = host.includes('://')
    ? 'write the host name without scheme and path'
    : host.includes('*')
      ? 'write each host name in full'
      : /:[0-9]*$/.test(host)
        ? 'write it without the port, which is ignored'
        : host.endsWith('.')
          ? 'write it without the trailing dot'
          : 'write a host name such as assets.example.com'
  return { code: 'host-invalid', message: `${quoted(host)} is not a host name: ${hint}` }
}
