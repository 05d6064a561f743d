import { type OriginForm, originForm } from './pattern.ts'
import { corsMethods } from './rule.ts'

/** Bounds of Access-Control-Request-Headers: beyond them nothing is parsed (rs/cors GO-2024-2883 is what they prevent). */
export const maxRequestedHeadersLength = 8192
export const maxRequestedHeaders = 128
export const maxEmptyElements = 16

/** What a preflight or an actual request asks of the rules. Only {@link readPreflight} and {@link readActual} make one. */
export interface CorsQuestion {
  readonly kind: 'preflight' | 'actual'
  readonly origin: string
  readonly form: OriginForm
  readonly method: string
  /** Requested names in lower case and request order; empty for an actual request, whose headers are not checked. */
  readonly headers: readonly string[]
}

/** Why an OPTIONS request is no preflight that rules could be asked about. `value` is what was sent, never trusted. */
export type Malformed =
  | { readonly what: 'origin-missing' }
  | { readonly what: 'method-missing' }
  | { readonly what: 'method-invalid'; readonly value: string }
  | { readonly what: 'header-invalid'; readonly value: string }
  | { readonly what: 'headers-beyond-bounds' }

/** The parts of a request that CORS looks at. */
export interface CorsFields {
  readonly method: string
  readonly origin: string | undefined
  readonly requestedMethod: string | undefined
  readonly requestedHeaders: string | undefined
}

/** The list as WHATWG Fetch writes it: lower case, sorted, commas without blanks. Nothing is left to be done then. */
const asBrowsersWrite = /^[a-z0-9_-]+(?:,[a-z0-9_-]+)*$/

const token = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/

/**
 * Reads an OPTIONS request as a preflight (WHATWG Fetch, CORS-preflight fetch). The order of the checks is the one
 * that S3 shows in its answers: Origin, then the method, then the header names.
 */
export function readPreflight(fields: CorsFields): CorsQuestion | Malformed {
  const { origin, requestedMethod, requestedHeaders } = fields
  if (origin === undefined || origin === '') return { what: 'origin-missing' }
  if (requestedMethod === undefined || requestedMethod === '') return { what: 'method-missing' }
  // No vendor stores a rule with another method, so nothing could match; case counts (RFC 9110 section 9.1).
  if (!(corsMethods as readonly string[]).includes(requestedMethod))
    return { what: 'method-invalid', value: requestedMethod }
  const headers = requestedHeaders === undefined ? [] : readRequestedHeaders(requestedHeaders)
  if ('what' in headers) return headers
  return { kind: 'preflight', origin, form: originForm(origin), method: requestedMethod, headers }
}

/** The question of an actual request, `undefined` when it carries no Origin and so is none of ours. */
export function readActual(fields: CorsFields): CorsQuestion | undefined {
  const { origin, method } = fields
  if (origin === undefined || origin === '') return undefined
  return { kind: 'actual', origin, form: originForm(origin), method, headers: [] }
}

/**
 * The names of an Access-Control-Request-Headers value, in lower case. Empty elements are dropped
 * (RFC 9110 section 5.6.1.2), a reasonable number of them.
 */
function readRequestedHeaders(value: string): string[] | Malformed {
  if (value.length > maxRequestedHeadersLength) return { what: 'headers-beyond-bounds' }
  if (asBrowsersWrite.test(value)) {
    const names = value.split(',')
    return names.length > maxRequestedHeaders ? { what: 'headers-beyond-bounds' } : names
  }
  const names: string[] = []
  let empty = 0
  for (let start = 0; start <= value.length; ) {
    const comma = value.indexOf(',', start)
    const end = comma < 0 ? value.length : comma
    const name = withoutBlanks(value, start, end)
    start = end + 1
    if (name === '') {
      empty++
      // One empty value is how "no header" may be written; a flood of commas is not.
      if (empty > maxEmptyElements) return { what: 'headers-beyond-bounds' }
    } else if (!token.test(name) || name === '*') {
      // A "*" is a token, too, but no header has that name, and its echo in Allow-Headers would allow every one.
      return { what: 'header-invalid', value: name }
    } else {
      if (names.length === maxRequestedHeaders) return { what: 'headers-beyond-bounds' }
      names.push(name.toLowerCase())
    }
  }
  return names
}

/** RFC 9110 section 5.6.3: only spaces and tabs may stand around an element. No expression: that would be quadratic. */
function withoutBlanks(text: string, start: number, end: number): string {
  let from = start
  let to = end
  while (from < to && isBlank(text.charCodeAt(from))) from++
  while (to > from && isBlank(text.charCodeAt(to - 1))) to--
  return text.slice(from, to)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09
