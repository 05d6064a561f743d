import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { isoTime } from '../auth/timestamp.ts'
import type { RequestIdentity, StoreError } from '../dialect/dialect.ts'
import { type PlainResponse, type RequestFacts, readFacts } from '../http.ts'
import type { Setup, Verdict, VerdictMemory } from '../plan/judge.ts'
import { type Plan, plan, wordError } from '../plan/plan.ts'
import type { Snapshot } from '../plan/snapshot.ts'
import { sendAnswer } from '../proxy/answer.ts'
import type { Forwarder, ForwardOutcome, UpstreamErrorType } from '../proxy/forward.ts'

/** One request and what became of it, told once, when it is over. */
export interface Exchange {
  readonly facts: RequestFacts
  readonly plan: Plan
  /** Generation of the rules that decided. */
  readonly generation: number
  readonly client: string | undefined
  /** Status sent to the client; 0 when none was. */
  readonly status: number
  readonly milliseconds: number
  readonly upstreamMilliseconds: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly upstreamError: UpstreamErrorType | undefined
  /** The client went away before its answer was complete. */
  readonly aborted: boolean
}

/**
 * Answers a call of the bucket CORS API. Resolves with the answer, or `forward` when it is the store's to give.
 * `proceed` sends 100 (Continue), for a client that waits for it before it sends its document.
 */
export type AnswerBucketCors = (
  request: IncomingMessage,
  facts: RequestFacts,
  plan: Plan & { readonly act: 'bucket-cors' },
  snapshot: Snapshot,
  identity: RequestIdentity,
  proceed: () => void,
) => Promise<PlainResponse | 'forward'>

export interface GatewayOptions {
  readonly setup: Setup
  /** The rules as they are now. Asked once per request. */
  readonly rules: () => Snapshot
  readonly forwarder: Forwarder
  readonly answerBucketCors: AnswerBucketCors
  readonly finished: (exchange: Exchange) => void
  /** A bug: it costs one request, and is told here. */
  readonly failed: (error: unknown) => void
}

/** Answers of ours that have no status of the store's to go by. */
const failures: Readonly<Record<UpstreamErrorType, StoreError>> = {
  refused: badGateway('The object store refused the connection.'),
  dns: badGateway('The name of the object store cannot be resolved.'),
  tls: badGateway('The TLS connection to the object store failed.'),
  reset: badGateway('The object store closed the connection before it answered.'),
  truncated: badGateway('The object store ended its answer too early.'),
  invalid: badGateway('The object store sent an answer that is not valid HTTP.'),
  timeout: { status: 504, code: 'GatewayTimeout', message: 'The object store did not answer in time.' },
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
      serve(options, begin(options, memory, identify(), request), request, response)
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
  readonly client: string | undefined
  /** `performance.now()`. */
  readonly started: number
}

function begin(
  { rules, setup }: GatewayOptions,
  memory: VerdictMemory,
  identity: RequestIdentity,
  request: IncomingMessage,
): Begun {
  const started = performance.now()
  const facts = readFacts(request.method ?? '', request.url ?? '', request.httpVersion, request.rawHeaders)
  // Taken once and kept: a preflight or a decoration never mixes two generations of rules.
  const snapshot = rules()
  const planned = plan(snapshot, setup, facts, identity, memory)
  return { facts, plan: planned, snapshot, identity, client: request.socket.remoteAddress, started }
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
    exchangeOf(begun, {
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
  const { facts, identity } = begun
  const failure = (type: UpstreamErrorType): PlainResponse =>
    wordError(plan, options.setup, facts, identity, failures[type])
  options.forwarder.forward(
    request,
    response,
    { facts, target: plan.target, patch: plan.patch, failure },
    (outcome) => options.finished(exchangeOf(begun, outcome)),
  )
}

function callBucketCors(
  options: GatewayOptions,
  begun: Begun,
  plan: Plan & { readonly act: 'bucket-cors' },
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const { facts, snapshot, identity } = begun
  options
    .answerBucketCors(request, facts, plan, snapshot, identity, () => response.writeContinue())
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

function exchangeOf({ facts, plan, snapshot, client, started }: Begun, outcome: ForwardOutcome): Exchange {
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
