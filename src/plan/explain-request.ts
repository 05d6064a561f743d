import type { Decision } from '../cors/decide.ts'
import { type Explanation, explain } from '../cors/explain.ts'
import { type Preset, presetOf } from '../cors/presets.ts'
import type { CompiledRule } from '../cors/rule.ts'
import type { RequestIdentity } from '../dialect/dialect.ts'
import { type HeaderLines, type RequestFacts, readFacts } from '../http.ts'
import { shellWord } from '../text/shell-word.ts'
import { type Address, isBucketName, resolveAddress } from './address.ts'
import type { Explained, ExplainedResponse, HeaderPairs } from './explained.ts'
import { endpointsOf, type Judgement, type Setup } from './judge.ts'
import { nearMiss } from './near-miss.ts'
import { defectOf, type Plan, plan } from './plan.ts'
import { type FileStatus, fallbackName, type Snapshot, serviceName } from './snapshot.ts'

/** Where a constructed request goes. `path` starts with a slash and may have a query. */
export type Destination =
  /** A bucket in path style. Without `path`, the object is an arbitrary one. */
  | { readonly kind: 'bucket'; readonly bucket: string; readonly path?: string }
  /** Host and path exactly as a client sends them. The bucket is found as for any request. */
  | { readonly kind: 'host'; readonly host: string; readonly path: string }

/** "What would happen if a page of `origin` sent this?" */
export interface RequestQuestion {
  readonly to: Destination
  /** `undefined`: no Origin header. Allowed for a preflight only. */
  readonly origin: string | undefined
  /** Access-Control-Request-Method; with `actual`, the method of the request itself. */
  readonly method: string | undefined
  /** Access-Control-Request-Headers as sent; `undefined`: not sent. */
  readonly requestedHeaders: string | undefined
  /** The actual request instead of its preflight. */
  readonly actual: boolean
}

/** `endpoint` is where clients reach the data port, e.g. `http://localhost:8080`. */
export interface ExplainContext {
  readonly snapshot: Snapshot
  readonly setup: Setup
  readonly identity: RequestIdentity
  readonly endpoint: string
}

/** Why no request can be constructed, in one sentence. */
interface UnusableQuestion {
  readonly kind: 'unusable'
  readonly message: string
}

/**
 * Explains a request that it constructs from `question`. Uses the code that serves requests: the same facts, the
 * same {@link plan}. Pure.
 */
export function explainRequest(
  { snapshot, setup, identity, endpoint }: ExplainContext,
  question: RequestQuestion,
): { readonly kind: 'explained'; readonly explained: Explained } | UnusableQuestion {
  const unusable = whyUnusable(question)
  if (unusable !== undefined) return { kind: 'unusable', message: unusable }
  const { host, target } = addressed(question.to, snapshot, setup, endpoint)
  const headers = headerLines(host, question)
  const method = question.actual ? (question.method ?? '') : 'OPTIONS'
  const facts = readFacts(method, target, '1.1', headers)
  const planned = plan(snapshot, setup, facts, identity)
  const { judgement } = planned
  const explanation = explainJudgement(judgement)
  if (explanation === undefined) return { kind: 'unusable', message: withoutOrigin }
  const file = fileOf(snapshot, judgement)
  const near = explanation.decision === 'allow' ? undefined : nearMiss(snapshot, judgement, host)
  const explained = {
    ...explanation,
    bucket: judgement.address.kind === 'bucket' ? judgement.address.name : undefined,
    file: file?.file,
    fileState: file?.state,
    dialect: judgement.dialect.name,
    mode: judgement.policy?.mode ?? 'enforce',
    notes: [...notesOn(planned, facts, file), ...(near === undefined ? [] : [near.text])],
    owner:
      near?.isCertain === true || judgement.deniedFor !== undefined ? undefined : ownerOf(judgement, facts),
    preset: presetText(decidingRule(judgement)),
    request: { method, target, headers: headerPairs(headers) },
    response: responseOf(planned),
    curl: curlLine(endpoint, method, target, headers),
    curlWrites: method !== 'OPTIONS' && method !== 'GET' && method !== 'HEAD',
  }
  return { kind: 'explained', explained }
}

/**
 * `names` as a browser lists them in Access-Control-Request-Headers: in lower case, sorted, without duplicates,
 * commas without spaces (https://fetch.spec.whatwg.org/#cors-unsafe-request-header-names). `undefined` when there
 * are none, because browsers then omit the header.
 */
export function browserHeaderList(names: readonly string[]): string | undefined {
  const unique = new Set(names.map((name) => name.trim().toLowerCase()).filter((name) => name !== ''))
  return unique.size === 0 ? undefined : [...unique].sort().join(',')
}

