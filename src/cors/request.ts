import { type OriginForm, originForm } from './pattern.ts'
import { isAllowable, type Matching, vendorMatching } from './rule.ts'

/** Bounds of Access-Control-Request-Headers: beyond them nothing is parsed (rs/cors GO-2024-2883 is what they prevent). */
export const maxRequestedHeadersLength = 8192
export const maxRequestedHeaders = 128
export const maxEmptyElements = 16

/** What a preflight or an actual request asks of the rules. Only {@link readPreflight} and {@link readActual} make one. */
export interface CorsQuestion {
  readonly kind: 'preflight' | 'actual'
  readonly origin: string
  readonly form: OriginForm
  /** By which the rules decide. */
  readonly method: string
  /** Requested names in lower case and request order; empty for an actual request, whose headers are not checked. */
  readonly headers: readonly string[]
}

/** Why an OPTIONS request is no preflight that rules could be asked about. `value` is what was sent, never trusted. */
export type Malformed =
  | { readonly what: 'origin-missing' }
  | { readonly what: 'method-missing' }
  | { readonly what: 'method-invalid'; readonly value: string; readonly methods: Matching['methods'] }
  | { readonly what: 'header-invalid'; readonly value: string }
  | { readonly what: 'headers-beyond-bounds' }

/** The parts of a request that CORS looks at. */
interface CorsFields {
  readonly method: string
  readonly origin: string | undefined
  readonly requestedMethod: string | undefined
  readonly requestedHeaders: string | undefined
}

/**
 * A list as WHATWG Fetch writes it, in lower case and without blanks, save that an element may be empty. So there is
 * one loop over one class, which is what costs least where a list is long.
 */
const asBrowsersWrite = /^[!#$%&'+.^_`|~0-9a-z-][!#$%&'+.^_`|~0-9a-z,-]*$/

/** A name, or nothing, and the blanks around it (RFC 9110 section 5.6.3). It always matches, so it never goes back. */
const element = /([ \t]*)([!#$%&'*+.^_`|~0-9A-Za-z-]*)[ \t]*/y

/**
 * Reads an OPTIONS request as a preflight (WHATWG Fetch, CORS-preflight fetch). The order of the checks is the one
 * that S3 shows in its answers: Origin, then the method, then the header names.
 */
export function readPreflight(
  fields: CorsFields,
  matching: Matching = vendorMatching,
): CorsQuestion | Malformed {
  const { origin, requestedMethod, requestedHeaders } = fields
  if (origin === undefined || origin === '') return { what: 'origin-missing' }
  if (requestedMethod === undefined || requestedMethod === '') return { what: 'method-missing' }
  // No rule holds another method, so nothing could match; case counts (RFC 9110 section 9.1).
  if (!isAllowable(requestedMethod, matching))
    return { what: 'method-invalid', value: requestedMethod, methods: matching.methods }
  const headers = requestedHeaders === undefined ? [] : readRequestedHeaders(requestedHeaders)
  if ('what' in headers) return headers
  return { kind: 'preflight', origin, form: originForm(origin), method: requestedMethod, headers }
}

/** The question of an actual request, `undefined` when it carries no Origin and so is none of ours. */
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

/** By which method an actual request is decided. */
export const actualMethod = ({ method, requestedMethod = '' }: CorsFields, matching: Matching): string =>
  matching.actualMethod === 'requested' && requestedMethod !== '' ? requestedMethod : method

/** Whether an OPTIONS request asks as a browser does before it sends another. */
export const isPreflight = ({ origin = '', requestedMethod = '' }: CorsFields): boolean =>
  origin !== '' && requestedMethod !== ''

/**
 * The names of an Access-Control-Request-Headers value, in lower case. Empty elements are dropped
 * (RFC 9110 section 5.6.1.2), a reasonable number of them.
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
      // One empty value is how "no header" may be written; a flood of commas is not.
      if (empty > maxEmptyElements) return { what: 'headers-beyond-bounds' }
    } else if (name === '*') {
      // A "*" is a token, too, but no header has that name, and its echo in Allow-Headers would allow every one.
      return { what: 'header-invalid', value: name }
    } else {
      if (names.length === maxRequestedHeaders) return { what: 'headers-beyond-bounds' }
      names.push(name.toLowerCase())
    }
  }
  return names
}

/** What stands from `start` to the next comma, without the blanks at its end. */
function elementFrom(list: string, start: number): string {
  const comma = list.indexOf(',', start)
  let end = comma < 0 ? list.length : comma
  while (end > start && isBlank(list.charCodeAt(end - 1))) end--
  return list.slice(start, end)
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x09
