import { expect, test, vi } from 'vitest'
import type { Log } from '../../src/log/log.ts'
import type { WorkerEnd } from '../../src/workers/fork.ts'
import type { Member } from '../../src/workers/member.ts'
import { createPool } from '../../src/workers/pool.ts'
import { noStats } from '../../src/workers/stats.ts'

const address = { address: '127.0.0.1', family: 'IPv4', port: 1 }

function createMembers() {
  const members: { readonly serve: () => void; readonly end: () => void }[] = []
  const create = (): Member => {
    const serving = Promise.withResolvers<typeof address>()
    const ended = Promise.withResolvers<WorkerEnd>()
    members.push({
      serve: () => serving.resolve(address),
      end: () => ended.resolve({ code: 1, signal: null }),
    })
    return {
      pid: members.length,
      serving: serving.promise,
      ended: ended.promise,
      isServing: () => true,
      bring: async () => true,
      reloadCandidates: vi.fn(),
      metrics: async () => undefined,
      lastMetrics: () => undefined,
      stats: () => noStats,
      drain: vi.fn(),
      kill: vi.fn(),
    }
  }
  return { members, create }
}

const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() } as unknown as Log

test('a worker that ends while others still start is replaced', async () => {
  const { members, create } = createMembers()
  const pool = createPool({ count: 2, create, log })
  const started = pool.start()
  members[0]?.serve()
  members[0]?.end()
  await new Promise(setImmediate)
  expect(members).toHaveLength(2)
  members[1]?.serve()
  await started
  expect(members).toHaveLength(3)
  expect(pool.restarts()).toBe(1)
})