/** `undefined` when the request is not a CORS request. */
export function explainJudgement(judgement: Judgement): Explanation | undefined {
  const { address, policy, decision, question } = judgement
  if (decision === undefined) return undefined
  if (policy === undefined && address.kind !== 'bucket')
    return explainWithoutBucket(address, judgement, decision)
  // The remedy is another path or host. Rules of a bucket that the page does not use must not be widened for it.
  if (judgement.deniedFor !== undefined)
    return {
      ...explain({ bucket: judgement.deniedFor, rules: [], decision, question }),
      text: deniedForText(judgement.deniedFor),
    }
  const bucket = address.kind === 'bucket' ? address.name : (policy?.name ?? serviceName)
  return explain({ bucket, rules: policy?.rules ?? [], decision, question })
}

const deniedForText = (other: string): string =>
  `The store may read this request as a request for bucket ${other}, and no rule of that bucket allows it. Use a Host and path that name only one bucket.`

const withoutOrigin = 'A request without Origin is not a CORS request: name the origin of the page.'

function whyUnusable({ to, origin, method, requestedHeaders, actual }: RequestQuestion): string | undefined {
  if (to.kind === 'bucket' && !isBucketName(to.bucket))
    return 'A bucket name is 1 to 63 letters, digits, dots, underscores and hyphens, and begins with a letter or digit.'
  if (to.path !== undefined && !to.path.startsWith('/')) return 'A path begins with a slash.'
  const values = [origin, method, requestedHeaders, to.kind === 'host' ? to.host : '']
  // CR and LF would end a header line, so that the curl command sends more than people see when they paste it.
  if (values.some((value) => value !== undefined && /[\0-\x1f\x7f]/.test(value)))
    return 'A header value cannot contain control characters.'
  if (!actual) return undefined
  if (origin === undefined || origin === '') return withoutOrigin
  if (method === undefined || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,32}$/.test(method))
    return 'Give the method of the request, for example GET.'
  return method === 'OPTIONS' ? 'For a preflight, leave out "actual".' : undefined
}

function addressed(
  to: Destination,
  snapshot: Snapshot,
  setup: Setup,
  endpoint: string,
): { readonly host: string; readonly target: string } {
  if (to.kind === 'host') return { host: to.host, target: requestTarget(to.path) }
  const authority = endpoint.slice(endpoint.indexOf('://') + 3)
  const target = `/${to.bucket}${requestTarget(to.path ?? '/exampleobject')}`
  // If the host of the endpoint itself names a bucket, path style needs a host that names none.
  const probe = readFacts('GET', '/', '1.1', ['Host', authority])
  const root = resolveAddress(probe, endpointsOf(snapshot, setup))
  return { host: root.kind === 'service' ? authority : 'cors-sidecar.invalid', target }
}

/** Percent-encodes what a request target cannot contain. Existing escapes stay. */
const requestTarget = (path: string): string =>
  path.toWellFormed().replace(/[^!-~]/gu, (character) => encodeURIComponent(character))

function headerLines(host: string, { origin, method, requestedHeaders, actual }: RequestQuestion): string[] {
  const line = (name: string, value: string | undefined): string[] =>
    value === undefined || value.trim() === '' ? [] : [name, value.trim()]
  return [
    ...['Host', host.trim()],
    ...line('Origin', origin),
    ...(actual ? [] : line('Access-Control-Request-Method', method)),
    ...(actual ? [] : line('Access-Control-Request-Headers', requestedHeaders)),
  ]
}

function fileOf(snapshot: Snapshot, { policy }: Judgement): FileStatus | undefined {
  return policy === undefined ? undefined : snapshot.files.find(({ bucket }) => bucket === policy.name)
}

function ownerOf({ address, policy }: Judgement, facts: RequestFacts): string | undefined {
  if (facts.defect !== undefined) return undefined
  if (address.kind === 'service') return serviceName
  if (address.kind !== 'bucket') return undefined
  return policy === undefined || policy.name === fallbackName ? address.name : policy.name
}

type WithoutBucket = Exclude<Address, { readonly kind: 'bucket' }>

function explainWithoutBucket(
  address: WithoutBucket,
  { question }: Judgement,
  decision: Decision,
): Explanation {
  const explanation = explain({ bucket: serviceName, rules: [], decision, question })
  return decision.reason === 'no_rules' ? { ...explanation, text: withoutBucketText(address) } : explanation
}

function withoutBucketText(address: WithoutBucket): string {
  switch (address.kind) {
    case 'service':
      return `The request names no bucket, and there is no ${serviceName}.yaml, whose rules would apply to such requests.`
    case 'refused':
      return 'The request is refused before any rule is checked.'
    case 'none':
      if (address.closeTo !== undefined) return closeToText(address.closeTo)
      return `${address.byHost ? 'The part of Host before the host suffix' : 'The first segment of the path'} cannot be a bucket name, so no rules can apply to this request.`
  }
}

