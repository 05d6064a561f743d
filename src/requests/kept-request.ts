import { type RequestFacts, readFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'

/** A finished CORS request with enough data to judge it by later rules. All strings are bounded. */
export interface KeptRequest {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly requestId: string
  /** `undefined`: the request names no bucket. */
  readonly bucket: string | undefined
  readonly kind: 'preflight' | 'actual'
  readonly origin: string | undefined
  /** Access-Control-Request-Method; for an actual request its own method. */
  readonly method: string | undefined
  readonly requestedHeaders: string | undefined
  readonly host: string | undefined
  /** Without the query, which may hold a signature. */
  readonly path: string
}

/** `time` is milliseconds since 1970. */
export function keepRequest(facts: RequestFacts, plan: Plan, time: number): KeptRequest {
  const { address, kind } = plan.judgement
  return {
    time,
    requestId: plan.requestId,
    bucket: address.kind === 'bucket' ? kept(address.name, 63) : undefined,
    kind,
    origin: optional(facts.origin, 512),
    method: kind === 'preflight' ? optional(facts.requestedMethod, 64) : kept(facts.method, 64),
    requestedHeaders: optional(facts.requestedHeaders, 1024),
    host: optional(facts.host, 256),
    // Copied, because the path is a substring of the request target, which may be long.
    path: copied(kept(address.path, 512)),
  }
}

const optional = (text: string | undefined, length: number): string | undefined =>
  text === undefined ? undefined : kept(text, length)

/** At most `length` characters. A cut string is copied, because a substring keeps the whole string in memory. */
const kept = (text: string, length: number): string =>
  text.length > length ? copied(`${text.slice(0, length)}…`) : text

const copied = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')

/** A request as a log or a list records it. Strings that were too long are cut and end with an ellipsis. */
export interface RequestRecord {
  readonly method: string
  readonly host: string | undefined
  readonly path: string
  readonly origin: string | undefined
  readonly requestedMethod: string | undefined
  readonly requestedHeaders: string | undefined
}

export function recordOf({ kind, method, ...request }: KeptRequest): RequestRecord {
  return kind === 'preflight'
    ? { ...request, method: 'OPTIONS', requestedMethod: method }
    : { ...request, method: method ?? '', requestedMethod: undefined, requestedHeaders: undefined }
}

/** The facts for judging the request; `undefined` when a part that rules depend on was cut. */
export function factsOf(request: RequestRecord): RequestFacts | undefined {
  const { method, host, origin, requestedMethod, requestedHeaders } = request
  const path = wholeSegments(request.path)
  const texts = [method, host, origin, requestedMethod, requestedHeaders]
  if (path === undefined || texts.some((text) => text?.endsWith('…'))) return undefined
  const line = (name: string, value: string | undefined): string[] =>
    value === undefined ? [] : [name, value]
  const lines = [
    ...line('Host', host),
    ...line('Origin', origin),
    ...line('Access-Control-Request-Method', requestedMethod),
    ...line('Access-Control-Request-Headers', requestedHeaders),
  ]
  // HTTP/1.0 needs no Host.
  return readFacts(method, path, host === undefined ? '1.0' : '1.1', lines)
}

/** Shortens a cut path to its last slash, because half a segment could be another name and half an escape is invalid. */
function wholeSegments(path: string): string | undefined {
  if (!path.endsWith('…')) return path
  const slash = path.lastIndexOf('/')
  // Only part of the first segment is left, so the bucket is unknown.
  return slash <= 0 ? undefined : path.slice(0, slash + 1)
}
