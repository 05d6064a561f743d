import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RequestIdentity, StoreError } from './dialect/dialect.ts'
import { type PlainResponse, type RequestFacts, readFacts } from './http.ts'
import { type Plan, plan, type Setup, wordError } from './plan.ts'
import { sendAnswer } from './proxy/answer.ts'
import type { Forwarder, UpstreamErrorType } from './proxy/forward.ts'
import type { Snapshot } from './snapshot.ts'

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

/** The request listener of the data port: facts, plan, perform; one report per request. */
export function createGateway(
  options: GatewayOptions,
): (request: IncomingMessage, response: ServerResponse) => void {
  const identify = createIdentities()
  return (request, response) => {
    try {
      serve(options, identify(), request, response)
    } catch (error) {
      options.failed(error)
      response.destroy()
    }
  }
}

function serve(
  options: GatewayOptions,
  identity: RequestIdentity,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const started = performance.now()
  const facts = readFacts(request.method ?? '', request.url ?? '', request.httpVersion, request.rawHeaders)
  // Taken once and kept: a preflight or a decoration never mixes two generations of rules.
  const snapshot = options.rules()
  const planned = plan(snapshot, options.setup, facts, identity)
  const client = request.socket.remoteAddress
  const finish = (result: Pick<Exchange, 'status'> & Partial<Exchange>): void =>
    options.finished({
      facts,
      plan: planned,
      generation: snapshot.generation,
      client,
      milliseconds: performance.now() - started,
      upstreamMilliseconds: undefined,
      bytesIn: 0,
      bytesOut: 0,
      upstreamError: undefined,
      aborted: false,
      ...result,
    })
  const answer = (plain: PlainResponse, close: boolean): void => {
    sendAnswer(request, response, plain, { close })
    finish({ status: plain.status, bytesOut: Buffer.byteLength(plain.body) })
  }
  const forward = (order: Plan & { readonly act: 'forward' | 'bucket-cors' }): void =>
    options.forwarder.forward(
      request,
      response,
      {
        facts,
        target: order.target,
        patch: order.patch,
        failure: (type) => wordError(order, options.setup, facts, identity, failures[type]),
      },
      (outcome) =>
        finish({
          status: outcome.status,
          upstreamMilliseconds: outcome.firstByteMilliseconds,
          bytesIn: outcome.bytesIn,
          bytesOut: outcome.bytesOut,
          upstreamError: outcome.error,
          aborted: outcome.aborted,
        }),
    )
  switch (planned.act) {
    case 'answer':
      answer(planned.response, planned.close)
      return
    case 'forward':
      forward(planned)
      return
    case 'bucket-cors':
      options
        .answerBucketCors(request, facts, planned, snapshot, identity, () => response.writeContinue())
        .then(
          (plain) => (plain === 'forward' ? forward(planned) : answer(plain, false)),
          (error: unknown) => {
            options.failed(error)
            answer(wordError(planned, options.setup, facts, identity, internalError), true)
          },
        )
        .catch((error: unknown) => {
          options.failed(error)
          response.destroy()
        })
      return
  }
}

/** Ids of the requests of this process; random enough to be unique among replicas. */
function createIdentities(): () => RequestIdentity {
  const node = randomBytes(4).readUInt32BE()
  const process = randomBytes(2).readUInt16BE()
  let sequence = 0
  return () => {
    sequence = (sequence + 1) >>> 0
    return { unixSeconds: Math.floor(Date.now() / 1000), node, process, sequence, randomHex }
  }
}

const randomHex = (length: number): string =>
  randomBytes(Math.ceil(length / 2))
    .toString('hex')
    .slice(0, length)
