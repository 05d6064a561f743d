import type { RequestFacts } from '../http.ts'
import type { Judgement, Verdict } from '../plan/judge.ts'
import type { Plan } from '../plan/plan.ts'
import { escapeControls } from './escape-controls.ts'
import { redactQuery } from './redact.ts'

/** A request that is over. */
export interface FinishedRequest {
  readonly facts: RequestFacts
  readonly plan: Plan
  /** Generation of the rules that decided. */
  readonly generation: number
  /** Address of the peer. */
  readonly client: string | undefined
  /** Status sent to the client; 0 when none was. */
  readonly status: number
  readonly milliseconds: number
  /** Until the first byte of the store's answer. */
  readonly upstreamMilliseconds: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly upstreamError: string | undefined
  readonly aborted: boolean
}

/** No line is longer, in bytes: what collects logs cuts longer ones, and half a line is no JSON. */
export const maxLineBytes = 8192

/** How much of a value is shown, in characters. What is cut ends with an ellipsis, so that nobody takes it for whole. */
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
 * One line of JSON, without its end. Names are OpenTelemetry's where it has one (Semantic Conventions, "HTTP", header
 * attributes are lists). Written by hand, because it is written for every request.
 */
export function requestLine(request: FinishedRequest, time: string): string {
  const line = writeLine(request, time, generous)
  // Below a sixth of the bound no escaping can exceed it.
  return line.length * 6 < maxLineBytes || Buffer.byteLength(line) < maxLineBytes
    ? line
    : writeLine(request, time, strict)
}

function writeLine(request: FinishedRequest, time: string, cuts: Cuts): string {
  const { facts, plan, client, status, bytesIn, bytesOut, upstreamError } = request
  const { address } = plan.judgement
  // Of our own making: there is nothing to escape.
  let line = `{"level":"info","time":"${time}","msg":"request","request_id":"${plan.requestId}"`
  line += `,"url.path":${quote(address.path, cuts.path)}`
  const query = address.kind === 'refused' ? '' : address.query
  // Cut before it is redacted, which then has a bound; a parameter that is cut in two keeps its name.
  if (query !== '') line += `,"url.query":${quote(redactQuery(cut(query, cuts.query)), 2 * cuts.query)}`
  line += questionFields(facts, plan.judgement, cuts) + senderFields(facts, cuts)
  if (client !== undefined) line += `,"client.address":${quote(client, cuts.short)}`
  line += `,"http.response.status_code":${status},"duration_ms":${rounded(request.milliseconds)}`
  if (request.upstreamMilliseconds !== undefined)
    line += `,"upstream_ms":${rounded(request.upstreamMilliseconds)}`
  line += `,"http.request.body.size":${bytesIn},"http.response.body.size":${bytesOut}`
  if (upstreamError !== undefined) line += `,"error.type":${quote(upstreamError, cuts.short)}`
  if (request.aborted) line += ',"aborted":true'
  return `${line},"generation":${request.generation}}`
}

/** Host as two fields; what is no address with a port is one. */
function serverFields(host: string, cuts: Cuts): string {
  const colon = host.lastIndexOf(':')
  const port = colon < 0 ? Number.NaN : portOf(host, colon + 1)
  const isOneAddress = host.startsWith('[') ? host.charAt(colon - 1) === ']' : host.indexOf(':') === colon
  if (Number.isNaN(port) || colon === 0 || !isOneAddress)
    return `,"server.address":${quote(host, cuts.short)}`
  return `,"server.address":${quote(host.slice(0, colon), cuts.short)},"server.port":${port}`
}

/** The decimal number that `text` ends with from `start` on, NaN when it is not one of five digits at most. */
function portOf(text: string, start: number): number {
  if (start === text.length || text.length - start > 5) return Number.NaN
  let port = 0
  for (let i = start; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48
    if (digit < 0 || digit > 9) return Number.NaN
    port = 10 * port + digit
  }
  return port
}

/** Bucket, decision, and which rule it came from; of a denial also what was missing. */
export function decisionFields({ judgement }: Plan, cuts: Pick<Cuts, 'header' | 'short'>): string {
  return bucketField(judgement, cuts) + verdictFields(judgement, cuts)
}

function bucketField({ address }: Judgement, { short }: Pick<Cuts, 'short'>): string {
  return address.kind === 'bucket' ? `,"bucket":${quote(address.name, short)}` : ''
}

