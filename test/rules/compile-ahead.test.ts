import { beforeEach, describe, expect, test, vi } from 'vitest'
import * as snapshots from '../../src/plan/snapshot.ts'
import { createCompiledAhead } from '../../src/rules/compile-ahead.ts'
import { inBackground } from '../../src/rules/file-calls.ts'
import { loaded, ruleFile, snapshotOf } from '../core.ts'
import { broken, folderWith, replace, rulesOf, storeOn, temporaryFolder } from './directory.ts'

const { compilePolicy, nothingLoaded } = snapshots

vi.mock('../../src/plan/snapshot.ts', async (importOriginal) => {
  const actual = await importOriginal<typeof snapshots>()
  return { ...actual, compilePolicy: vi.fn(actual.compilePolicy) }
})

beforeEach(() => {
  vi.mocked(compilePolicy).mockClear()
})

const compiledBuckets = (): readonly string[] => vi.mocked(compilePolicy).mock.calls.map(([bucket]) => bucket)
const noPause = async (): Promise<void> => {}

describe('what is compiled ahead', () => {
  test('is found again for the same content of the same bucket, and for no other', async () => {
    const content = ruleFile()
    const ahead = createCompiledAhead('cos')
    await ahead.add([loaded('a', content)], nothingLoaded, noPause)
    const found = ahead.compile('a', content, 'cos')
    expect(compiledBuckets()).toEqual(['a'])
    expect(found).toMatchObject({ name: 'a', file: content })

    const alike = ruleFile()
    expect(ahead.compile('a', alike, 'cos').file).toBe(alike)
    expect(ahead.compile('b', content, 'cos')).toMatchObject({ name: 'b', file: content })
    expect(compiledBuckets()).toEqual(['a', 'a', 'b'])
  })

  test.each([
    'a',
    '_default',
    '_service',
  ])('is neither what %s is served with, nor there already', async (bucket) => {
    const inForce = snapshotOf({ [bucket]: ruleFile() })
    const same = snapshots.policyOf(inForce, bucket)?.file
    const changed = ruleFile()
    const ahead = createCompiledAhead('cos')
    await ahead.add([loaded(bucket, same), loaded('bad', undefined)], inForce, noPause)
    expect(compiledBuckets()).toEqual([])
    await ahead.add([loaded(bucket, changed)], inForce, noPause)
    await ahead.add([loaded(bucket, changed)], inForce, noPause)
    expect(compiledBuckets()).toEqual([bucket])
  })

  test('is the last content of a file that keeps changing', async () => {
    const ahead = createCompiledAhead('cos')
    const [first, second] = [ruleFile(), ruleFile()]
    await ahead.add([loaded('a', first)], nothingLoaded, noPause)
    await ahead.add([loaded('a', second)], nothingLoaded, noPause)
    expect(ahead.compile('a', second, 'cos').file).toBe(second)
    expect(compiledBuckets()).toEqual(['a', 'a'])
  })

  test('is followed by a pause each time', async () => {
    const compiledBeforePause: number[] = []
    await createCompiledAhead('cos').add(
      ['a', 'b', 'c'].map((bucket) => loaded(bucket, ruleFile())),
      nothingLoaded,
      async () => void compiledBeforePause.push(compiledBuckets().length),
    )
    expect(compiledBeforePause).toEqual([1, 2, 3])
  })
})

describe('a file that settles', () => {
  test('is compiled meanwhile, once', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const compiledBeforeLook: number[] = []
    const store = storeOn(folder, {
      firstCalls: {
        ...inBackground,
        stat(path) {
          if (path.endsWith('a.yaml')) compiledBeforeLook.push(compiledBuckets().length)
          return inBackground.stat(path)
        },
      },
    })
    await store.reload('start')
    expect(compiledBeforeLook[0]).toBe(0)
    expect(compiledBeforeLook.at(-1)).toBe(2)
    expect(compiledBuckets()).toEqual(['a', 'b'])
    const policies = vi.mocked(compilePolicy).mock.results.map(({ value }) => value)
    expect([...store.current().buckets.values()]).toEqual(policies)
  })

  test('and changes meanwhile is served with what it says then', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    store.clock.duringNextWait(() => replace(folder, 'a.yaml', rulesOf(2)))
    await store.reload('start')
    expect(store.live()).toEqual({ a: 2, b: 1 })
    expect(compiledBuckets()).toEqual(['a', 'b', 'a'])
  })

  test('and goes bad meanwhile never was good: it has no rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    store.clock.duringNextWait(() => replace(folder, 'a.yaml', broken))
    await store.reload('start')
    expect(store.live()).toEqual({ a: 'none', b: 1 })
    expect(store.current().files.map(({ file, state }) => [file, state])).toEqual([
      ['a.yaml', 'invalid'],
      ['b.yaml', 'ok'],
    ])
  })

  test('and gets a rival for its bucket meanwhile leaves the bucket without rules', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    store.clock.duringNextWait(() => replace(folder, 'a.yml', rulesOf(2)))
    await store.reload('start')
    expect(store.live()).toEqual({ a: 'none' })
  })
})
