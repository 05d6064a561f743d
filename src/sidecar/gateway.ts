import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isoTime } from '../auth/timestamp.ts'
import type { BucketCorsApi } from '../bucket-cors/bucket-cors.ts'
import type { RequestIdentity, StoreError } from '../dialect/dialect.ts'
import { type PlainResponse, type RequestFacts, readFacts } from '../http.ts'
import type { Setup, Verdict, VerdictMemory } from '../plan/judge.ts'
import { type Plan, plan, wordError } from '../plan/plan.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { sendAnswer } from '../proxy/answer.ts'
import type { Forwarder, ForwardFailure, ForwardOutcome } from '../proxy/forward.ts'
import { peerOf } from '../proxy/peer.ts'
import type { FinishedRequest } from '../requests/finished-request.ts'

export interface GatewayOptions {
  readonly setup: Setup
  /** The current rules. Called once per request. */
  readonly rules: () => Snapshot
  readonly forwarder: Forwarder
  readonly answerBucketCors: BucketCorsApi
  readonly finished: (request: FinishedRequest) => void
  /** Called when our own code threw. Only that request fails. */
  readonly failed: (error: unknown) => void
}

/** Responses when forwarding fails and there is no response of the store to relay. */
const failures: Readonly<Record<ForwardFailure, StoreError>> = {
  refused: badGateway('The object store refused the connection.'),
  dns: badGateway('The name of the object store cannot be resolved.'),
  tls: badGateway('The TLS connection to the object store failed.'),
  reset: badGateway('The object store closed the connection before it answered.'),
  'reset-in-upload': badGateway(
    'The object store closed the connection during the upload, before it answered.',
  ),
  trailers: {
    status: 400,
    code: 'InvalidRequest',
    message: 'The upload has a trailer field that is allowed only in the header section.',
  },
  truncated: badGateway("The object store's response ended too early."),
  invalid: badGateway('The object store sent a response that is not valid HTTP.'),
  timeout: { status: 504, code: 'GatewayTimeout', message: 'The object store did not answer in time.' },
}

/** 503, because the lack of memory is temporary and the next attempt may succeed. */
const overloaded: StoreError = {
  status: 503,
  code: 'ServiceUnavailable',
  message: 'Too many requests are under way. Please try again in a second.',
}

function badGateway(message: string): StoreError {
  return { status: 502, code: 'BadGateway', message }
}

const internalError: StoreError = {
  status: 500,
  code: 'InternalError',
  message: 'We encountered an internal error. Please try again.',
}

/** Limit of the verdict cache, which all buckets share. */
const remembered = 1000

/** Clears a full cache, because frequent requests refill it at once. The limit keeps clients from making it grow. */
function createMemory(): VerdictMemory {
  const verdicts = new Map<string, Verdict>()
  return {
    get: (key) => verdicts.get(key),
    set(key, verdict) {
      if (verdicts.size >= remembered) verdicts.clear()
      verdicts.set(key, verdict)
    },
  }
}

/** The request listener of the data port. Reads the facts, plans, performs, and reports once per request. */
export function createGateway(
  options: GatewayOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const identify = createIdentities()
  const memory = createMemory()
  return (request, response) => {
    try {
      const client = peerOf(request.socket)?.address
      if (client === undefined) response.destroy()
      else serve(options, begin(options, memory, identify(), request, client), request, response)
    } catch (error) {
      options.failed(error)
      response.destroy()
    }
  }
}

interface Begun {
  readonly facts: RequestFacts
  readonly plan: Plan
  readonly snapshot: Snapshot
  readonly identity: RequestIdentity
  readonly client: string
  /** `performance.now()` */
  readonly started: number
}

function begin(
  { rules, setup }: GatewayOptions,
  memory: VerdictMemory,
  identity: RequestIdentity,
  request: IncomingMessage,
  client: string,
): Begun {
  const started = performance.now()
  const facts = readFacts(request.method ?? '', request.url ?? '', request.httpVersion, request.rawHeaders)
  // Taken once, so that one request never mixes two generations of rules.
  const snapshot = rules()
  const planned = plan(snapshot, setup, facts, identity, memory)
  return { facts, plan: planned, snapshot, identity, client, started }
}

function serve(
  options: GatewayOptions,
  begun: Begun,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { plan } = begun
  switch (plan.act) {
    case 'answer':
      answer(options, begun, request, response, plan.response, plan.close)
      return
    case 'forward':
      forward(options, begun, plan, request, response)
      return
    case 'bucket-cors':
      callBucketCors(options, begun, plan, request, response)
      return
  }
}

function answer(
  options: GatewayOptions,
  begun: Begun,
  request: IncomingMessage,
  response: ServerResponse,
  plain: PlainResponse,
  close: boolean,
): void {
  const bytesOut = sendAnswer(request, response, plain, { close })
  options.finished(
    finishedRequest(begun, {
      status: plain.status,
      error: undefined,
      aborted: false,
      bytesIn: 0,
      bytesOut,
      firstByteMilliseconds: undefined,
    }),
  )
}

function forward(
  options: GatewayOptions,
  begun: Begun,
  plan: Plan & { readonly act: 'forward' | 'bucket-cors' },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { facts, identity, client } = begun
  const failure = (why: ForwardFailure): PlainResponse =>
    wordError(plan, options.setup, facts, identity, failures[why])
  const overload = (): PlainResponse =>
    wordError(plan, options.setup, facts, identity, overloaded, ['Retry-After', '1'])
  options.forwarder.forward(
    request,
    response,
    { facts, client, target: plan.target, patch: plan.patch, overload, failure },
    (outcome) => options.finished(finishedRequest(begun, outcome)),
  )
}

function callBucketCors(
  options: GatewayOptions,
  begun: Begun,
  plan: Plan & { readonly act: 'bucket-cors' },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { facts, snapshot, identity, client } = begun
  options
    .answerBucketCors(request, facts, plan, snapshot, identity, client, () => response.writeContinue())
    .then(
      (plain) => {
        if (plain === 'forward') forward(options, begun, plan, request, response)
        else answer(options, begun, request, response, plain, false)
      },
      (error: unknown) => {
        options.failed(error)
        const plain = wordError(plan, options.setup, facts, identity, internalError)
        answer(options, begun, request, response, plain, true)
      },
    )
    .catch((error: unknown) => {
      options.failed(error)
      response.destroy()
    })
}

function finishedRequest(
  { facts, plan, snapshot, client, started }: Begun,
  outcome: ForwardOutcome,
): FinishedRequest {
  return {
    facts,
    plan,
    generation: snapshot.generation,
    client,
    status: outcome.status,
    milliseconds: performance.now() - started,
    upstreamMilliseconds: outcome.firstByteMilliseconds,
    bytesIn: outcome.bytesIn,
    bytesOut: outcome.bytesOut,
    upstreamError: outcome.error,
    aborted: outcome.aborted,
  }
}

/** Request ids of this process. Random enough to be unique among replicas. */
function createIdentities(): () => RequestIdentity {
  const node = randomBytes(4).readUInt32BE()
  const process = randomBytes(2).readUInt16BE()
  // Starts with seven hexadecimal digits, like the vendors' ids.
  let sequence = 0x1000000 + randomBytes(3).readUIntBE(0, 3)
  return () => {
    sequence = (sequence + 1) >>> 0
    return { unixSeconds: Math.floor(Date.now() / 1000), node, process, sequence, isoTime, randomHex }
  }
}

const randomHex = (length: number): string =>
  randomBytes(Math.ceil(length / 2))
    .toString('hex')
    .slice(0, length)
