/**
 * Kept connections to the store for requests without a body: undici clients, one connection and one request each, so
 * that an exchange knows its socket, whether that socket has served before, and can break it off alone.
 */

import type { Socket } from 'node:net'
import { Client, type errors } from 'undici'
import type { Connect } from './connect.ts'

export interface PooledClient {
  readonly client: Client
  /** The connection, once it stands. */
  socket: Socket | undefined
  /** When the connection was made, `performance.now()`. */
  connectedAt: number
  /** When the last answer over this connection ended, `performance.now()`. */
  servedAt: number | undefined
  /** An error of the connection that undici may take for the end of an answer. */
  broken: boolean
}

export interface ClientPool {
  /** A client for one exchange, the one used last if there is one: the surplus ages out. */
  take(): PooledClient
  /** A client that has no connection yet. */
  fresh(): PooledClient
  /** Takes back a client whose exchange has ended, unless it was given up. */
  release(pooled: PooledClient): void
  /** Gives up a client and breaks off what it has under way. */
  discard(pooled: PooledClient): void
  /** The same with one whose kept connection the store had closed. */
  lose(pooled: PooledClient): void
  /** Whether the store is known to leave connections open that are kept and not in use. */
  keepsConnections(): boolean
  close(): void
}

interface ClientPoolOptions {
  readonly connect: Connect
  /** URL of the store, for undici; connections are made by `connect`. */
  readonly origin: string
  /** Milliseconds that an unused connection is kept. */
  readonly keepAlive: number
  /** Milliseconds that a connection is used, so that a name that leads elsewhere is followed. */
  readonly maxAge: number
  /** Bytes of the header section of an answer. */
  readonly maxHeaderSize: number
}

export function createClientPool(options: ClientPoolOptions): ClientPool {
  const idle: PooledClient[] = []
  let closed = false
  /** Requests that kept connections have served since the store last closed one, and when, `performance.now()`. */
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
      // undici reports what it has ended itself as UND_ERR_INFO.
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

/** A store that has closed no kept connection for so many requests, and for so long, is known to keep them. */
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
    // The watchdog has both clocks.
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
