import { type OriginForm, originForm } from './pattern.ts'
import { isAllowable, type Matching, vendorMatching } from './rule.ts'

/** Limits of Access-Control-Request-Headers; beyond them nothing is parsed (see rs/cors, GO-2024-2883). */
export const maxRequestedHeadersLength = 8192
export const maxRequestedHeaders = 128
export const maxEmptyElements = 16

/** What a preflight or an actual request asks for. Only {@link readPreflight} and {@link readActual} create one. */
export interface CorsQuestion {
  readonly kind: 'preflight' | 'actual'
  readonly origin: string
  readonly form: OriginForm
  /** The method that rules must allow. */
  readonly method: string
  /** In lower case and request order. Empty for an actual request, whose headers are not checked. */
  readonly headers: readonly string[]
}

/** Why an OPTIONS request is not a valid preflight. `value` is untrusted. */
export type Malformed =
  | { readonly what: 'origin-missing' }
  | { readonly what: 'method-missing' }
  | { readonly what: 'method-invalid'; readonly value: string; readonly methods: Matching['methods'] }
  | { readonly what: 'header-invalid'; readonly value: string }
  | { readonly what: 'headers-beyond-bounds' }

interface CorsFields {
  readonly method: string
  readonly origin: string | undefined
  readonly requestedMethod: string | undefined
  readonly requestedHeaders: string | undefined
}

/**
 * A list in the form that browsers send: lower case, no spaces
 * (https://fetch.spec.whatwg.org/#cors-preflight-fetch), but elements may be empty. A single character class in a
 * single loop is the fastest check of a long list.
 */
const asBrowsersWrite = /^[!#$%&'+.^_`|~0-9a-z-][!#$%&'+.^_`|~0-9a-z,-]*$/

/**
 * A name, possibly empty, with optional whitespace (RFC 9110 section 5.6.3). It always matches, so it never
 * backtracks.
 */
const element = /([ \t]*)([!#$%&'*+.^_`|~0-9A-Za-z-]*)[ \t]*/y

/**
 * Reads an OPTIONS request as a preflight (https://fetch.spec.whatwg.org/#cors-preflight-fetch). Checks in the
 * order that S3's responses show: Origin, then the method, then the header names.
 */
export function readPreflight(
  fields: CorsFields,
  matching: Matching = vendorMatching,
): CorsQuestion | Malformed {
  const { origin, requestedMethod, requestedHeaders } = fields
  if (origin === undefined || origin === '') return { what: 'origin-missing' }
  if (requestedMethod === undefined || requestedMethod === '') return { what: 'method-missing' }
  // No rule can allow this method. Methods are case-sensitive (RFC 9110 section 9.1).
  if (!isAllowable(requestedMethod, matching))
    return { what: 'method-invalid', value: requestedMethod, methods: matching.methods }
  const headers = requestedHeaders === undefined ? [] : readRequestedHeaders(requestedHeaders)
  if ('what' in headers) return headers
  return { kind: 'preflight', origin, form: originForm(origin), method: requestedMethod, headers }
}

/** `undefined` when the request has no Origin, so that it is not a CORS request. */
export function readActual(
  fields: CorsFields,
  matching: Matching = vendorMatching,
): CorsQuestion | undefined {
  const { origin } = fields
  if (origin === undefined || origin === '') return undefined
  return {
    kind: 'actual',
    origin,
    form: originForm(origin),
    method: actualMethod(fields, matching),
    headers: [],
  }
}

/** The method that rules must allow for an actual request. */
export const actualMethod = ({ method, requestedMethod = '' }: CorsFields, matching: Matching): string =>
  matching.actualMethod === 'requested' && requestedMethod !== '' ? requestedMethod : method

/** Whether an OPTIONS request is a preflight (https://fetch.spec.whatwg.org/#cors-preflight-request). */
export const isPreflight = ({ origin = '', requestedMethod = '' }: CorsFields): boolean =>
  origin !== '' && requestedMethod !== ''

/**
 * The names in Access-Control-Request-Headers, in lower case. Skips empty elements up to a limit, as RFC 9110
 * section 5.6.1.2 requires.
 */
function readRequestedHeaders(value: string): string[] | Malformed {
  if (value.length > maxRequestedHeadersLength) return { what: 'headers-beyond-bounds' }
  if (asBrowsersWrite.test(value)) {
    const names = value.split(',', maxRequestedHeaders + 1)
    if (!names.includes(''))
      return names.length > maxRequestedHeaders ? { what: 'headers-beyond-bounds' } : names
  }
  const names: string[] = []
  let empty = 0
  for (let start = 0; start <= value.length; start = element.lastIndex + 1) {
    element.lastIndex = start
    const [, before = '', name = ''] = element.exec(value) ?? []
    const end = element.lastIndex
    if (end < value.length && value[end] !== ',')
      return { what: 'header-invalid', value: elementFrom(value, start + before.length) }
    if (name === '') {
      empty++
      // A few empty elements are legitimate; a flood of commas is not.
      if (empty > maxEmptyElements) return { what: 'headers-beyond-bounds' }
    } else if (name === '*') {
      // "*" is a valid token but not the name of any header, and echoing it in Allow-Headers would allow every
      // header.
      return { what: 'header-invalid', value: name }
    } else {
      if (names.length === maxRequestedHeaders) return { what: 'headers-beyond-bounds' }
      names.push(name.toLowerCase())
    }
  }
  return names
}

/** The text from `start` to the next comma, without trailing whitespace. */
function elementFrom(list: string, start: number): string {
  const comma = list.indexOf(',', start)
  let end = comma < 0 ? list.length : comma
  while (end > start && isBlank(list.charCodeAt(end - 1))) end--
  return list.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09
