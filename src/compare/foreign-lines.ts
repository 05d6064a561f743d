import type { RequestRecord } from '../requests/kept-request.ts'

/** A request from another program's log, with the header names that its page set. */
interface ForeignRequest {
  readonly request: RequestRecord
  readonly headers: readonly string[]
}

/** `undefined`: the line is not a request with an Origin. */
export function readForeignLine(line: string): ForeignRequest | undefined {
  const fields = fieldsOf(JSON.parse(line))
  return readNginx(fields) ?? readMinio(fields)
}

type Fields = ReadonlyMap<string, unknown>

const fieldsOf = (value: unknown): Fields =>
  new Map(typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : [])

/** nginx writes "-" or nothing for a missing header. */
function text(fields: Fields, name: string): string | undefined {
  const value = fields.get(name)
  return typeof value === 'string' && value !== '' && value !== '-' ? value : undefined
}

/** A line of `log_format … escape=json` whose keys are the names of nginx's variables (ngx_http_log_module). */
function readNginx(fields: Fields): ForeignRequest | undefined {
  const method = text(fields, 'request_method')
  const uri = text(fields, 'request_uri')
  const origin = text(fields, 'http_origin')
  if (method === undefined || uri === undefined || origin === undefined) return undefined
  return {
    request: {
      method,
      host: text(fields, 'http_host') ?? text(fields, 'host'),
      path: uri.replace(/[?#].*$/s, ''),
      origin,
      requestedMethod: text(fields, 'http_access_control_request_method'),
      requestedHeaders: text(fields, 'http_access_control_request_headers'),
    },
    headers: [],
  }
}

/** The methods of S3's operations, by how their names begin in MinIO's audit log. */
const methodsOfApis: readonly (readonly [RegExp, string])[] = [
  [/^Head/, 'HEAD'],
  [/^(?:Get|List)/, 'GET'],
  [/^(?:PutObjectPart|PutObject|CopyObject|Put)/, 'PUT'],
  [
    /^(?:NewMultipartUpload|CompleteMultipartUpload|PostPolicyBucket|DeleteMultipleObjects|SelectObject)/,
    'POST',
  ],
  [/^(?:Delete|AbortMultipartUpload)/, 'DELETE'],
]

/**
 * Headers that SDKs set and that a preflight may have to allow
 * (https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names). Other names are ignored: most are added by browsers and proxies.
 */
const headersSetByPages =
  /^(?:authorization|content-type|content-md5|content-encoding|content-disposition|cache-control|range|if-[a-z-]+|amz-sdk-[a-z-]+|x-amz-[a-z0-9-]+)$/

/**
 * A line of MinIO's audit log (webhook or console, version 1). It does not contain preflights, so the headers of
 * actual requests are used instead.
 */
function readMinio(fields: Fields): ForeignRequest | undefined {
  const api = text(fieldsOf(fields.get('api')), 'name')
  const headers = new Map(
    [...fieldsOf(fields.get('requestHeader'))].map(([name, value]) => [name.toLowerCase(), value]),
  )
  const origin = text(headers, 'origin')
  const method = methodsOfApis.find(([pattern]) => api !== undefined && pattern.test(api))?.[1]
  const path = text(fields, 'requestPath')
  if (origin === undefined || method === undefined || path === undefined) return undefined
  const names = [...headers.keys()].filter((name) => headersSetByPages.test(name))
  return {
    request: {
      method,
      host: text(fields, 'requestHost') ?? text(headers, 'host'),
      path,
      origin,
      requestedMethod: undefined,
      requestedHeaders: undefined,
    },
    headers: names,
  }
}
