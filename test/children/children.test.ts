import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  createThreads,
  inThread,
  moduleBeside,
  ThreadFailure,
  type ThreadLimits,
} from '../../src/threads/threads.ts'
import type * as calls from './calls.ts'

const module = new URL('calls.ts', import.meta.url)
const limits: ThreadLimits = {
  most: 2,
  callTimeout: 30_000,
  startTimeout: 30_000,
  idle: 60_000,
  heapMegabytes: 64,
}

const runner = (own: Partial<ThreadLimits> = {}) => {
  const threads = createThreads({ ...limits, ...own })
  return (name: keyof typeof calls, ...args: readonly unknown[]): Promise<unknown> =>
    threads.run({ module: module.href, name, args })
}

describe('a call in a thread', () => {
  test('resolves with what the function returns, and runs in another thread', async () => {
    const call = inThread<typeof calls>(moduleBeside(import.meta.url, 'calls'))
    expect(await call('double', 21)).toBe(42)
    expect(await call('thread')).not.toBe(0)
  })

  test('rejects with what the function throws, and the thread goes on', async () => {
    const run = runner({ most: 1 })
    const before = await run('thread')
    await expect(run('fail', 'no such thing')).rejects.toThrow(new RangeError('no such thing'))
    await expect(run('uncloneable')).rejects.toThrow('cannot be cloned')
    expect(await run('thread')).toBe(before)
  })

  test.each([
    ['that takes too long', 'spin', { callTimeout: 200 }, 'it took longer than 0.2 s'],
    ['that fills its memory', 'fillMemory', {}, 'it took more memory than there may be for one file'],
    ['that ends its thread', 'end', {}, 'its thread ended'],
  ] as const)('%s rejects, and costs no other call its result', async (_, name, own, message) => {
    const run = runner({ most: 1, ...own })
    const fatal = run(name)
    const others = Promise.all(Array.from({ length: 40 }, (__, value) => run('double', value)))
    await expect(fatal).rejects.toThrow(new ThreadFailure(message))
    expect(await others).toEqual(Array.from({ length: 40 }, (__, value) => 2 * value))
  })
})

test('the time that a module takes to load is not counted as that of the call', async () => {
  const threads = createThreads({ ...limits, most: 1, callTimeout: 200 })
  const module = new URL('slow-module.ts', import.meta.url).href
  expect(await threads.run({ module, name: 'answer', args: [] })).toBe(42)
})

test('few calls share a thread, many calls get as many as there may be, and idle threads end', async () => {
  const run = runner({ idle: 0 })
  const threadsOf = async (count: number): Promise<number> =>
    new Set(await Promise.all(Array.from({ length: count }, () => run('thread')))).size
  expect(await threadsOf(10)).toBe(1)
  const [first] = await Promise.all([run('thread')])
  await wait(10)
  expect(await run('thread')).not.toBe(first)
  expect(await threadsOf(2_000)).toBeLessThanOrEqual(2)
})