function verdictFields(
  { kind, decision, handsOff }: Judgement,
  { short }: Pick<Cuts, 'header' | 'short'>,
): string {
  if (decision === undefined) return ''
  const mode = handsOff ? 'report' : 'enforce'
  const fields = `,"kind":"${kind}","decision":"${decision.verdict}","reason":"${decision.reason}","mode":"${mode}"`
  if (decision.verdict === 'allow') return `${fields},"rule":${quote(decision.rule.label, short)}`
  const { closest, header } = decision
  return (
    fields +
    (closest === undefined ? '' : `,"closest_rule":${quote(closest.label, short)}`) +
    (header === undefined ? '' : `,"denied_header":${quote(header, short)}`)
  )
}

/** Fields of a line that are the same for many requests, with what they were made of beside their verdict. */
interface Written {
  readonly bucket: string
  readonly host: string | undefined
  readonly requestedMethod: string | undefined
  readonly requestedHeaders: string | undefined
  readonly fields: string
}

/** Of remembered verdicts, the fields that were written last. */
const written = new WeakMap<Verdict, Written>()

/** What was asked of whom, and decided. */
function questionFields(facts: RequestFacts, judgement: Judgement, cuts: Cuts): string {
  const { remembered, address } = judgement
  if (remembered === undefined || cuts !== generous) return writeQuestion(facts, judgement, cuts)
  const { host, requestedMethod, requestedHeaders } = facts
  const bucket = address.kind === 'bucket' ? address.name : ''
  const before = written.get(remembered)
  // A verdict can be shared by requests that were written differently: what does not matter to it is logged all the same.
  if (
    before !== undefined &&
    before.requestedHeaders === requestedHeaders &&
    before.requestedMethod === requestedMethod &&
    before.host === host &&
    before.bucket === bucket
  )
    return before.fields
  // By way of bytes the many pieces of the text become one, which is quicker to write out each time.
  const fields = Buffer.from(writeQuestion(facts, judgement, cuts)).toString()
  written.set(remembered, { bucket, host, requestedMethod, requestedHeaders, fields })
  return fields
}

/** The method needs no comparison: a verdict is of one method. */
function writeQuestion(facts: RequestFacts, judgement: Judgement, cuts: Cuts): string {
  return (
    `,"http.request.method":${quote(facts.method, cuts.short)}` +
    (facts.host === undefined ? '' : serverFields(facts.host, cuts)) +
    bucketField(judgement, cuts) +
    verdictFields(judgement, cuts) +
    (facts.origin === undefined ? '' : corsFields(facts, cuts))
  )
}

/** What the rules were asked: enough to ask other rules the same. */
export function corsFields(facts: RequestFacts, cuts: Pick<Cuts, 'header'>): string {
  const header = (name: string, value: string | undefined): string =>
    value === undefined ? '' : `,"http.request.header.${name}":[${quote(value, cuts.header)}]`
  return (
    header('origin', facts.origin) +
    header('access-control-request-method', facts.requestedMethod) +
    header('access-control-request-headers', facts.requestedHeaders)
  )
}

/** User agent and trace, read here because nothing else needs them. */
function senderFields({ headers }: RequestFacts, cuts: Cuts): string {
  let fields = ''
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const name = headers[i] ?? ''
    // Lengths first: hardly any other header has them.
    if (name.length === 10 && name.toLowerCase() === 'user-agent')
      fields += `,"user_agent.original":${quote(headers[i + 1] ?? '', cuts.short)}`
    else if (name.length === 11 && name.toLowerCase() === 'traceparent') {
      const trace = traceId(headers[i + 1] ?? '')
      if (trace !== undefined) fields += `,"trace_id":"${trace}"`
    }
  }
  return fields
}

/** The trace id of a traceparent value (W3C Trace Context section 3.2), `undefined` when it is not valid. */
export function traceId(traceparent: string): string | undefined {
  const match = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:$|-)/.exec(
    traceparent,
  )
  return match?.[1]
}

/** At most `length` characters of `text`; what is cut ends with an ellipsis. */
export const cut = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length)}…` : text

/** A string of JSON. Lone surrogates are escaped, so that the line is UTF-8 whatever was sent, and controls. */
function quote(text: string, length: number): string {
  const part = cut(text, length)
  // Hardly any value has something to escape, and to look is quicker than to escape.
  return /[^ !#-[\]-~]/.test(part) ? escapeControls(JSON.stringify(part)) : `"${part}"`
}

/** Three decimals, by way of whole numbers, whose text is made in a fraction of the time. */
function rounded(milliseconds: number): string {
  const microseconds = Math.max(0, Math.round(milliseconds * 1000))
  const whole = Math.floor(microseconds / 1000)
  const rest = microseconds - whole * 1000
  return `${whole}.${rest < 10 ? '00' : rest < 100 ? '0' : ''}${rest}`
}
