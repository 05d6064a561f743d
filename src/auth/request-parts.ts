import type { HeaderLines } from '../http.ts'
import { percentDecode } from '../text/percent.ts'

export interface SignedRequest {
  readonly method: string
  /** Request target in origin-form, byte for byte. */
  readonly target: string
  readonly headers: HeaderLines
  readonly bucket: string
  /** Whether the bucket is in Host (virtual-hosted style) or in the first path segment (path style). */
  readonly byHost: boolean
  /** The query parameter that selects the operation, e.g. `cors`. The signature must cover it. */
  readonly operation: string | undefined
  readonly hasBody: boolean
  /** Hexadecimal SHA-256 of the body; `undefined` until the body has been read. */
  readonly bodySha256: string | undefined
}

/** A decoded query parameter. `value` is empty when there is none. */
export interface Parameter {
  readonly name: string
  readonly value: string
}

/** A parsed {@link SignedRequest}. Every string holds one byte per character. */
export interface RequestParts {
  readonly method: string
  /** As sent, encoded. */
  readonly path: string
  /** In the order sent. */
  readonly parameters: readonly Parameter[]
  /** By lower-cased name; values in the order sent. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  readonly bucket: string
  readonly byHost: boolean
  readonly operation: string | undefined
  readonly bodySha256: string | undefined
}

/** Checked before anything is parsed. Session tokens make presigned queries long. */
export const maxTargetLength = 8192
export const maxParameters = 64

const emptySha256 = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'

/** Origin-form in visible ASCII (RFC 9112 section 3.2.1). */
const targetForm = /^\/[!-~]*$/

/**
 * Parses a request; `undefined` when its target is not in origin-form, exceeds a bound, or has a malformed percent
 * escape.
 */
export function parseRequest(request: SignedRequest): RequestParts | undefined {
  const { method, target, bucket, byHost, operation, hasBody } = request
  if (target.length > maxTargetLength || !targetForm.test(target)) return undefined
  const mark = target.indexOf('?')
  const parameters = readParameters(mark < 0 ? '' : target.slice(mark + 1))
  if (parameters === undefined) return undefined
  return {
    method,
    path: mark < 0 ? target : target.slice(0, mark),
    parameters,
    headers: byName(request.headers),
    bucket,
    byHost,
    operation,
    bodySha256: hasBody ? request.bodySha256 : emptySha256,
  }
}

function readParameters(query: string): Parameter[] | undefined {
  if (query === '') return []
  // One more than the bound is enough to know that it is exceeded.
  const fields = query.split('&', maxParameters + 1)
  if (fields.length > maxParameters) return undefined
  const parameters: Parameter[] = []
  for (const field of fields) {
    if (field === '') continue
    const equals = field.indexOf('=')
    const name = percentDecode(equals < 0 ? field : field.slice(0, equals))
    const value = equals < 0 ? '' : percentDecode(field.slice(equals + 1))
    if (name === undefined || value === undefined) return undefined
    parameters.push({ name, value })
  }
  return parameters
}

function byName(lines: HeaderLines): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const name = (lines[i] ?? '').toLowerCase()
    const value = lines[i + 1] ?? ''
    const values = headers.get(name)
    if (values === undefined) headers.set(name, [value])
    else values.push(value)
  }
  return headers
}

/** The value of the header `name`; `undefined` when it is absent or repeated. */
export function singleHeader(parts: RequestParts, name: string): string | undefined {
  const values = parts.headers.get(name)
  return values?.length === 1 ? values[0] : undefined
}

/** The value of the parameter `name`; `undefined` when it is absent or repeated. */
export function singleParameter(parts: RequestParts, name: string): string | undefined {
  const found = parts.parameters.filter((parameter) => parameter.name === name)
  return found.length === 1 ? found[0]?.value : undefined
}

/** Host as sent, then without its port: SDKs differ in which of the two they sign. */
export function hostForms(host: string): readonly string[] {
  const colon = host.lastIndexOf(':')
  return colon > host.lastIndexOf(']') ? [host, host.slice(0, colon)] : [host]
}

/** The object name in the path, decoded; empty for the bucket itself. */
export function objectName({ path, byHost }: RequestParts): string | undefined {
  if (byHost) return percentDecode(path.slice(1))
  const slash = path.indexOf('/', 1)
  return slash < 0 ? '' : percentDecode(path.slice(slash + 1))
}

/** Compares by code unit, which equals byte order here. The standards mean this by "sorted". */
export const inByteOrder = (left: string, right: string): number => (left < right ? -1 : left > right ? 1 : 0)
