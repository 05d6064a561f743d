/** Header lines as sent: name, value, name, value …, in order. Repeated lines stay separate. */
export type HeaderLines = readonly string[]

/**
 * Why a request cannot be forwarded safely. `status` is the response's; `code` and `message` go into its error
 * body.
 */
export interface RequestDefect {
  readonly status: 400 | 405 | 417 | 501 | 505
  readonly code: string
  readonly message: string
}

/** How the body of a request is delimited: no body, by `bytes`, or chunked (RFC 9112 section 6). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }

/** What decisions need to know about a request. Read once from the raw header lines. */
export interface RequestFacts {
  readonly method: string
  /** The request target, byte for byte. */
  readonly target: string
  readonly headers: HeaderLines
  /** Host as sent; `undefined` when absent. */
  readonly host: string | undefined
  readonly origin: string | undefined
  /** Access-Control-Request-Method. */
  readonly requestedMethod: string | undefined
  /** Access-Control-Request-Headers; repeated lines are joined with a comma (RFC 9110 section 5.3). */
  readonly requestedHeaders: string | undefined
  readonly framing: Framing
  readonly expectContinue: boolean
  /** Lower-cased field names in Connection, without `close` and `keep-alive`. */
  readonly nominated: readonly string[]
  /** The first reason not to serve this request; `undefined` when there is none. */
  readonly defect: RequestDefect | undefined
}

/** A complete response made here. `body` is text. The sender adds Content-Length. */
export interface PlainResponse {
  readonly status: number
  readonly headers: HeaderLines
  readonly body: string
}

/**
 * Changes to the store's response. `strip` removes all its Access-Control-* lines, `add` is appended, and the names
 * in `vary` are merged into Vary.
 */
export interface HeaderPatch {
  readonly strip: boolean
  readonly add: HeaderLines
  readonly vary: readonly string[]
  /** Replaces the store's Cross-Origin-Resource-Policy. */
  readonly resourcePolicy?: string
}

export const untouched: HeaderPatch = { strip: false, add: [], vary: [] }

/** Limit of the names in Connection. Clients send one or two; each costs a comparison per header line. */
const maxNominated = 32

/**
 * Names that Connection must not list: removing these lines would break the signature, the framing or the routing
 * of the request.
 */
const protectedNames =
  /^(host|origin|authorization|content-.*|transfer-encoding|date|range|expect|access-control-.*|x-(amz|cos|oss)-.*)$/

const defect = (status: RequestDefect['status'], code: string, message: string): RequestDefect => ({
  status,
  code,
  message,
})

const withoutBody: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }

/**
 * Reads what decisions need from one request, in one pass over its raw header lines. `version` is the protocol
 * version as Node gives it, e.g. `1.1`.
 */
export function readFacts(
  method: string,
  target: string,
  version: string,
  headers: HeaderLines,
): RequestFacts {
  let host: string | undefined
  let origin: string | undefined
  let requestedMethod: string | undefined
  let requestedHeaders: string | undefined
  let contentLength: string | undefined
  let transferEncoding: string | undefined
  let expect: string | undefined
  let connection: string | undefined
  const repeated: string[] = []
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? ''
    switch ((headers[i] ?? '').toLowerCase()) {
      case 'host':
        if (host !== undefined) repeated.push('Host')
        host = value
        break
      case 'origin':
        if (origin !== undefined) repeated.push('Origin')
        origin = value
        break
      case 'content-length':
        if (contentLength !== undefined) repeated.push('Content-Length')
        contentLength = value
        break
      case 'transfer-encoding':
        if (transferEncoding !== undefined) repeated.push('Transfer-Encoding')
        transferEncoding = value
        break
      case 'access-control-request-method':
        // Joined, so that a second line can never allow a method that the first did not ask for.
        requestedMethod = requestedMethod === undefined ? value : `${requestedMethod}, ${value}`
        break
      case 'access-control-request-headers':
        requestedHeaders = requestedHeaders === undefined ? value : `${requestedHeaders},${value}`
        break
      case 'expect':
        expect = expect === undefined ? value : `${expect}, ${value}`
        break
      case 'connection':
        connection = connection === undefined ? value : `${connection},${value}`
        break
    }
  }
  // None of several lines can be trusted, so the request is refused and none is used.
  if (repeated.includes('Host')) host = undefined
  if (repeated.includes('Origin')) origin = undefined
  if (repeated.includes('Content-Length')) contentLength = undefined
  if (repeated.includes('Transfer-Encoding')) transferEncoding = undefined
  const nominated = connection === undefined ? [] : nominations(connection)
  const expectations = expect === undefined ? [] : elementsOf(expect)
  return {
    method,
    target,
    headers,
    host,
    origin,
    requestedMethod,
    requestedHeaders,
    framing:
      transferEncoding !== undefined
        ? chunked
        : contentLength !== undefined
          ? { kind: 'length', bytes: Number(contentLength) }
          : withoutBody,
    expectContinue: expectations.length > 0,
    nominated: nominated ?? [],
    defect:
      firstDefect(version, host, repeated[0]) ??
      framingDefect(version, contentLength, transferEncoding) ??
      hopDefect(expectations, nominated),
  }
}

