/**
 * GET, HEAD and OPTIONS without a body go over undici, which needs about half the CPU of `node:http` for a small
 * object. These methods are safe (RFC 9110 section 9.2.1), so these requests, and no others, may be repeated.
 */

import type { Dispatcher } from 'undici'
import type { ClientPool, PooledClient } from './client-pool.ts'
import { closureOf, isCutOff } from './closure.ts'
import { type Exchange, enter, leaveStore } from './exchange.ts'
import { isUnaskedContinue, typeOfError } from './failure.ts'
import { isUntilClose, linesOf } from './lines.ts'
import { beginResponse, endResponse, failExchange, relayChunk } from './relay.ts'

const methods = ['GET', 'HEAD', 'OPTIONS'] as const
type Method = (typeof methods)[number]

/**
 * The method for `get`, or `undefined` when the request needs `send.ts`. undici accepts targets in origin form
 * only.
 */
export function methodForGet({ order }: Exchange): Method | undefined {
  const { facts, target } = order
  if (facts.framing.kind !== 'none' || !target.startsWith('/')) return undefined
  return methods.find((method) => method === facts.method)
}

/**
 * Sends the request of `exchange` and relays the response. Calls `otherwise`, which resends the request over
 * `node:http`, when the store sends an unexpected 100 (Continue): clients must accept that (RFC 9110 section 15.2),
 * but undici ends the connection.
 */
export function get(
  exchange: Exchange,
  pool: ClientPool,
  request: { readonly method: Method; readonly lines: string[] },
  otherwise: () => void,
): void {
  const { method, lines } = request
  // `reset` closes the connection after HEAD: if the store sends a body, it would be parsed as the next response
  // (nodejs/undici#258).
  const reset = method === 'HEAD'
  const options = { method, path: exchange.order.target, headers: lines, reset }
  dispatch({ exchange, pool, options, otherwise }, pool.take())
}

interface Sent {
  readonly exchange: Exchange
  readonly pool: ClientPool
  readonly options: Dispatcher.DispatchOptions
  readonly otherwise: () => void
}

function dispatch(sent: Sent, pooled: PooledClient): void {
  sent.exchange.cancel = () => sent.pool.discard(pooled)
  pooled.client.dispatch(sent.options, new GetHandler(sent, pooled))
}

/** In milliseconds. The shortest idle timeouts of stores in use are about this long. */
const restMilliseconds = 1_000
/**
 * After this long, in milliseconds, a closed connection is the store's answer to this request, not a stale
 * keep-alive.
 */
const answerMilliseconds = 1_000
/**
 * How long a FIN that was already on its way may take to arrive and to be noticed by a busy process, in
 * milliseconds.
 */
const onItsWayMilliseconds = 20

type Controller = Dispatcher.DispatchController

/** A class, because undici needs a handler for every request, and an object literal would create its functions each time. */
class GetHandler implements Dispatcher.DispatchHandler {
  readonly #sent: Sent
  readonly #exchange: Exchange
  readonly #pool: ClientPool
  readonly #pooled: PooledClient
  /** When this connection last served a request; `undefined` for its first request. */
  #servedAt: number | undefined
  #answered = false
  /** The request was resent over another connection, so events of this one are ignored. */
  #isGivenUp = false
  #awaitsDrain = false

  constructor(sent: Sent, pooled: PooledClient) {
    this.#sent = sent
    this.#exchange = sent.exchange
    this.#pool = sent.pool
    this.#pooled = pooled
  }

