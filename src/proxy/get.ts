/** GET and HEAD without a body: over undici, which needs about half the time of `node:http` for a small object. */

import type { Dispatcher } from 'undici'
import type { ClientPool, PooledClient } from './client-pool.ts'
import { beginResponse, type Exchange, endResponse, enter, failExchange, relayChunk } from './exchange.ts'
import { typeOfError } from './failure.ts'
import { linesOf } from './lines.ts'

/** Sends the request of `exchange` with the header lines `lines` and relays the answer. */
export function get(exchange: Exchange, pool: ClientPool, lines: string[]): void {
  dispatch(exchange, pool, lines, pool.take())
}

function dispatch(exchange: Exchange, pool: ClientPool, lines: string[], pooled: PooledClient): void {
  const { request, order } = exchange
  exchange.cancel = () => pool.discard(pooled)
  pooled.client.dispatch(
    // `reset`: without it undici closes the connection after every HEAD.
    {
      method: request.method === 'HEAD' ? 'HEAD' : 'GET',
      path: order.target,
      headers: lines,
      reset: false,
    },
    new GetHandler(exchange, pool, lines, pooled),
  )
}

type Controller = Dispatcher.DispatchController

/** undici's view of one exchange. A class, because undici calls these five for every request. */
class GetHandler implements Dispatcher.DispatchHandler {
  readonly #exchange: Exchange
  readonly #pool: ClientPool
  readonly #lines: string[]
  readonly #pooled: PooledClient
  /** The connection had served before, so that the store may have closed it by the time it was used. */
  #reused = false
  #answered = false
  #awaitsDrain = false

  constructor(exchange: Exchange, pool: ClientPool, lines: string[], pooled: PooledClient) {
    this.#exchange = exchange
    this.#pool = pool
    this.#lines = lines
    this.#pooled = pooled
  }

  onRequestStart(controller: Controller): void {
    if (this.#exchange.phase === 'over') {
      controller.abort(new Error('the client has gone'))
      return
    }
    this.#reused = this.#pooled.served > 0
    this.#exchange.store = this.#pooled.socket
    enter(this.#exchange, 'waiting')
  }

  onResponseStarted(): void {
    this.#answered = true
  }

  onResponseStart(controller: Controller, status: number, _: unknown, reason?: string): void {
    if (status < 200 && status !== 101) return
    beginResponse(this.#exchange, status, reason, rawLines(controller.rawHeaders))
  }

  onResponseData(controller: Controller, chunk: Buffer): void {
    if (relayChunk(this.#exchange, chunk)) return
    controller.pause()
    if (this.#awaitsDrain) return
    this.#awaitsDrain = true
    this.#exchange.response.on('drain', () => controller.resume())
  }

  onResponseEnd(controller: Controller): void {
    // undici takes the reset of a connection for the end of an answer that its end would have delimited.
    if (this.#pooled.broken && this.#exchange.untilClose) failExchange(this.#exchange, 'reset')
    else endResponse(this.#exchange, rawLines(controller.rawTrailers))
    this.#pool.release(this.#pooled)
  }

  onResponseError(_: Controller, error: Error): void {
    const exchange = this.#exchange
    if (exchange.phase === 'over') return
    this.#pool.discard(this.#pooled)
    const type = typeOfError(error, exchange.phase === 'answering')
    if (type === 'reset' && this.#reused && !this.#answered) {
      exchange.phase = 'connecting'
      dispatch(exchange, this.#pool, this.#lines, this.#pool.fresh())
    } else failExchange(exchange, type)
  }
}

function rawLines(raw: Controller['rawHeaders']): string[] {
  return Array.isArray(raw) ? linesOf(raw) : []
}