const closeToText = (closeTo: string): string =>
  `The name of the bucket differs from ${closeTo} only by case or trailing dots, so no rules apply to it. Write it as ${closeTo}.`

function notesOn(planned: Plan, facts: RequestFacts, file: FileStatus | undefined): string[] {
  const { address, policy, handsOff, decision, kind } = planned.judgement
  const defect = defectOf(planned.judgement, facts)
  if (defect !== undefined)
    return [`Answered with ${defect.status} before any rule is checked: ${defect.message}`]
  const notes: string[] = []
  // With reason `no_rules`, the text of the explanation says so.
  if (address.kind === 'none' && address.closeTo !== undefined && decision?.reason !== 'no_rules')
    notes.push(closeToText(address.closeTo))
  if (policy?.name === fallbackName && address.kind === 'bucket')
    notes.push(
      `Bucket ${address.name} has no rule file of its own, so ${file?.file ?? fallbackName} applies.`,
    )
  const error = file?.findings.find(({ severity }) => severity === 'error')
  if (file !== undefined && file.state !== 'ok') {
    const served = file.state === 'stale' ? 'its last good rules are still served' : 'no rules are served'
    const place = error === undefined ? '' : ` (line ${error.line}, column ${error.column}: ${error.message})`
    notes.push(`${file.file} has an error, so ${served}${place}.`)
  }
  if (policy?.mode === 'report')
    notes.push(
      'The bucket is in report mode: the decision is only counted and logged, and the store answers.',
    )
  else if (handsOff) notes.push('The bucket has no rule file, so the store handles CORS for it.')
  else if (kind === 'actual' && decision?.verdict === 'deny')
    notes.push(
      'The request itself is served, but without CORS headers, so the browser hides the response from the page.',
    )
  return notes
}

function decidingRule({ decision }: Judgement): CompiledRule | undefined {
  return decision?.verdict === 'allow' ? decision.rule : decision?.closest
}

function presetText(rule: CompiledRule | undefined): string | undefined {
  const preset = rule?.rule.preset === undefined ? undefined : presetOf(rule.rule.preset)
  return rule === undefined || preset === undefined ? undefined : fromPreset(rule, preset)
}

function fromPreset({ rule, label }: CompiledRule, preset: Preset): string {
  const filled = (['allowedMethods', 'allowedHeaders', 'exposeHeaders', 'maxAgeSeconds'] as const)
    // Compared by value, because a rule that a child process has read is a copy.
    .filter((field) => [rule[field]].flat().join('\n') === [preset[field]].flat().join('\n'))
    .map((field) => `${field}: ${[preset[field]].flat().join(', ') || 'none'}`)
  return `Rule ${label} takes from preset ${rule.preset}: ${filled.join('; ') || 'nothing'}.`
}

function responseOf(planned: Plan): ExplainedResponse {
  if (planned.act !== 'answer') {
    const { strip, add, vary, resourcePolicy } = planned.patch
    const policy = resourcePolicy === undefined ? [] : ['Cross-Origin-Resource-Policy', resourcePolicy]
    return { kind: 'decorated', strip, headers: headerPairs([...add, ...policy]), vary }
  }
  const { status, headers, body } = planned.response
  // A 204 must not have Content-Length (RFC 9110 section 8.6).
  if (status === 204) return { kind: 'answer', status, headers: headerPairs(headers), body }
  const length = String(new TextEncoder().encode(body).length)
  return { kind: 'answer', status, headers: headerPairs([...headers, 'Content-Length', length]), body }
}

const headerPairs = (lines: HeaderLines): HeaderPairs =>
  lines.flatMap((name, index) => (index % 2 === 0 ? [[name, lines[index + 1] ?? ''] as const] : []))

function curlLine(endpoint: string, method: string, target: string, headers: HeaderLines): string {
  const url = `${endpoint}${target}`
  const words = ['curl', '-i', ...curlMethod(method)]
  // Without these options curl would resolve dot segments and expand braces and brackets.
  if (/\/(?:\.|%2e)/i.test(target)) words.push('--path-as-is')
  if (/[[\]{}]/.test(url)) words.push('--globoff')
  for (let i = 0; i + 1 < headers.length; i += 2) {
    const value = headers[i + 1] ?? ''
    // curl adds the Host of its URL itself.
    if (headers[i] === 'Host' && endpoint.endsWith(`://${value}`)) continue
    words.push('-H', shellWord(`${headers[i]}: ${value}`))
  }
  return [...words, shellWord(url)].join(' ')
}

function curlMethod(method: string): string[] {
  if (method === 'GET') return []
  // With -X HEAD curl would wait for a body that never comes.
  return method === 'HEAD' ? ['--head'] : ['-X', method]
}
