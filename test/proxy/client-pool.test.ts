import { connect } from 'node:net'
import type { Dispatcher } from 'undici'
import { expect, onTestFinished, test, vi } from 'vitest'
import { type ClientPool, createClientPool, type PooledClient } from '../../src/proxy/client-pool.ts'
import { ok, type PlayedStore, storeThatSays } from './path.ts'

/** A pool in front of a store that answers everything. */
async function startPool(keepAlive = 60_000): Promise<{ pool: ClientPool; store: PlayedStore }> {
  const store = await storeThatSays(ok)
  const pool = createClientPool({
    connect(done) {
      const socket = connect(store.port, '127.0.0.1', () => done(null, socket))
    },
    origin: 'http://store',
    keepAlive,
    maxAge: 60_000,
    maxHeaderSize: 65_536,
  })
  onTestFinished(() => pool.close())
  return { pool, store }
}

/** One GET over a client of the pool, which is then released. */
async function serve(pool: ClientPool): Promise<PooledClient> {
  const pooled = pool.take()
  const done = Promise.withResolvers<void>()
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart() {},
    onResponseStart() {},
    onResponseData() {},
    onResponseEnd() {
      pool.release(pooled)
      done.resolve()
    },
    onResponseError: (_, error) => done.reject(error),
  }
  pooled.client.dispatch({ method: 'GET', path: '/b/k', reset: false }, handler)
  await done.promise
  return pooled
}

async function serveMany(pool: ClientPool, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await serve(pool)
}

/** Resolves once the pool has discarded `pooled`. */
const givenUp = ({ client }: PooledClient): Promise<unknown> =>
  vi.waitUntil(() => client.destroyed, { interval: 1, timeout: 20_000 })

test('a store counts as keeping connections after 64 requests over reused ones', async () => {
  const { pool } = await startPool()
  await serveMany(pool, 64)
  // The first request was over a new connection.
  expect(pool.keepsConnections()).toBe(false)
  await serve(pool)
  expect(pool.keepsConnections()).toBe(true)
})

test('a store that closed an idle connection counts as keeping them again after 64 requests and 10 s', async () => {
  const { pool, store } = await startPool()
  await serveMany(pool, 65)
  const kept = await serve(pool)
  store.sides[0]?.socket.end()
  await givenUp(kept)
  expect(pool.keepsConnections()).toBe(false)
  const lostAt = performance.now()
  const clock = vi.spyOn(performance, 'now')
  onTestFinished(() => clock.mockRestore())
  clock.mockReturnValue(lostAt + 10_000)
  await serveMany(pool, 64)
  expect(pool.keepsConnections()).toBe(false)
  await serve(pool)
  expect(pool.keepsConnections()).toBe(true)
  clock.mockReturnValue(lostAt + 9_000)
  expect(pool.keepsConnections()).toBe(false)
})

test('a connection that the sidecar closes does not change what is known of the store', async () => {
  const { pool } = await startPool(50)
  while (!pool.keepsConnections()) await serve(pool)
  await givenUp(await serve(pool))
  expect(pool.keepsConnections()).toBe(true)
})

test('a closed pool keeps no connection', async () => {
  const { pool } = await startPool()
  const pooled = pool.take()
  pool.close()
  pool.release(pooled)
  expect(pooled.client.destroyed).toBe(true)
})
