import { execFileSync } from 'node:child_process'
import { rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import { maxBytesRead } from '../../src/rule-file/bytes.ts'
import type * as calls from '../../src/rules/file-calls.ts'
import { broken, folderWith, kubeletWrite, replace, rulesOf, storeOn, temporaryFolder } from './directory.ts'

/** The loader's disk accesses, and what happens before each. */
const disk = vi.hoisted(() => ({
  opened: [] as string[],
  bytesRead: 0,
  beforeStat: async (_path: string): Promise<void> => {},
  beforeOpen: async (_path: string): Promise<void> => {},
}))

vi.mock('../../src/rules/file-calls.ts', async (importOriginal) => {
  const actual = await importOriginal<typeof calls>()
  const { stat, open, read } = actual.fileCalls
  const fileCalls: typeof actual.fileCalls = {
    ...actual.fileCalls,
    async stat(path) {
      await disk.beforeStat(path)
      return stat(path)
    },
    async open(path) {
      await disk.beforeOpen(path)
      disk.opened.push(path)
      return open(path)
    },
    async read(...place) {
      const bytesRead = await read(...place)
      disk.bytesRead += bytesRead
      return bytesRead
    },
  }
  return { ...actual, fileCalls }
})

beforeEach(() => {
  disk.beforeStat = async () => {}
  disk.beforeOpen = async () => {}
})

/** The sorted names of the files that were read during `action`. */
async function readDuring(action: () => Promise<unknown>): Promise<string[]> {
  disk.opened.length = 0
  disk.bytesRead = 0
  await action()
  return disk.opened.map((path) => basename(path)).sort()
}

describe('what is read', () => {
  test('is every file twice at first, once more when its time can be relied on, and then none', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': broken })
    const store = storeOn(folder)
    const both = ['a.yaml', 'b.yaml']
    expect(await readDuring(() => store.reload('start'))).toEqual(['a.yaml', 'a.yaml', 'b.yaml', 'b.yaml'])
    // Another write in the same tick of the file system's clock would not change the times.
    expect(await readDuring(() => store.reload('rescan'))).toEqual(both)
    store.clock.pass(5_000)
    expect(await readDuring(() => store.reload('rescan'))).toEqual(both)
    expect(await readDuring(() => store.reload('rescan'))).toEqual([])
    expect(await readDuring(() => store.reload('request'))).toEqual([])
  })

  test('is the changed file only', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    store.clock.pass(5_000)
    await store.reload('rescan')
    await replace(folder, 'b.yaml', rulesOf(2))
    expect(await readDuring(() => store.reload('watch'))).toEqual(['b.yaml'])
    expect(store.live()).toEqual({ a: 1, b: 2 })
  })

  test('is every file once at first when its time can be relied on, though it is taken after a second look', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': broken })
    const store = storeOn(folder)
    store.clock.pass(5_000)
    expect(await readDuring(() => store.reload('start'))).toEqual(['a.yaml', 'b.yaml'])
    expect(store.live()).toEqual({ a: 1, b: 'none' })
  })

  test('includes a file that was written between two scans', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    store.clock.pass(5_000)
    store.clock.duringNextWait(() => writeFile(join(folder, 'a.yaml'), rulesOf(2)))
    expect(await readDuring(() => store.reload('start'))).toEqual(['a.yaml', 'a.yaml'])
    expect(store.live()).toEqual({ a: 2 })
  })

  test('of a huge file is only as much as the size limit needs', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': `# ${'x'.repeat(8_000_000)}\n` })
    const store = storeOn(folder)
    await readDuring(() => store.reload('start'))
    expect(disk.bytesRead).toBe(2 * maxBytesRead)
    expect(store.current().files).toMatchObject([
      { state: 'invalid', findings: [{ code: 'file-too-large' }] },
    ])
  })
})

