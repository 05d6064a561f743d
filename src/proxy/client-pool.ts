/**
 * Keep-alive connections to the store for requests without a body. Each undici client has one connection and one
 * request at a time, so that an exchange knows its socket, knows whether that socket has served before, and can
 * abort it alone.
 */

import type { Socket } from 'node:net'
import type { errors } from 'undici'
// Not 'undici': its index loads fetch, WebSocket and mocks too, 90 files and 5 MB for a class that needs none of them.
import Client from 'undici/lib/dispatcher/client.js'
import type { Connect } from './connect.ts'

export interface PooledClient {
  readonly client: Client
  /** Set once connected. */
  socket: Socket | undefined
  /** `performance.now()` */
  connectedAt: number
  /** When the last response on this connection ended, `performance.now()`. */
  servedAt: number | undefined
  /** The connection failed with an error that undici may take for the end of a response. */
  broken: boolean
}

export interface ClientPool {
  /** A client for one exchange. Takes the most recently used one, so that surplus connections time out. */
  take(): PooledClient
  /** A client that has no connection yet. */
  fresh(): PooledClient
  /** Takes back a client whose exchange has ended, unless it was discarded. */
  release(pooled: PooledClient): void
  /** Destroys a client and aborts its request. */
  discard(pooled: PooledClient): void
  /** Like `discard`, for a client whose idle connection the store had closed. */
  lose(pooled: PooledClient): void
  /** Whether experience shows that the store leaves idle connections open. */
  keepsConnections(): boolean
  close(): void
}

interface ClientPoolOptions {
  readonly connect: Connect
  /** URL of the store. Only undici reads it: connections are made by `connect`. */
  readonly origin: string
  /** How long an idle connection is kept, in milliseconds. */
  readonly keepAlive: number
  /**
   * How long a connection is used at most, in milliseconds: the store's name may resolve to another address by
   * then.
   */
  readonly maxAge: number
  /** Limit of a response's header section, in bytes. */
  readonly maxHeaderSize: number
}

export function createClientPool(options: ClientPoolOptions): ClientPool {
  const idle: PooledClient[] = []
  let closed = false
  /**
   * Requests served on reused connections since the store last closed one; and when it did, `performance.now()`.
   */
  let served = 0
  let lostAt = Number.NEGATIVE_INFINITY
  const lose = (pooled: PooledClient): void => {
    served = 0
    lostAt = performance.now()
    destroy(pooled)
  }
  const fresh = (): PooledClient =>
    newClient(options, (pooled, error) => {
      const at = idle.indexOf(pooled)
      if (at < 0) return
      idle.splice(at, 1)
      // undici uses the code UND_ERR_INFO for connections that it closed itself.
      if (error.code === 'UND_ERR_INFO') destroy(pooled)
      else lose(pooled)
    })
  return {
    take: () => idle.pop() ?? fresh(),
    fresh,
    release(pooled) {
      if (pooled.servedAt !== undefined) served++
      pooled.servedAt = performance.now()
      if (closed || pooled.servedAt - pooled.connectedAt >= options.maxAge) destroy(pooled)
      else if (!pooled.client.destroyed) idle.push(pooled)
    },
    discard: destroy,
    lose,
    keepsConnections: () => served >= trial.requests && performance.now() - lostAt >= trial.milliseconds,
    close() {
      closed = true
      for (const pooled of idle.splice(0)) destroy(pooled)
    },
  }
}

/**
 * After this many requests and this much time without a lost connection, the store counts as one that keeps them
 * open.
 */
const trial = { requests: 64, milliseconds: 10_000 }

type Lost = (pooled: PooledClient, error: errors.UndiciError) => void

function newClient(options: ClientPoolOptions, lost: Lost): PooledClient {
  const client = new Client(options.origin, {
    connect: (_, done) =>
      options.connect((error, socket) => {
        if (socket === null) {
          done(error ?? new Error('no connection'), null)
          return
        }
        pooled.socket = socket
        pooled.connectedAt = performance.now()
        pooled.servedAt = undefined
        pooled.broken = false
        socket.once('error', () => {
          pooled.broken = true
        })
        done(null, socket)
      }),
    pipelining: 1,
    keepAliveTimeout: options.keepAlive,
    keepAliveMaxTimeout: options.keepAlive,
    maxHeaderSize: options.maxHeaderSize,
    // Disabled, because the watchdog enforces both timeouts.
    headersTimeout: 0,
    bodyTimeout: 0,
  })
  const pooled: PooledClient = {
    client,
    socket: undefined,
    connectedAt: 0,
    servedAt: undefined,
    broken: false,
  }
  client.on('disconnect', (_origin, _targets, error) => lost(pooled, error))
  return pooled
}

const ignore = (): void => {}

function destroy({ client }: PooledClient): void {
  client.destroy(null, ignore)
}
