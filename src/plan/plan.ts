import type { Allow, Decision, Deny } from '../cors/decide.ts'
import { denyWithoutRules } from '../cors/decide.ts'
import type { BucketCorsWords, RequestIdentity, StoreError } from '../dialect/dialect.ts'
import {
  applyPatch,
  type HeaderPatch,
  type PlainResponse,
  type RequestDefect,
  type RequestFacts,
  untouched,
} from '../http.ts'
import { decodeEscape } from '../text/percent.ts'
import { type Judgement, judge, type Setup, type VerdictMemory } from './judge.ts'
import { methodDefect, servedMethods } from './served-methods.ts'
import type { Snapshot } from './snapshot.ts'

interface Planned {
  readonly judgement: Judgement
  readonly requestId: string
}

/** What the gateway does with a request. */
export type Plan =
  /** Answer here. `close`: close the connection afterwards. */
  | (Planned & { readonly act: 'answer'; readonly response: PlainResponse; readonly close: boolean })
  /** Forward to `target` and apply `patch` to the response. */
  | (Planned & { readonly act: 'forward'; readonly target: string; readonly patch: HeaderPatch })
  /** Call the bucket CORS API for `bucket`, and apply `patch` to its response. */
  | (Planned & {
      readonly act: 'bucket-cors'
      readonly method: 'GET' | 'PUT' | 'DELETE'
      readonly bucket: string
      readonly words: BucketCorsWords
      readonly target: string
      readonly patch: HeaderPatch
    })

/** Decides everything about one request. No side effects, except on the cache `memory`. */
export function plan(
  snapshot: Snapshot,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
  memory?: VerdictMemory,
): Plan {
  const judgement = judge(snapshot, setup, facts, memory)
  const requestId = judgement.dialect.requestId(identity)
  const { address } = judgement
  const defect = defectOf(judgement, facts)
  if (defect !== undefined || address.kind === 'refused') {
    const error = defect ?? { status: 400, code: 'InvalidURI', message: 'The request target is not valid.' }
    // A 405 lists the methods that are served (RFC 9110 section 15.5.6).
    const more = error.status === 405 ? ['Allow', servedMethods(judgement.dialect.matching)] : []
    const response = wordError({ judgement, requestId }, setup, facts, identity, error, more)
    return { judgement, requestId, act: 'answer', response, close: true }
  }
  const { target } = address
  if (judgement.kind === 'preflight' && !judgement.handsOff) {
    const response = wordPreflight({ judgement, requestId }, setup, facts, identity)
    return { judgement, requestId, act: 'answer', response, close: false }
  }
  const patch = patchOf(judgement, setup)
  const managed =
    setup.bucketCorsApi === 'off' || judgement.kind === 'preflight'
      ? undefined
      : planBucketCors({ judgement, requestId }, setup, facts, identity, patch)
  return managed ?? { judgement, requestId, act: 'forward', target, patch }
}

/** Why the request is answered before any rule is checked; `undefined` when nothing is wrong with it. */
export function defectOf({ address, dialect }: Judgement, facts: RequestFacts): RequestDefect | undefined {
  const defect = facts.defect ?? (address.kind === 'refused' ? address.defect : undefined)
  return defect ?? methodDefect(facts.method, dialect.matching)
}

/**
 * An error made here in place of the store's response, in the dialect. It carries the CORS headers of that
 * response, so that a page can read the error.
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
  // A preflight that gets an error has failed, and no page can read it, so it needs no CORS headers.
  if (judgement.kind === 'preflight')
    return { ...plain, headers: [...plain.headers, ...more, ...refusalVary(judgement)] }
  return { ...plain, headers: [...plain.headers, ...more, ...patchLines(patchOf(judgement, setup))] }
}

/** The header lines that `patch` adds, for a response made here. */
export function patchLines(patch: HeaderPatch): string[] {
  return applyPatch([], patch)
}

function patchOf({ policy, decision, headers, handsOff }: Judgement, setup: Setup): HeaderPatch {
  const debug = debugLine(decision, setup)
  if (handsOff) return debug.length === 0 ? untouched : { strip: false, add: debug, vary: [] }
  if (policy === undefined) return { strip: true, add: debug, vary: [] }
  const vary = decision?.verdict === 'allow' ? policy.varyMatched : policy.varyOther
  const patch = { strip: true, add: debug.length === 0 ? headers : [...headers, ...debug], vary }
  const { resourcePolicy } = policy.file
  return resourcePolicy === undefined ? patch : { ...patch, resourcePolicy }
}