/** `undefined` when there are too many. */
function nominations(connection: string): string[] | undefined {
  if (connection === 'keep-alive' || connection === 'close') return []
  const names = connection.split(',', maxNominated + 1)
  if (names.length > maxNominated) return undefined
  return elementsOf(connection).filter((name) => name !== 'close' && name !== 'keep-alive')
}

/** The elements of a list, in lower case. Empty elements do not count (RFC 9110 section 5.6.1). */
function elementsOf(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map((element) => element.trim())
    .filter((element) => element !== '')
}

function firstDefect(
  version: string,
  host: string | undefined,
  repeated: string | undefined,
): RequestDefect | undefined {
  if (version !== '1.1' && version !== '1.0')
    return defect(505, 'HTTPVersionNotSupported', 'Only HTTP/1.1 and HTTP/1.0 are served.')
  if (repeated !== undefined)
    return defect(400, 'InvalidRequest', `The ${repeated} header was sent more than once.`)
  if (version === '1.1' && (host === undefined || host === ''))
    return defect(400, 'InvalidRequest', 'The Host header is missing or empty.')
  if (host !== undefined && host !== '' && !hostForm.test(host))
    return defect(400, 'InvalidRequest', 'The Host header is not a host name with an optional port.')
  return undefined
}

/**
 * uri-host [":" port] (RFC 9112 section 3.2), without the user information and percent-encoding that no client
 * sends.
 */
const hostForm =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.))*|\[[0-9A-Fa-f:.]{2,45}\])(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$/

/** A message that two recipients could delimit differently is refused, never repaired (RFC 9112 section 6). */
function framingDefect(
  version: string,
  contentLength: string | undefined,
  transferEncoding: string | undefined,
): RequestDefect | undefined {
  if (transferEncoding !== undefined) {
    if (contentLength !== undefined)
      return defect(400, 'InvalidRequest', 'Content-Length and Transfer-Encoding were sent together.')
    if (version === '1.0') return defect(400, 'InvalidRequest', 'Transfer-Encoding was sent with HTTP/1.0.')
    if (transferEncoding.toLowerCase() !== 'chunked')
      return defect(501, 'NotImplemented', 'The only supported transfer coding is chunked.')
    return undefined
  }
  if (contentLength === undefined) return undefined
  if (!/^[0-9]{1,15}$/.test(contentLength))
    return defect(400, 'InvalidRequest', 'Content-Length is not a decimal number of bytes.')
  return undefined
}

function hopDefect(
  expectations: readonly string[],
  nominated: readonly string[] | undefined,
): RequestDefect | undefined {
  if (expectations.some((expectation) => expectation !== '100-continue'))
    return defect(417, 'ExpectationFailed', 'The only supported expectation is 100-continue.')
  if (nominated === undefined)
    return defect(400, 'InvalidRequest', `Connection names more than ${maxNominated} headers.`)
  for (const name of nominated)
    if (protectedNames.test(name))
      return defect(
        400,
        'InvalidRequest',
        'Connection lists a header that must not be removed, such as Host or Authorization.',
      )
  return undefined
}

/** Adds the `names` that are not yet in the Vary value `present`. `*` stays alone (RFC 9110 section 12.5.5). */
export function mergeVary(present: string | undefined, names: readonly string[]): string {
  if (present === undefined || present.trim() === '') return names.join(', ')
  const has = new Set(present.split(',').map((name) => name.trim().toLowerCase()))
  if (has.has('*')) return present
  const missing = names.filter((name) => !has.has(name.toLowerCase()))
  return missing.length === 0 ? present : `${present}, ${missing.join(', ')}`
}

/** Whether `name` starts with Access-Control-, in any case. The first letter rules out most other names. */
const isCorsName = (name: string): boolean =>
  (name.charCodeAt(0) | 0x20) === 0x61 && name.toLowerCase().startsWith('access-control-')

const policyName = 'cross-origin-resource-policy'

/** The header lines for the client: the store's `lines` with `patch` applied, in their order and case. */
export function applyPatch(lines: HeaderLines, patch: HeaderPatch): string[] {
  const out: string[] = []
  let varyAt = -1
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] ?? ''
    const value = lines[i + 1] ?? ''
    if (patch.strip && isCorsName(name)) continue
    // Browsers ignore the policy when it appears twice, so the store's is removed
    // (https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header).
    if (patch.resourcePolicy !== undefined && name.toLowerCase() === policyName) continue
    if (name.length === 4 && patch.vary.length > 0 && name.toLowerCase() === 'vary') {
      if (varyAt >= 0) {
        out[varyAt] = `${out[varyAt]}, ${value}`
        continue
      }
      varyAt = out.length + 1
    }
    out.push(name, value)
  }
  if (patch.vary.length > 0) {
    if (varyAt >= 0) out[varyAt] = mergeVary(out[varyAt], patch.vary)
    else out.push('Vary', mergeVary(undefined, patch.vary))
  }
  for (const item of patch.add) out.push(item)
  if (patch.resourcePolicy !== undefined) out.push('Cross-Origin-Resource-Policy', patch.resourcePolicy)
  return out
}
