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
  /** The rules as they are now. Asked once per request. */
  readonly rules: () => Snapshot
  readonly forwarder: Forwarder
  readonly answerBucketCors: BucketCorsApi
  readonly finished: (request: FinishedRequest) => void
  /** A bug: it costs one request, and is told here. */
  readonly failed: (error: unknown) => void
}

/** Answers of ours that have no status of the store's to go by. */
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
    message: 'The upload ends with a trailer field that must stand in the header section.',
  },
  truncated: badGateway('The object store ended its answer too early.'),
  invalid: badGateway('The object store sent an answer that is not valid HTTP.'),
  timeout: { status: 504, code: 'GatewayTimeout', message: 'The object store did not answer in time.' },
}

/** Too many exchanges for the memory there is: the next try may be served. */
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

/** How many verdicts are remembered, of all buckets together. */
const remembered = 1000

/** Forgets everything when it is full: what is asked often is there again at once, and nobody can make it large. */
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

/** The request listener of the data port: facts, plan, perform; one report per request. */
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

/** A request whose plan is made. */
interface Begun {
  readonly facts: RequestFacts
  readonly plan: Plan
  readonly snapshot: Snapshot
  readonly identity: RequestIdentity
  readonly client: string
  /** `performance.now()`. */
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
  // Taken once and kept: a preflight or a decoration never mixes two generations of rules.
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
  sendAnswer(request, response, plain, { close })
  options.finished(
    finishedRequest(begun, {
      status: plain.status,
      error: undefined,
      aborted: false,
      bytesIn: 0,
      bytesOut: Buffer.byteLength(plain.body),
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

/** Ids of the requests of this process; random enough to be unique among replicas. */
function createIdentities(): () => RequestIdentity {
  const node = randomBytes(4).readUInt32BE()
  const process = randomBytes(2).readUInt16BE()
  // Seven hexadecimal digits from the first request on, as the vendors' ids have.
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