function wordPreflight(
  planned: Planned,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
): PlainResponse {
  const { judgement, requestId } = planned
  const { policy, dialect, decision, address } = judgement
  const debug = debugLine(decision, setup)
  if (policy !== undefined && decision?.verdict === 'allow') {
    const headers = judgement.headers.slice()
    if (policy.varyMatched.length > 0) headers.push('Vary', policy.varyMatched.join(', '))
    for (const item of dialect.signature(requestId)) headers.push(item)
    for (const item of debug) headers.push(item)
    return { status: dialect.preflightStatus, headers, body: '' }
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

/** `x-cors-sidecar-decision` for the browser's network panel, if enabled. */
function debugLine(decision: Decision | undefined, setup: Setup): readonly string[] {
  if (!setup.debugHeaders || decision === undefined) return none
  return ['x-cors-sidecar-decision', decision.verdict === 'allow' ? allowed(decision) : denied(decision)]
}

const none: readonly string[] = []

const allowed = ({ rule }: Allow): string => `allowed; rule=${parameter(rule.label)}`

function denied({ reason, header, closest }: Deny): string {
  const name = header === undefined ? '' : `; name=${parameter(header)}`
  const rule = closest === undefined ? '' : `; rule=${parameter(closest.label)}`
  return `denied; reason=${reason}${name}${rule}`
}

/** Makes a rule label safe as a header parameter: its author may have used any characters. */
function parameter(value: string): string {
  const short = value.slice(0, 64)
  return /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(short) ? short : `"${short.replace(/[^ !#-[\]-~]/g, '?')}"`
}

/** Query parameters that name other sub-resources of a bucket (API references of S3, COS and OSS). */
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

/** `undefined`: the request does not call the API, or the store handles the API. */
function planBucketCors(
  planned: Planned,
  setup: Setup,
  facts: RequestFacts,
  identity: RequestIdentity,
  patch: HeaderPatch,
): Plan | undefined {
  const { address, policy, handsOff } = planned.judgement
  if (address.kind !== 'bucket' || !address.onBucket) return undefined
  const words = planned.judgement.dialect.bucketCors
  if (words === undefined || !mayNameCors.test(address.query)) return undefined
  const names = parameterNames(address.query)
  const calls = names.filter((name) => name === 'cors').length
  if (calls === 0 || policy?.mode === 'report') return undefined
  // A bucket that is left to the store has no rule file to read. Only mode `write` can create one.
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
      message: 'A request can name only one sub-resource, and only once.',
    })
  const { method } = facts
  const write = setup.bucketCorsApi === 'write'
  if (method === 'GET' || (write && (method === 'PUT' || method === 'DELETE')))
    return {
      ...planned,
      act: 'bucket-cors',
      method,
      words,
      bucket: address.name,
      target: address.target,
      patch,
    }
  const managed = method === 'PUT' || method === 'DELETE'
  return refuse(
    {
      status: 405,
      code: 'MethodNotAllowed',
      message: managed
        ? 'The CORS rules of this bucket are managed in files. To allow changes through the API, start serve with --bucket-cors-api write and --credentials.'
        : 'The specified method is not allowed against this resource.',
    },
    ['Allow', write ? 'GET, PUT, DELETE' : 'GET'],
  )
}

/** Quick test: most queries cannot contain `cors`. */
const mayNameCors = /c|%63/

/**
 * The names of the parameters, with encoded letters, digits and hyphens decoded: names of sub-resources consist of
 * these. One pass over the text, because `decodeURIComponent` per name costs microseconds on malformed escapes, and
 * 16 KB have room for thousands of names.
 */
function parameterNames(query: string): string[] {
  const text = query.includes('%') ? query.replace(escapedName, decodeEscape) : query
  return text.split('&').map((parameter) => {
    const equals = parameter.indexOf('=')
    return equals < 0 ? parameter : parameter.slice(0, equals)
  })
}

const escapedName = /%(?:2[dD]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA])/g