  onRequestStart(controller: Controller): void {
    if (this.#exchange.phase === 'over') {
      controller.abort(new Error('the client has gone'))
      return
    }
    this.#servedAt = this.#pooled.servedAt
    this.#exchange.store = this.#pooled.socket
    if (this.#servedAt !== undefined) this.#exchange.sendAgain = () => this.#sendAgain()
    enter(this.#exchange, 'waiting')
  }

  /** The watchdog calls this when the connection is half open: the store has not received the request. */
  #sendAgain(): void {
    if (this.#answered || this.#exchange.phase !== 'waiting') return
    this.#isGivenUp = true
    this.#pool.discard(this.#pooled)
    this.#exchange.phase = 'connecting'
    dispatch(this.#sent, this.#pool.fresh())
  }

  onResponseStarted(): void {
    this.#answered = true
    this.#exchange.sendAgain = undefined
  }

  onResponseStart(controller: Controller, status: number, _: unknown, reason?: string): void {
    if (status < 200 && status !== 101) return
    const lines = rawLines(controller.rawHeaders)
    const closure = closureOf(this.#pooled.socket)
    const hasBody = this.#sent.options.method !== 'HEAD' && status !== 204 && status !== 304
    if (closure?.kind === 'unseen' && hasBody && isUntilClose(lines)) {
      closure.watch()
      controller.abort(new ClosureUnseen())
    } else beginResponse(this.#exchange, status, reason, lines)
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (relayChunk(this.#exchange, chunk)) return
    controller.pause()
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#exchange.response.on('drain', () => controller.resume())
  }

  onResponseEnd(controller: Controller): void {
    const { untilClose } = this.#exchange
    // undici takes a reset for a normal end when only the connection's end delimits the response.
    if (untilClose && this.#pooled.broken) failExchange(this.#exchange, 'reset')
    else if (untilClose && isCutOff(this.#pooled.socket)) failExchange(this.#exchange, 'truncated')
    else endResponse(this.#exchange, rawLines(controller.rawTrailers))
    leaveStore(this.#exchange)
    // After HEAD, undici would destroy the socket with an error, whose stack costs a tenth of the request. The client is
    // in no pool, so the garbage collector frees it.
    if (this.#sent.options.reset === true) this.#pooled.socket?.destroy()
    else this.#pool.release(this.#pooled)
  }

  onResponseError(_: Controller, error: Error): void {
    const exchange = this.#exchange
    if (exchange.phase === 'over' || this.#isGivenUp) return
    if (error instanceof ClosureUnseen) {
      this.#pool.discard(this.#pooled)
      exchange.phase = 'connecting'
      dispatch(this.#sent, this.#pool.fresh())
    } else if (exchange.phase !== 'answering' && isUnaskedContinue(error)) {
      this.#pool.discard(this.#pooled)
      exchange.phase = 'connecting'
      this.#sent.otherwise()
    } else if (!this.#answered && this.#wasStale(error)) {
      this.#pool.lose(this.#pooled)
      exchange.phase = 'connecting'
      dispatch(this.#sent, this.#pool.fresh())
    } else {
      this.#pool.discard(this.#pooled)
      failExchange(exchange, typeOfError(error, exchange.phase === 'answering'))
    }
  }

  /**
   * Whether the store had closed the idle connection before it could see the request. True after an idle period, and
   * after a shorter one unless the store is known to keep connections open. Otherwise true only for a FIN that was
   * already on its way, which arrives within milliseconds. A reset then proves nothing, because it may be the store's
   * reaction to this request.
   */
  #wasStale(error: Error): boolean {
    const { sentAt } = this.#exchange
    const waited = performance.now() - sentAt
    if (this.#servedAt === undefined || waited >= answerMilliseconds) return false
    if (typeOfError(error, false) !== 'reset') return false
    if (sentAt - this.#servedAt >= restMilliseconds || !this.#pool.keepsConnections()) return true
    const ended = !('code' in error) || error.code !== 'ECONNRESET'
    return ended && waited < onItsWayMilliseconds
  }
}

/** The response ends with its connection, which cannot show whether it was cut off. */
class ClosureUnseen extends Error {}

function rawLines(raw: Controller['rawHeaders']): string[] {
  return Array.isArray(raw) ? linesOf(raw) : []
}
