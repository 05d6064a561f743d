import { type Address, resolveAddress } from './bucket.ts'
import {
  type Allow,
  type Decision,
  type Deny,
  decide,
  denyMalformed,
  denyWithoutRules,
} from './cors/decide.ts'
import { type CorsQuestion, readActual, readPreflight } from './cors/request.ts'
import type { DialectName } from './cors/rule.ts'
import { corsHeaders, type Dialect, type RequestIdentity, type StoreError } from './dialect/dialect.ts'
import { dialects } from './dialect/dialects.ts'
import { type HeaderPatch, type PlainResponse, type RequestFacts, servedMethods, untouched } from './http.ts'
import type { BucketPolicy, Snapshot } from './snapshot.ts'

/** The settings that decisions depend on. */
export interface Setup {
  readonly dialect: DialectName
  /** Lower case, without leading and trailing dot. */
  readonly hostSuffixes: readonly string[]
  readonly unconfigured: 'refuse' | 'forward'
  readonly bucketCorsApi: 'off' | 'read' | 'write'
  readonly debugHeaders: boolean
}

/** What the rules say of one request, before any wording. */
export interface Judgement {
  readonly address: Address
  /** `undefined`: no rule file speaks for this request. */
  readonly policy: BucketPolicy | undefined
  readonly dialect: Dialect
  readonly kind: 'preflight' | 'actual'
  /** `undefined`: not a CORS request. */
  readonly decision: Decision | undefined
  readonly question: CorsQuestion | undefined
  /** Leave the store's own CORS as it is: report mode, or an unconfigured bucket with `--unconfigured forward`. */
  readonly handsOff: boolean
}

interface Planned {
  readonly judgement: Judgement
  readonly requestId: string
}

/** What the gateway is to do with a request. */
export type Plan =
  /** Answer it here. `close`: the connection must not be used again. */
  | (Planned & { readonly act: 'answer'; readonly response: PlainResponse; readonly close: boolean })
  /** Pass `target` on and apply `patch` to the response. */
  | (Planned & { readonly act: 'forward'; readonly target: string; readonly patch: HeaderPatch })
  /** A call of the bucket CORS API for `bucket`; `patch` belongs on whatever answers it. */
  | (Planned & {
      readonly act: 'bucket-cors'
      readonly method: 'GET' | 'PUT' | 'DELETE'
      readonly bucket: string
      readonly target: string
      readonly patch: HeaderPatch
    })

/** What the rules of `snapshot` say of the request. Pure; also what candidate rules and replays are judged with. */
export function judge(snapshot: Snapshot, setup: Setup, facts: RequestFacts): Judgement {
  const address = resolveAddress(facts, { hosts: snapshot.hosts, suffixes: setup.hostSuffixes })
  const policy = policyFor(snapshot, address)
  const dialect = policy?.dialect ?? dialects[setup.dialect]
  const forwarded = policy === undefined && address.kind === 'bucket' && setup.unconfigured === 'forward'
  const handsOff = forwarded || policy?.mode === 'report'
  if (facts.method !== 'OPTIONS') {
    const question = readActual(facts)
    const decision = question === undefined ? undefined : decide(policy?.rules ?? [], question)
    return { address, policy, dialect, kind: 'actual', decision, question, handsOff }
  }
  const read = readPreflight(facts)
  if ('what' in read) {
    // A bucket without rules is told so whatever else is wrong, save for a missing Origin (recorded order of S3).
    const noRules = (policy?.rules.length ?? 0) === 0 && read.what !== 'origin-missing'
    const decision = noRules ? denyWithoutRules : denyMalformed(read)
    return { address, policy, dialect, kind: 'preflight', decision, question: undefined, handsOff }
  }
  const decision = decide(policy?.rules ?? [], read)
  return { address, policy, dialect, kind: 'preflight', decision, question: read, handsOff }
}

function policyFor(snapshot: Snapshot, address: Address): BucketPolicy | undefined {
  switch (address.kind) {
    case 'service':
      return snapshot.service
    case 'none':
      return undefined
    case 'bucket':
      return policyNamed(snapshot, address.name, address.byHost)
    case 'refused':
      return address.name === undefined ? undefined : policyNamed(snapshot, address.name, true)
  }
}

const policyNamed = (snapshot: Snapshot, name: string, byHost: boolean): BucketPolicy | undefined =>
  snapshot.buckets.get(name) ??
  (byHost ? snapshot.byHostName.get(name.toLowerCase()) : undefined) ??
  snapshot.fallback

