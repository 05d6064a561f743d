import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import {
  ChildFailure,
  type ChildLimits,
  createChildren,
  inChild,
  moduleBeside,
} from '../../src/children/children.ts'
import type * as calls from './calls.ts'

const module = new URL('calls.ts', import.meta.url)
const limits: ChildLimits = {
  most: 2,
  callTimeout: 30_000,
  startTimeout: 30_000,
  idle: 60_000,
  heapMegabytes: 64,
}

const runner = (own: Partial<ChildLimits> = {}) => {
  const children = createChildren({ ...limits, ...own })
  return (name: keyof typeof calls, ...args: readonly unknown[]): Promise<unknown> =>
    children.run({ module: module.href, name, args })
}

describe('a call in a child process', () => {
  test('resolves with what the function returns, and runs in another process', async () => {
    const call = inChild<typeof calls>(moduleBeside(import.meta.url, 'calls'))
    expect(await call('double', 21)).toBe(42)
    expect(await call('pid')).not.toBe(process.pid)
  })

  test('rejects with what the function throws, and the process goes on', async () => {
    const run = runner({ most: 1 })
    const before = await run('pid')
    await expect(run('fail', 'no such thing')).rejects.toThrow(new RangeError('no such thing'))
    await expect(run('uncloneable')).rejects.toThrow('cannot be cloned')
    expect(await run('pid')).toBe(before)
  })

  test('that returns what cannot be cloned rejects alone, also among calls that are sent together', async () => {
    const run = runner({ most: 1 })
    const settled = await Promise.allSettled(
      Array.from({ length: 40 }, (_, value) => (value === 20 ? run('uncloneable') : run('double', value))),
    )
    for (const [value, one] of settled.entries())
      if (value === 20)
        expect(one).toMatchObject({ reason: { message: expect.stringContaining('cannot be cloned') } })
      else expect(one).toMatchObject({ value: 2 * value })
  })

  test.each([
    ['that takes too long', 'spin', { callTimeout: 200 }, 'it took longer than 0.2 s'],
    ['that fills its memory', 'fillMemory', {}, 'it needed more memory than one file may use'],
    ['that ends its process', 'end', {}, 'its process ended'],
  ] as const)('%s rejects, and other calls still get their results', async (_, name, own, message) => {
    const run = runner({ most: 1, ...own })
    const fatal = run(name)
    const others = Promise.all(Array.from({ length: 40 }, (__, value) => run('double', value)))
    await expect(fatal).rejects.toThrow(new ChildFailure(message))
    expect(await others).toEqual(Array.from({ length: 40 }, (__, value) => 2 * value))
  })
})

test.runIf(process.platform === 'linux')(
  'a child is given no variable of the environment, which can hold secrets',
  async () => {
    expect(process.env).toHaveProperty('PATH')
    const names = await runner()('environment')
    // Node's own: its channel to the parent, and its cache of compiled code.
    expect(names).toEqual(expect.arrayContaining([expect.stringMatching(/^NODE_CHANNEL_/)]))
    expect(names).toSatisfy((all: string[]) =>
      all.every((name) => /^NODE_(?:CHANNEL_\w+|COMPILE_CACHE)$/.test(name)),
    )
  },
)

test('a child ends when its parent is killed', async () => {
  const parent = spawn(process.execPath, [fileURLToPath(new URL('parent.ts', import.meta.url))], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [output]: Buffer[] = await once(parent.stdout, 'data')
  const child = Number.parseInt(String(output), 10)
  expect(isAlive(child)).toBe(true)
  parent.kill('SIGKILL')
  await expect.poll(() => isAlive(child), { timeout: 20_000 }).toBe(false)
})

/** A process that has ended can be listed until its new parent has looked at it: state Z. */
const isAlive = (pid: number): boolean =>
  /^[^Z\s]/.test(spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim())

test('the time that a module takes to load is not counted as that of the call', async () => {
  const children = createChildren({ ...limits, most: 1, callTimeout: 200 })
  const module = new URL('slow-module.ts', import.meta.url).href
  expect(await children.run({ module, name: 'answer', args: [] })).toBe(42)
})

test('a child that has loaded a module takes its first call', async () => {
  const children = createChildren({ ...limits, callTimeout: 200 })
  const module = new URL('slow-module.ts', import.meta.url).href
  expect(await children.run({ module, name: undefined, args: [] })).toBe(undefined)
  expect(await children.run({ module, name: 'answer', args: [] })).toBe(42)
})

test('few calls share one child, many calls start up to the maximum, and idle children end', async () => {
  const run = runner({ idle: 0 })
  const childrenOf = async (count: number): Promise<number> =>
    new Set(await Promise.all(Array.from({ length: count }, () => run('pid')))).size
  expect(await childrenOf(10)).toBe(1)
  const [first] = await Promise.all([run('pid')])
  await wait(10)
  expect(await run('pid')).not.toBe(first)
  expect(await childrenOf(2_000)).toBeLessThanOrEqual(2)
})