describe('a file that changes as it is looked at', () => {
  test('many times in one tick of the clock is loaded as it was written last', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(10) })
    const store = storeOn(folder)
    await store.reload('start')
    for (let version = 11; version < 99; version += 2) {
      await writeFile(join(folder, 'a.yaml'), rulesOf(version))
      store.clock.duringNextWait(() => writeFile(join(folder, 'a.yaml'), rulesOf(version + 1)))
      await store.reload('watch')
      expect(store.live()).toEqual({ a: version + 1 })
    }
  })

  test('between stat and read is never loaded in part', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    let reads = 0
    disk.beforeOpen = async (path) => {
      if (++reads < 4) await writeFile(path, rulesOf(10 + reads))
    }
    await store.reload('watch')
    expect(store.live()).toEqual({ a: 13 })
    expect(store.current().generation).toBe(2)
  })

  test('into a FIFO between stat and read does not block', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    await writeFile(join(folder, 'b.yaml'), rulesOf(2))
    disk.beforeOpen = async (path) => {
      if (!path.endsWith('a.yaml')) return
      await rm(path)
      execFileSync('mkfifo', [path])
    }
    expect((await store.reload('watch')).findings).toMatchObject([
      { file: 'a.yaml', code: 'file-unreadable' },
    ])
    expect(store.live()).toEqual({ a: 1, b: 2 })
  })

  test('because it is deleted between listing and stat starts the scan again', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const store = storeOn(folder)
    await store.reload('start')
    disk.beforeStat = async (path) => {
      if (path.endsWith('b.yaml')) await rm(path, { force: true })
    }
    expect(await store.reload('watch')).toMatchObject({ result: 'applied', findings: [] })
    expect(store.live()).toEqual({ a: 1 })
  })
})

test('a mount that is swapped in the middle of a look is looked at again, and is of one generation', async () => {
  const mount = await temporaryFolder()
  const payload = (version: number): Record<string, string> =>
    Object.fromEntries(['a', 'b', 'c', 'd'].map((bucket) => [`${bucket}.yaml`, rulesOf(version)]))
  await kubeletWrite(mount, payload(1))
  const store = storeOn(mount)
  await store.reload('start')
  let version = 1
  const seen: unknown[] = []
  store.subscribe(() => seen.push(new Set(Object.values(store.live())).size))
  for (const meet of ['stat', 'open'] as const)
    for (const file of ['a.yaml', 'c.yaml', 'd.yaml']) {
      await kubeletWrite(mount, payload(++version))
      let isDone = false
      const swap = async (path: string): Promise<void> => {
        if (isDone || !path.endsWith(file)) return
        isDone = true
        await kubeletWrite(mount, payload(++version))
      }
      if (meet === 'stat') disk.beforeStat = swap
      else disk.beforeOpen = swap
      await store.reload('watch')
      expect(store.live()).toEqual({ a: version, b: version, c: version, d: version })
    }
  expect(new Set(seen)).toEqual(new Set([1]))
})

test('a mount that is swapped in the middle of a look is of one generation even when nothing has to settle', async () => {
  const mount = await temporaryFolder()
  const payload = (version: number): Record<string, string> => ({
    'a.yaml': rulesOf(version),
    'b.yaml': rulesOf(version),
  })
  await kubeletWrite(mount, payload(1))
  const store = storeOn(mount, { debounce: { file: 0, incomplete: 0, emptied: 0 } })
  disk.beforeOpen = async (path) => {
    disk.beforeOpen = async () => {}
    expect(path).toContain('.yaml')
    await kubeletWrite(mount, payload(2))
  }
  await store.reload('start')
  expect(store.live()).toEqual({ a: 2, b: 2 })
})

test('running out of open files fails the reload, keeps the rules, and recovers', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
  const store = storeOn(folder)
  await store.reload('start')
  await writeFile(join(folder, 'a.yaml'), rulesOf(2))
  disk.beforeOpen = async () => {
    throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE', syscall: 'open' })
  }
  expect(await store.reload('watch')).toMatchObject({
    result: 'failed',
    failure: 'this process has too many files open',
    findings: [],
  })
  expect(store.live()).toEqual({ a: 1 })
  expect(store.current().files).toMatchObject([{ state: 'ok' }])
  disk.beforeOpen = async () => {}
  await store.reload('rescan')
  expect(store.live()).toEqual({ a: 2 })
})

test('two reloads never run at once', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
  const store = storeOn(folder)
  let running = 0
  let most = 0
  disk.beforeStat = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setImmediate(resolve))
    running--
  }
  const asked: Promise<unknown>[] = [store.reload('start'), store.reload('watch')]
  store.subscribe(async () => {
    for (let microtask = 0; microtask < 10 && asked.length < 50; microtask++) {
      await null
      asked.push(store.reload('request'))
    }
  })
  for (const reload of asked) await reload
  expect(asked).toHaveLength(50)
  expect(most).toBe(1)
})

test('a bug is thrown and not reported as a failure of the directory, and the next reload works', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
  const store = storeOn(folder)
  disk.beforeStat = async () => {
    throw new TypeError('a bug')
  }
  const both = await Promise.allSettled([store.reload('start'), store.reload('watch')])
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  await expect(store.reload('request')).rejects.toThrow('a bug')
  disk.beforeStat = async () => {}
  expect(await store.reload('rescan')).toMatchObject({ result: 'applied', successful: true })
})
