/** The data path: requests go to the store as they came, answers come back as they are, whatever either side does. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import type { Upstream } from '../settings/settings.ts'
import { createClientPool } from './client-pool.ts'
import { createConnect } from './connect.ts'
import { type Exchange, type ForwardOrder, type ForwardOutcome, newExchange, outcomeOf } from './exchange.ts'
import { get, methodForGet } from './get.ts'
import { type ForwardedFor, requestLines } from './lines.ts'
import { dropClient } from './relay.ts'
import { createAgent, expectsContinue, send } from './send.ts'
import { createWatchdog } from './watchdog.ts'

export type { ForwardFailure, ForwardOrder, ForwardOutcome } from './exchange.ts'
export type { UpstreamErrorType } from './failure.ts'

export interface ForwarderOptions {
  readonly upstream: Upstream
  /** PEM text. */
  readonly upstreamCa: string | undefined
  /** Milliseconds from the complete request to the first byte of the store's answer. */
  readonly upstreamTimeout: number
  /** Milliseconds without a byte either way. */
  readonly idleTimeout: number
  readonly forwardedFor: ForwardedFor
  /** Told when something of ours threw; it costs that request. */
  readonly failed?: (error: unknown) => void
}

export interface Forwarder {
  /** Forwards one request and answers it in every case; `done` is called exactly once. */
  forward(
    request: IncomingMessage,
    response: ServerResponse,
    order: ForwardOrder,
    done: (outcome: ForwardOutcome) => void,
  ): void
  /** Closes every connection to the store. */
  close(): Promise<void>
}

/** Stores close unused connections after 5 s and more (Node 5 s, MinIO 30 s, nginx 75 s); a kept one must go before. */
const keepAlive = 4_000
/** Header section of the store's answer, in bytes. */
const maxHeaderSize = 64 * 1024
const maxConnectTimeout = 10_000

/** Throws when `upstreamCa` holds no certificate. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { upstream, upstreamTimeout, forwardedFor, failed = ignore } = options
  const connect = createConnect({
    upstream,
    ca: options.upstreamCa,
    timeout: Math.min(upstreamTimeout, maxConnectTimeout),
  })
  const authority = authorityOf(upstream)
  const pool = createClientPool({ connect, origin: `http://${authority}`, keepAlive, maxHeaderSize })
  const agent = createAgent(connect, keepAlive)
  const watchdog = createWatchdog(upstreamTimeout, options.idleTimeout)
  // `proxy.web` runs its passes before it returns, so one place is enough to hand the exchange to ours.
  let entering: Exchange | undefined

  // Our pass stands first and ends the chain: http-proxy-3's own passes rewrite targets and lose framing.
  const proxy = createProxyServer({ target: { host: 'store', port: 80 } })
  proxy.on('error', (_error, _request, response) => response.destroy())
  proxy.before('web', 'deleteLength', () => {
    if (entering !== undefined) perform(entering)
    return true
  })

  function perform(exchange: Exchange): void {
    const { request, order } = exchange
    const { facts } = order
    const lines = requestLines({
      headers: facts.headers,
      framing: facts.framing,
      nominated: facts.nominated,
      authority,
      hasHost: facts.host !== undefined,
      expects: expectsContinue(exchange),
      client: request.socket.remoteAddress,
      forwardedFor,
    })
    const method = methodForGet(exchange)
    if (method !== undefined) get(exchange, pool, method, lines)
    else send(exchange, { agent, maxHeaderSize }, lines)
  }

  return {
    forward(request, response, order, done) {
      const exchange = newExchange(request, response, order, failed)
      if (response.destroyed || response.closed) {
        done({ ...outcomeOf(exchange), aborted: true })
        return
      }
      watchdog.watch(exchange)
      // The listener's own idle clock does not govern what the watchdog governs.
      response.on('timeout', governedHere)
      response.on('close', () => {
        watchdog.release(exchange)
        settle(exchange)
        try {
          done(outcomeOf(exchange))
        } catch (error) {
          failed(error)
        }
      })
      entering = exchange
      try {
        proxy.web(request, response)
      } catch (error) {
        failed(error)
        response.destroy()
      }
    },
    async close() {
      watchdog.stop()
      agent.destroy()
      pool.close()
    },
  }
}

const ignore = (): void => {}

/** A listener of its own name: `watchIdle` leaves a silent connection open when its response listens for `timeout`. */
const governedHere = ignore

/** The response is over, whole or not: nothing of the exchange may go on. */
function settle(exchange: Exchange): void {
  if (exchange.phase === 'over') return
  if (exchange.response.writableFinished) exchange.phase = 'over'
  else dropClient(exchange)
}

function authorityOf(upstream: Upstream): string {
  if (upstream.kind === 'unix') return 'localhost'
  const { host, port, secure } = upstream
  const name = host.includes(':') ? `[${host}]` : host
  return port === (secure ? 443 : 80) ? name : `${name}:${port}`
}
