import type { RequestFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'
import type { FinishedRequest } from '../requests/finished-request.ts'
import { escapeControls } from './escape-controls.ts'
import { redactQuery } from './redact.ts'

/** Longest line, in bytes. Log collectors cut longer lines, and half a line is not JSON. */
export const maxLineBytes = 8192

/** How many characters of a value are shown. A cut value ends with an ellipsis. */
interface Cuts {
  readonly path: number
  readonly query: number
  readonly header: number
  readonly short: number
}

const generous: Cuts = { path: 1024, query: 1024, header: 512, short: 256 }
// Escaped, a character can take six bytes.
const strict: Cuts = { path: 200, query: 200, header: 128, short: 64 }

/**
 * One line of JSON, without its line end. Names follow OpenTelemetry's semantic conventions for HTTP where they
 * have one; there, header attributes are lists.
 */
export function requestLine(request: FinishedRequest, time: string): string {
  const line = jsonLine(requestFields(request, time, generous))
  return Buffer.byteLength(line) < maxLineBytes ? line : jsonLine(requestFields(request, time, strict))
}

/** JSON in valid UTF-8 (lone surrogates are escaped) that no terminal interprets. */
export function jsonLine(fields: Readonly<Record<string, unknown>>): string {
  const json = JSON.stringify(fields)
  // DEL is the only ASCII control that `JSON.stringify` leaves as it is. Escaping every line would cost 0.7 µs.
  const isPlain = Buffer.byteLength(json) === json.length && !json.includes('\x7f')
  return isPlain ? json : escapeControls(json)
}

/** Fields without a value are omitted. */
function requestFields(
  request: FinishedRequest,
  time: string,
  cuts: Cuts,
): Readonly<Record<string, unknown>> {
  const { facts, plan } = request
  const { address } = plan.judgement
  const query = address.kind === 'refused' ? '' : address.query
  return {
    level: 'info',
    time,
    msg: 'request',
    request_id: plan.requestId,
    'url.path': cut(address.path, cuts.path),
    'url.query': query === '' ? undefined : shownQuery(query, cuts.query),
    'http.request.method': cut(facts.method, cuts.short),
    ...serverFields(facts.host, cuts),
    ...decisionFields(plan, cuts),
    ...(facts.origin === undefined ? undefined : corsFields(facts, cuts)),
    ...senderFields(facts, cuts),
    'client.address': optional(request.client, cuts.short),
    'http.response.status_code': request.status,
    duration_ms: thousandths(request.milliseconds),
    upstream_ms: request.upstreamMilliseconds && thousandths(request.upstreamMilliseconds),
    'http.request.body.size': request.bytesIn,
    'http.response.body.size': request.bytesOut,
    'error.type': request.upstreamError,
    aborted: request.aborted || undefined,
    generation: request.generation,
  }
}

/** Cut first, to bound the work of redacting. A parameter that is cut in two keeps its name. */
function shownQuery(query: string, length: number): string {
  // "[redacted]" may be longer than what it replaces.
  const most = 2 * length
  return cut(redactQuery(cut(query, length), most), most)
}

/** Host as address and port, or all of it as the address if it does not end with a port. */
function serverFields(host: string | undefined, { short }: Pick<Cuts, 'short'>): object {
  if (host === undefined) return {}
  const [, address, port] = /^(\[.*\]|[^:]+):(\d{1,5})$/s.exec(host) ?? []
  return port === undefined
    ? { 'server.address': cut(host, short) }
    : { 'server.address': optional(address, short), 'server.port': Number(port) }
}

/** Bucket, decision and rule; for a denial, the closest rule and the header that it does not allow. */
export function decisionFields(
  { judgement: { address, kind, decision, handsOff } }: Plan,
  { short }: Pick<Cuts, 'short'>,
): object {
  const bucket = address.kind === 'bucket' ? cut(address.name, short) : undefined
  if (decision === undefined) return { bucket }
  const { verdict, reason } = decision
  const made = { bucket, kind, decision: verdict, reason, mode: handsOff ? 'report' : 'enforce' }
  return decision.verdict === 'allow'
    ? { ...made, rule: cut(decision.rule.label, short) }
    : {
        ...made,
        closest_rule: optional(decision.closest?.label, short),
        denied_header: optional(decision.header, short),
      }
}

/** The request headers that rules match, so that `replay` can evaluate other rules for the same request. */
export function corsFields(
  { origin, requestedMethod, requestedHeaders }: RequestFacts,
  { header }: Pick<Cuts, 'header'>,
): object {
  const list = (value: string | undefined): readonly string[] | undefined =>
    value === undefined ? undefined : [cut(value, header)]
  return {
    'http.request.header.origin': list(origin),
    'http.request.header.access-control-request-method': list(requestedMethod),
    'http.request.header.access-control-request-headers': list(requestedHeaders),
  }
}

/** User agent and trace id. Read here because only the log needs them. */
function senderFields({ headers }: RequestFacts, { short }: Pick<Cuts, 'short'>): object {
  let agent: string | undefined
  let trace: string | undefined
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    // Compares the length first, because few other names have the same length.
    if (name.length === 10 && name.toLowerCase() === 'user-agent') agent = headers[i + 1]
    else if (name.length === 11 && name.toLowerCase() === 'traceparent') trace = headers[i + 1]
  }
  return {
    'user_agent.original': optional(agent, short),
    trace_id: trace === undefined ? undefined : traceId(trace),
  }
}

/** The trace id of a traceparent header (W3C Trace Context section 3.2); `undefined` when it is invalid. */
export function traceId(traceparent: string): string | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/.exec(
    traceparent,
  )
  return match?.[1]
}

/** At most `length` characters of `text`, and an ellipsis if it was cut. */
export const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length)}…` : text

const optional = (text: string | undefined, length: number): string | undefined =>
  text === undefined ? undefined : cut(text, length)

const thousandths = (milliseconds: number): number => Math.max(0, Math.round(milliseconds * 1000)) / 1000
