import { expect, test } from 'vitest'
import { createStoreHealth } from '../../src/requests/store-health.ts'
import { startAdmin } from './running.ts'

test('/-/store shows whether the store is reachable, since when, and the last error', async () => {
  const health = createStoreHealth(() => Date.UTC(2026, 0, 2, 3, 4, 5))
  let probes = 0
  const probe = async (): Promise<void> => {
    probes++
  }
  const address = 'http://store.test:9000'
  const { call } = await startAdmin({ store: { address, health: health.current, probe } })
  expect((await call('/-/store')).json()).toMatchObject({ address, state: 'unknown', failed: 0 })
  health.finished({ upstreamError: 'dns', upstreamMilliseconds: undefined })
  const time = '2026-01-02T03:04:05.000Z'
  expect((await call('/-/store')).json()).toEqual({
    address,
    state: 'unreachable',
    since: time,
    lastError: { time, type: 'dns' },
    failed: 1,
  })
  expect(probes).toBe(2)
})