/** Decides everything about one request and touches nothing. */
export function plan(snapshot: Snapshot, setup: Setup, facts: RequestFacts, identity: RequestIdentity): Plan {
  const judgement = judge(snapshot, setup, facts)
  const planned: Planned = { judgement, requestId: judgement.dialect.requestId(identity) }
  const { address } = judgement
  const defect = facts.defect ?? (address.kind === 'refused' ? address.defect : undefined)
  if (defect !== undefined || address.kind === 'refused') {
    const error = defect ?? { status: 400, code: 'InvalidURI', message: 'The request target is not valid.' }
    return {
      ...planned,
      act: 'answer',
      // RFC 9110 section 15.5.6: 405 names what is served.
      response: wordError(
        planned,
        setup,
        facts,
        identity,
        error,
        error.status === 405 ? ['Allow', servedMethods] : [],
      ),
      close: true,
    }
  }
  const patch = patchOf(judgement, setup)
  if (judgement.kind === 'preflight') {
    if (judgement.handsOff) return { ...planned, act: 'forward', target: address.target, patch }
    const response = wordPreflight(planned, setup, facts, identity)
    return { ...planned, act: 'answer', response, close: false }
  }
  return (
    planBucketCors(planned, setup, facts, identity, patch) ?? {
      ...planned,
      act: 'forward',
      target: address.target,
      patch,
    }
  )
}

/**
 * An error that is answered here instead of the store's response, in the dialect, with the CORS headers that the
 * response would have had, so that a page can read it.
 */
export function wordError(
  { judgement, requestId }: Planned,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
  error: StoreError,
  more: readonly string[] = [],
): PlainResponse {
  const { dialect, address } = judgement
  const context = { identity, requestId, method: facts.method, host: facts.host ?? '', path: address.path }
  const plain = dialect.error(error, context)
  // A preflight that is answered with an error has failed; there is nothing a page could read.
  if (judgement.kind === 'preflight')
    return { ...plain, headers: [...plain.headers, ...more, ...refusalVary(judgement)] }
  return { ...plain, headers: [...plain.headers, ...more, ...patchLines(patchOf(judgement, setup))] }
}

/** The header lines by which an answer of our own says what `patch` says of the store's. */
export function patchLines(patch: HeaderPatch): string[] {
  return patch.vary.length === 0 ? [...patch.add] : ['Vary', patch.vary.join(', '), ...patch.add]
}

function patchOf(judgement: Judgement, setup: Setup): HeaderPatch {
  const { policy, decision, handsOff } = judgement
  const debug = setup.debugHeaders && decision !== undefined ? debugLine(decision) : []
  if (handsOff) return debug.length === 0 ? untouched : { strip: false, add: debug, vary: [] }
  if (policy === undefined) return { strip: true, add: debug, vary: [] }
  if (decision?.verdict !== 'allow') return { strip: true, add: debug, vary: policy.varyOther }
  return {
    strip: true,
    add: [...allowLines(policy, decision, undefined), ...debug],
    vary: policy.varyMatched,
  }
}

function allowLines(policy: BucketPolicy, allow: Allow, requested: readonly string[] | undefined): string[] {
  const prepared = policy.prepared[allow.rule.number - 1]
  return prepared === undefined ? [] : corsHeaders(policy.dialect.style, prepared, allow, requested)
}

function wordPreflight(
  planned: Planned,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
): PlainResponse {
  const { judgement, requestId } = planned
  const { policy, dialect, decision, question, address } = judgement
  const debug = setup.debugHeaders && decision !== undefined ? debugLine(decision) : []
  if (policy !== undefined && decision?.verdict === 'allow') {
    const headers = allowLines(policy, decision, question?.headers ?? [])
    if (policy.varyMatched.length > 0) headers.push('Vary', policy.varyMatched.join(', '))
    headers.push('Server', dialect.server, dialect.requestIdHeader, requestId, ...debug)
    return { status: 200, headers, body: '' }
  }
  const refusal = dialect.refusal({
    deny: decision?.verdict === 'deny' ? decision : denyWithoutRules,
    bucket: bucketState(judgement),
    onBucket: address.kind === 'bucket' && address.onBucket,
    requestedMethod: facts.requestedMethod,
  })
  const context = { identity, requestId, method: facts.method, host: facts.host ?? '', path: address.path }
  const plain = dialect.error(refusal, context, refusal.fields)
  return { ...plain, headers: [...plain.headers, ...refusalVary(judgement), ...debug] }
}

