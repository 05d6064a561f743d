/** The data path: requests go to the store as they came, answers come back as they are, whatever either side does. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import type { Upstream } from '../settings/settings.ts'
import { createAgent, createSingleUseAgent } from './agent.ts'
import { sendAnswer } from './answer.ts'
import { createClientPool } from './client-pool.ts'
import { type Authorities, createConnect } from './connect.ts'
import { type Exchange, type ForwardOrder, type ForwardOutcome, newExchange, outcomeOf } from './exchange.ts'
import { get, methodForGet } from './get.ts'
import { type ForwardedFor, requestLines } from './lines.ts'
import { createMemoryBudget, exchangeBytes, type MemoryBudget } from './memory-budget.ts'
import { dropClient } from './relay.ts'
import { expectsContinue, send } from './send.ts'
import { createWatchdog } from './watchdog.ts'

export type { ForwardFailure, ForwardOutcome } from './exchange.ts'

export interface ForwarderOptions {
  readonly upstream: Upstream
  readonly upstreamCa: Authorities
  /** Milliseconds from the complete request to the first byte of the store's answer. */
  readonly upstreamTimeout: number
  /** Milliseconds without a byte either way. */
  readonly idleTimeout: number
  readonly forwardedFor: ForwardedFor
  /** Milliseconds that a connection to the store is used; default: 60 s. */
  readonly maxConnectionAge?: number
  /** Of the process; default: no bound. */
  readonly memory?: MemoryBudget
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
/** A store whose name leads to another address is followed after this time, in milliseconds, also under load. */
const usualMaxAge = 60_000
/** Header section of the store's answer, in bytes. */
const maxHeaderSize = 64 * 1024
const maxConnectTimeout = 10_000

/** Throws when `upstreamCa` holds no certificate now. */
export function createForwarder(options: ForwarderOptions): Forwarder {
  const { upstream, upstreamTimeout, forwardedFor, failed = ignore } = options
  const { memory = createMemoryBudget(Infinity), maxConnectionAge: maxAge = usualMaxAge } = options
  const connect = createConnect({
    upstream,
    ca: options.upstreamCa,
    timeout: Math.min(upstreamTimeout, maxConnectTimeout),
  })
  const authority = authorityOf(upstream)
  const pool = createClientPool({
    connect,
    origin: `http://${authority}`,
    keepAlive,
    maxAge,
    maxHeaderSize,
  })
  const agent = createAgent(connect, keepAlive, maxAge)
  const singleUse = createSingleUseAgent(connect)
  /** Whether the store has sent 100 (Continue) unasked, which undici takes for no answer. */
  let sendsContinue = false
  const watchdog = createWatchdog(upstreamTimeout, options.idleTimeout, memory.isShort)
  memory.onShort('stalled', () => {
    const dropped = watchdog.dropLongestStalled()
    if (dropped !== undefined) giveMemoryBack(dropped)
    return dropped !== undefined
  })
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
    const { order } = exchange
    const { facts } = order
    const lines = requestLines({
      headers: facts.headers,
      framing: facts.framing,
      nominated: facts.nominated,
      authority,
      hasHost: facts.host !== undefined,
      expects: expectsContinue(exchange),
      client: order.client,
      forwardedFor,
    })
    const method = methodForGet(exchange)
    // What may be sent again is sent over a connection that no store can have closed meanwhile.
    const sendSafe = (): void => send(exchange, { agent: singleUse, maxHeaderSize }, lines)
    if (method !== undefined && !sendsContinue)
      get(exchange, pool, { method, lines }, () => {
        sendsContinue = true
        sendSafe()
      })
    else if (method !== undefined || facts.method === 'HEAD') sendSafe()
    else send(exchange, { agent, maxHeaderSize }, lines)
  }

  /** The close event of an exchange that was dropped comes later: once is enough. */
  function giveMemoryBack(exchange: Exchange): void {
    if (exchange.holdsMemory) memory.giveBack(exchangeBytes)
    exchange.holdsMemory = false
  }

  return {
    forward(request, response, order, done) {
      const exchange = newExchange(request, response, order, failed)
      if (response.destroyed || response.closed) {
        done({ ...outcomeOf(exchange), aborted: true })
        return
      }
      exchange.holdsMemory = memory.take(exchangeBytes)
      if (!exchange.holdsMemory) {
        const answer = order.overload()
        sendAnswer(request, response, answer)
        done({ ...outcomeOf(exchange), status: answer.status, bytesOut: Buffer.byteLength(answer.body) })
        return
      }
      watchdog.watch(exchange)
      // The listener's own idle clock does not govern what the watchdog governs.
      response.on('timeout', governedHere)
      response.on('close', () => {
        watchdog.release(exchange)
        giveMemoryBack(exchange)
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
      singleUse.destroy()
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
