/** The data path: forwards requests to the store and relays its responses. Bodies stay unchanged. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createProxyServer } from 'http-proxy-3'
import type { Upstream } from '../settings/settings.ts'
import { createAgent, createSingleUseAgent } from './agent.ts'
import { sendAnswer } from './answer.ts'
import { createClientPool } from './client-pool.ts'
import { type Authorities, createConnect } from './connect.ts'
import {
  type Exchange,
  type ForwardOrder,
  type ForwardOutcome,
  forwardOutcome,
  newExchange,
} from './exchange.ts'
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
  /** Milliseconds from the complete request to the first byte of the store's response. */
  readonly upstreamTimeout: number
  /** Milliseconds without a byte either way. */
  readonly idleTimeout: number
  readonly forwardedFor: ForwardedFor
  /** How long a connection to the store is used, in milliseconds; default: 60 s. */
  readonly maxConnectionAge?: number
  /** Shared by the process; default: no bound. */
  readonly memory?: MemoryBudget
  /** Called when our own code threw. Only that request fails. */
  readonly failed?: (error: unknown) => void
}

export interface Forwarder {
  /** Forwards one request and always answers it. Calls `done` exactly once. */
  forward(
    request: IncomingMessage,
    response: ServerResponse,
    order: ForwardOrder,
    done: (outcome: ForwardOutcome) => void,
  ): void
  close(): Promise<void>
}

/** Stores close idle connections after 5 s or more (Node 5 s, MinIO 30 s, nginx 75 s); we must close ours first. */
const keepAlive = 4_000
/**
 * When the store's name resolves to a new address, all connections use it after this many milliseconds, even under
 * load.
 */
const usualMaxAge = 60_000
/** Limit of the header section of the store's response, in bytes. */
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
  /** Whether the store has sent an unexpected 100 (Continue), on which undici ends the connection. */
  let sendsContinue = false
  const watchdog = createWatchdog(upstreamTimeout, options.idleTimeout, memory.isShort)
  memory.onShort('stalled', () => {
    const dropped = watchdog.dropLongestStalled()
    if (dropped !== undefined) giveMemoryBack(dropped)
    return dropped !== undefined
  })
  // `proxy.web` runs its passes synchronously, so one variable is enough to hand the exchange to ours.
  let entering: Exchange | undefined

  // Our pass comes first and ends the chain, because http-proxy-3's own passes rewrite targets and lose framing.
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
    // Uses a new connection, because the store may have closed a kept one and `send` never repeats a request.
    const sendSafe = (): void => send(exchange, { agent: singleUse, maxHeaderSize }, lines)
    if (method !== undefined && !sendsContinue)
      get(exchange, pool, { method, lines }, () => {
        sendsContinue = true
        sendSafe()
      })
    else if (method !== undefined || facts.method === 'HEAD') sendSafe()
    else send(exchange, { agent, maxHeaderSize }, lines)
  }

  /** Called on drop and on `close`, which comes later: gives the memory back only once. */
  function giveMemoryBack(exchange: Exchange): void {
    if (exchange.holdsMemory) memory.giveBack(exchangeBytes)
    exchange.holdsMemory = false
  }

  return {
    forward(request, response, order, done) {
      const exchange = newExchange(request, response, order, failed)
      if (response.destroyed || response.closed) {
        done({ ...forwardOutcome(exchange), aborted: true })
        return
      }
      exchange.holdsMemory = memory.take(exchangeBytes)
      if (!exchange.holdsMemory) {
        const answer = order.overload()
        const bytesOut = sendAnswer(request, response, answer)
        done({ ...forwardOutcome(exchange), status: answer.status, bytesOut })
        return
      }
      watchdog.watch(exchange)
      // Overrides the listener's idle timeout, because the watchdog enforces the timeouts of this exchange.
      response.on('timeout', governedHere)
      response.on('close', () => {
        watchdog.release(exchange)
        giveMemoryBack(exchange)
        settle(exchange)
        try {
          done(forwardOutcome(exchange))
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

/** Listening for `timeout` makes `watchIdle` leave the connection alone. */
const governedHere = ignore

/** The response is over, complete or not: stop everything that still runs for the exchange. */
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