function refusalVary({ policy, handsOff }: Judgement): string[] {
  if (policy === undefined || handsOff || policy.varyOther.length === 0) return []
  return ['Vary', policy.varyOther.join(', ')]
}

function bucketState({ address, policy }: Judgement): 'none' | 'unconfigured' | 'configured' {
  if (policy !== undefined && policy.rules.length > 0) return 'configured'
  return address.kind === 'bucket' || policy !== undefined ? 'unconfigured' : 'none'
}

/** `x-cors-sidecar-decision`, for the network panel of a browser. */
function debugLine(decision: Decision): [string, string] {
  return ['x-cors-sidecar-decision', decision.verdict === 'allow' ? allowed(decision) : denied(decision)]
}

const allowed = ({ rule }: Allow): string => `allowed; rule=${parameter(rule.label)}`

function denied({ reason, header, closest }: Deny): string {
  const name = header === undefined ? '' : `; name=${parameter(header)}`
  const rule = closest === undefined ? '' : `; rule=${parameter(closest.label)}`
  return `denied; reason=${reason}${name}${rule}`
}

/** A parameter value that is safe in any header, whatever a rule's author called the rule. */
function parameter(value: string): string {
  const short = value.slice(0, 64)
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(short) ? short : `"${short.replace(/[^ !#-[\]-~]/g, '?')}"`
}

/** Query parameters that name another sub-resource of a bucket (S3, COS and OSS API references). */
const subResources = new Set(
  (
    'abac accelerate accessmonitor acl analytics append archiveDirectRead asyncFetch attributes bucketInfo ' +
    'bucketinfo cname comp delete domain domaincertificate encryption httpsConfig img intelligent-tiering ' +
    'intelligenttiering inventory legal-hold lifecycle live location logging metadataConfiguration metadataTable ' +
    'metaQuery metrics notification object-lock objectInfo objectMeta origin ownershipControls policy policyStatus ' +
    'publicAccessBlock qos qosInfo referer regionList replication replicationLocation replicationProgress ' +
    'requesterQosInfo requestPayment resourceGroup resourcePool responseHeader restore retention select session ' +
    'stat style symlink tagging torrent transferAcceleration uploadId uploads versioning versions vod website worm ' +
    'wormExtend'
  ).split(' '),
)

/** `undefined`: the request is no call of the API, or the API is left to the store. */
function planBucketCors(
  planned: Planned,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
  patch: HeaderPatch,
): Plan | undefined {
  const { address, policy, handsOff } = planned.judgement
  if (setup.bucketCorsApi === 'off' || address.kind !== 'bucket' || !address.onBucket) return undefined
  const names = parameterNames(address.query)
  const calls = names.filter((name) => name === 'cors').length
  if (calls === 0 || policy?.mode === 'report') return undefined
  // An unconfigured bucket that is left to the store has no file to read; only `write` can give it one.
  if (handsOff && setup.bucketCorsApi === 'read') return undefined

  const refuse = (error: StoreError, more: readonly string[] = []): Plan => ({
    ...planned,
    act: 'answer',
    response: wordError(planned, setup, facts, identity, error, more),
    close: false,
  })
  if (calls > 1 || names.some((name) => subResources.has(name)))
    return refuse({
      status: 400,
      code: 'InvalidRequest',
      message: 'A request can name one sub-resource only, once.',
    })
  const { method } = facts
  const write = setup.bucketCorsApi === 'write'
  if (method === 'GET' || (write && (method === 'PUT' || method === 'DELETE')))
    return {
      ...planned,
      act: 'bucket-cors',
      method,
      bucket: policyName(planned.judgement),
      target: address.target,
      patch,
    }
  const managed = method === 'PUT' || method === 'DELETE'
  return refuse(
    {
      status: 405,
      code: 'MethodNotAllowed',
      message: managed
        ? 'The CORS rules of this bucket are managed in files.'
        : 'The specified method is not allowed against this resource.',
    },
    ['Allow', write ? 'GET, PUT, DELETE' : 'GET'],
  )
}

/** The bucket by the name of its file, where letter case of Host differed. */
function policyName({ address, policy }: Judgement): string {
  if (address.kind !== 'bucket') return ''
  return policy !== undefined && policy.label !== '_other' ? policy.name : address.name
}

function parameterNames(query: string): string[] {
  if (query === '') return []
  return query.split('&').map((parameter) => {
    const equals = parameter.indexOf('=')
    const name = equals < 0 ? parameter : parameter.slice(0, equals)
    try {
      return decodeURIComponent(name)
    } catch {
      return name
    }
  })
}
