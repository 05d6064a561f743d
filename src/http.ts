/** Header lines as they stand on the wire: name, value, name, value … in order, repeated lines apart. */
export type HeaderLines = readonly string[]

/** Why a request cannot be passed on safely. `status` is the answer, `code` and `message` go into its error body. */
export interface RequestDefect {
  readonly status: 400 | 405 | 417 | 501 | 505
  readonly code: string
  readonly message: string
}

/** How the body of a request is delimited: not at all, by `bytes`, or by chunks (RFC 9112 section 6). */
export type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }

/** Everything the core knows of a request. Built once from the raw header lines; never re-read later. */
export interface RequestFacts {
  readonly method: string
  /** The request target exactly as sent. */
  readonly target: string
  readonly headers: HeaderLines
  /** Host as sent, `undefined` when absent. */
  readonly host: string | undefined
  readonly origin: string | undefined
  /** Access-Control-Request-Method. */
  readonly requestedMethod: string | undefined
  /** Access-Control-Request-Headers; several lines are joined with a comma (RFC 9110 section 5.3). */
  readonly requestedHeaders: string | undefined
  readonly framing: Framing
  readonly expectContinue: boolean
  /** Lower-cased names that Connection nominates as hop-by-hop, without `close` and `keep-alive`. */
  readonly nominated: readonly string[]
  /** The first reason not to serve this request, if there is one. */
  readonly defect: RequestDefect | undefined
}

/** A whole response made here. `body` is text; Content-Length is added by whoever sends it. */
export interface PlainResponse {
  readonly status: number
  readonly headers: HeaderLines
  readonly body: string
}

/**
 * What to change in the store's response. `strip` removes every Access-Control-* line of the store,
 * `add` is appended, each name of `vary` is merged into Vary.
 */
export interface HeaderPatch {
  readonly strip: boolean
  readonly add: HeaderLines
  readonly vary: readonly string[]
  /** Replaces the store's Cross-Origin-Resource-Policy. */
  readonly resourcePolicy?: string
}

/** The patch that changes nothing. */
export const untouched: HeaderPatch = { strip: false, add: [], vary: [] }

/** Elements of Connection. Clients name one or two; each costs a look at each header line. */
const maxNominated = 32

/** Names that a sender must not declare hop-by-hop: the next hop would drop what signs or frames the request. */
const protectedNames =
  /^(host|origin|authorization|content-.*|transfer-encoding|date|range|expect|access-control-.*|x-(amz|cos|oss)-.*)$/

const defect = (status: RequestDefect['status'], code: string, message: string): RequestDefect => ({
  status,
  code,
  message,
})

const noBody: Framing = { kind: 'none' }
const chunked: Framing = { kind: 'chunked' }

/**
 * Reads what the core needs from one request, in one pass over its raw header lines.
 * `version` is the protocol version as Node gives it, e.g. `1.1`.
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
  let repeated: string | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? ''
    switch ((headers[i] ?? '').toLowerCase()) {
      case 'host':
        if (host !== undefined) repeated ??= 'Host'
        host = value
        break
      case 'origin':
        if (origin !== undefined) repeated ??= 'Origin'
        origin = value
        break
      case 'content-length':
        if (contentLength !== undefined) repeated ??= 'Content-Length'
        contentLength = value
        break
      case 'transfer-encoding':
        if (transferEncoding !== undefined) repeated ??= 'Transfer-Encoding'
        transferEncoding = value
        break
      case 'access-control-request-method':
        // Joined, so that a second line can never allow what the first did not ask for.
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
  const nominated = connection === undefined ? [] : nominations(connection)
  const expectations = expect === undefined ? [] : elementsOf(expect)
  return {
    method,
    target,
    headers,
    // Of two lines neither can be believed: the request is refused, and nothing is decided by either.
    host: repeated === 'Host' ? undefined : host,
    origin: repeated === 'Origin' ? undefined : origin,
    requestedMethod,
    requestedHeaders,
    framing:
      transferEncoding !== undefined
        ? chunked
        : contentLength !== undefined
          ? { kind: 'length', bytes: Number(contentLength) }
          : noBody,
    expectContinue: expectations.length > 0,
    nominated: nominated ?? [],
    defect:
      firstDefect(version, host, repeated) ??
      framingDefect(version, contentLength, transferEncoding) ??
      hopDefect(expectations, nominated),
  }
}

/** `undefined`: there are too many. */
function nominations(connection: string): string[] | undefined {
  if (connection === 'keep-alive' || connection === 'close') return []
  const names = connection.split(',', maxNominated + 1)
  if (names.length > maxNominated) return undefined
  return elementsOf(connection).filter((name) => name !== 'close' && name !== 'keep-alive')
}

/** The elements of a list in lower case. Empty ones do not count (RFC 9110 section 5.6.1). */
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

/** uri-host [":" port], RFC 9112 section 3.2, without the user information and escapes that no client sends. */
const hostForm =
  /^(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.))*|\[[0-9A-Fa-f:.]{2,45}\])(?::(?:[0-9]{1,4}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?$/

/** RFC 9112 section 6: a message whose end two readers could see differently is refused, never repaired. */
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
      return defect(501, 'NotImplemented', 'The only transfer coding that is implemented is chunked.')
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
    return defect(417, 'ExpectationFailed', 'The only expectation that is met is 100-continue.')
  if (nominated === undefined)
    return defect(400, 'InvalidRequest', `Connection names more than ${maxNominated} headers.`)
  for (const name of nominated)
    if (protectedNames.test(name))
      return defect(400, 'InvalidRequest', 'Connection names a header that belongs to the request itself.')
  return undefined
}

/** `names` added to the Vary value `present` where they are not in it yet; `*` stays alone (RFC 9110 section 12.5.5). */
export function mergeVary(present: string | undefined, names: readonly string[]): string {
  if (present === undefined || present.trim() === '') return names.join(', ')
  const has = new Set(present.split(',').map((name) => name.trim().toLowerCase()))
  if (has.has('*')) return present
  const missing = names.filter((name) => !has.has(name.toLowerCase()))
  return missing.length === 0 ? present : `${present}, ${missing.join(', ')}`
}

/** Whether `name` begins with Access-Control-, in any case. Its first letter tells most others apart. */
const isCorsName = (name: string): boolean =>
  (name.charCodeAt(0) | 0x20) === 0x61 && name.toLowerCase().startsWith('access-control-')

const policyName = 'cross-origin-resource-policy'

/** The header lines that go to the client: the store's `lines` with `patch` applied, order and case kept. */
export function applyPatch(lines: HeaderLines, patch: HeaderPatch): string[] {
  const out: string[] = []
  let varyAt = -1
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = lines[i] ?? ''
    const value = lines[i + 1] ?? ''
    if (patch.strip && isCorsName(name)) continue
    // Two lines of it are none (WHATWG Fetch, "Cross-Origin-Resource-Policy check").
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
