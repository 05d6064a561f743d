/** One request on its way to the store, and what becomes of it. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HeaderPatch, PlainResponse, RequestFacts } from '../http.ts'
import type { UpstreamErrorType } from './failure.ts'

/** Why an answer is made here in place of the store's. */
export type ForwardFailure = UpstreamErrorType | 'reset-in-upload' | 'trailers'

/** What the forwarder is asked to do with one request. */
export interface ForwardOrder {
  readonly facts: RequestFacts
  /** Address of the client. */
  readonly client: string
  /** Request target for the store, byte for byte. */
  readonly target: string
  /** For the store's response. */
  readonly patch: HeaderPatch
  /** The answer when there is no memory for the exchange. */
  readonly overload: () => PlainResponse
  /** The answer when the request fails before the store's response has begun. */
  readonly failure: (failure: ForwardFailure) => PlainResponse
}

/** What became of one request. Told once, when its response has been sent or cannot be sent any more. */
export interface ForwardOutcome {
  /** Status sent to the client, 0 when none was. */
  readonly status: number
  readonly error: UpstreamErrorType | undefined
  /** The client went away, or stopped taking part, before its response was complete. */
  readonly aborted: boolean
  /** Body bytes from and to the client. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** From the complete request to the first byte of the store's answer, `undefined` when none came. */
  readonly firstByteMilliseconds: number | undefined
}

/**
 * How far an exchange is. `connecting` is bounded by the connect timeout, `sending` and `answering` by the idle
 * timeout, `waiting` (the request is sent, the answer has not begun) by the upstream timeout. `over`: nothing is
 * relayed any more.
 */
type Phase = 'connecting' | 'sending' | 'waiting' | 'answering' | 'over'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly order: ForwardOrder
  /** Told when `order.failure` threw. */
  readonly failed: (error: unknown) => void
  phase: Phase
  /** When the present phase began, or when a byte last moved in it; `performance.now()`. */
  since: number
  /** When the request had been sent, as far as it was. */
  sentAt: number
  firstByteAt: number | undefined
  error: UpstreamErrorType | undefined
  aborted: boolean
  status: number
  bytesIn: number
  bytesOut: number
  /** Bytes of a known length that have not come yet. */
  remaining: number | undefined
  /** The store's answer ends with its connection. */
  untilClose: boolean
  /** The connection to the store, from when there is one until it can be another's. */
  store: Socket | undefined
  /** Sum of everything that has moved, and of what the kernel has not passed on: see `watchdog.ts`. */
  moved: number
  queued: number | undefined
  /** Its index in the watchdog's list. */
  place: number
  /**
   * Sends the request once more over a new connection: set while it waits for its answer on a kept one and may be sent
   * again.
   */
  sendAgain: (() => void) | undefined
  /** It counts against the memory budget. */
  holdsMemory: boolean
  /** Breaks off what is under way with the store; a request there is never completed by it. */
  cancel: () => void
}

const nothing = (): void => {}

export function newExchange(
  request: IncomingMessage,
  response: ServerResponse,
  order: ForwardOrder,
  failed: (error: unknown) => void,
): Exchange {
  const now = performance.now()
  return {
    request,
    response,
    order,
    failed,
    phase: 'connecting',
    since: now,
    sentAt: now,
    firstByteAt: undefined,
    error: undefined,
    aborted: false,
    status: 0,
    bytesIn: 0,
    bytesOut: 0,
    remaining: undefined,
    untilClose: false,
    store: undefined,
    moved: 0,
    queued: undefined,
    place: 0,
    sendAgain: undefined,
    holdsMemory: false,
    cancel: nothing,
  }
}

/** Enters `phase`; a request that is answered early never goes back to waiting. */
export function enter(exchange: Exchange, phase: 'sending' | 'waiting'): void {
  if (exchange.phase === 'answering' || exchange.phase === 'over') return
  exchange.phase = phase
  exchange.since = performance.now()
  exchange.sentAt = exchange.since
}

/**
 * The store has ended its answer, which the client may still be taking while the connection to the store serves
 * another: neither may this one break that off, nor may what moves there count as its own.
 */
export function leaveStore(exchange: Exchange): void {
  exchange.cancel = nothing
  exchange.store = undefined
}

export function outcomeOf(exchange: Exchange): ForwardOutcome {
  const { firstByteAt, sentAt } = exchange
  return {
    status: exchange.status,
    error: exchange.error,
    aborted: exchange.aborted,
    bytesIn: exchange.bytesIn,
    bytesOut: exchange.bytesOut,
    firstByteMilliseconds: firstByteAt === undefined ? undefined : Math.max(0, firstByteAt - sentAt),
  }
}
