/** One request being forwarded to the store: its order, its state and its outcome. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { HeaderPatch, PlainResponse, RequestFacts } from '../http.ts'
import type { UpstreamErrorType } from './failure.ts'

/** Why the sidecar answers in place of the store. */
export type ForwardFailure = UpstreamErrorType | 'reset-in-upload' | 'trailers'

export interface ForwardOrder {
  readonly facts: RequestFacts
  readonly client: string
  /** Request target for the store, byte for byte. */
  readonly target: string
  /** Changes to the header lines of the store's response. */
  readonly patch: HeaderPatch
  /** Makes the response when there is no memory for the exchange. */
  readonly overload: () => PlainResponse
  /** Makes the response when the request fails before the store's response has begun. */
  readonly failure: (failure: ForwardFailure) => PlainResponse
}

/** Reported once, when the response has been sent or can no longer be sent. */
export interface ForwardOutcome {
  /** Status sent to the client, 0 when none was. */
  readonly status: number
  readonly error: UpstreamErrorType | undefined
  /** The client disconnected or stalled before its response was complete. */
  readonly aborted: boolean
  /** Body bytes received from the client and sent to it. */
  readonly bytesIn: number
  readonly bytesOut: number
  /** From the complete request to the first byte of the store's response; `undefined` when none came. */
  readonly firstByteMilliseconds: number | undefined
}

/**
 * Each phase has its own timeout. `connecting`: connect timeout. `sending` and `answering`: idle timeout. `waiting`
 * (request sent, no response yet): upstream timeout. After `over` nothing more is relayed.
 */
type Phase = 'connecting' | 'sending' | 'waiting' | 'answering' | 'over'

export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly order: ForwardOrder
  /** Called when `order.failure` threw. */
  readonly failed: (error: unknown) => void
  phase: Phase
  /** When this phase began or a byte last moved in it, `performance.now()`. */
  since: number
  /** When the last part of the request was sent, `performance.now()`. */
  sentAt: number
  firstByteAt: number | undefined
  error: UpstreamErrorType | undefined
  aborted: boolean
  status: number
  bytesIn: number
  bytesOut: number
  /** Response bytes still expected; `undefined` when the store gave no length. */
  remaining: number | undefined
  /** The response ends when the store closes the connection. */
  untilClose: boolean
  /** The connection to the store, until it may serve another exchange. */
  store: Socket | undefined
  /** Bytes that have moved, and bytes that the kernel has yet to deliver: see `watchdog.ts`. */
  moved: number
  queued: number | undefined
  /** Index in the watchdog's list. */
  place: number
  /**
   * Resends the request over a new connection. Set only while a request that is safe to repeat waits for its
   * response on a reused connection.
   */
  sendAgain: (() => void) | undefined
  /** Whether this exchange counts against the memory budget. */
  holdsMemory: boolean
  /** Aborts the exchange with the store. An aborted request never looks complete to the store. */
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

/** Enters `phase`. Does nothing once the store has answered: an early response never goes back to waiting. */
export function enter(exchange: Exchange, phase: 'sending' | 'waiting'): void {
  if (exchange.phase === 'answering' || exchange.phase === 'over') return
  exchange.phase = phase
  exchange.since = performance.now()
  exchange.sentAt = exchange.since
}

/**
 * Called when the store's response has ended, while the client may still be reading it. From here on the connection
 * to the store may serve another exchange, so this one must neither abort it nor count its bytes.
 */
export function leaveStore(exchange: Exchange): void {
  exchange.cancel = nothing
  exchange.store = undefined
}

export function forwardOutcome(exchange: Exchange): ForwardOutcome {
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
