import { spawn, spawnSync } from 'node:child_process'
import { cp, mkdir, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { type watch as chokidarWatch, FSWatcher } from 'chokidar'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createRulesStore } from '../../src/rules/store.ts'
import { type Hint, type WatchTimes, type WatchTrouble, watchRules } from '../../src/rules/watch.ts'
import {
  broken,
  folderWith,
  kubeletWrite,
  liveVersions,
  pointLink,
  replace,
  rulesOf,
  temporaryFolder,
} from './directory.ts'

/** No rescans, so that only the watcher can cause a reload. */
const withoutRescan: WatchTimes = { quiet: 50, atMost: 200, rescan: 1e9, poll: 1e9, identity: 100 }

/** Milliseconds. Replaces the 1 s that vi.waitFor would wait, which a loaded machine can exceed. */
const patient = { timeout: 30_000 }

async function follow(directory: string, times: WatchTimes = withoutRescan) {
  const store = createRulesStore({
    directory,
    dialect: 'cos',
    debounce: { file: 100, incomplete: 300, emptied: 500 },
  })
  await store.reload('start')
  const watch = watchRules(directory, (hint) => void store.reload(hint), { times })
  onTestFinished(() => watch.close())
  /** Resolves when the live rules are `expected`, within the test's time limit. */
  const live = async (expected: Record<string, number | 'none'>): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>()
    const compare = (): void => {
      if (JSON.stringify(sorted(liveVersions(store.current()))) === JSON.stringify(sorted(expected)))
        resolve()
    }
    const unsubscribe = store.subscribe(compare)
    compare()
    await promise
    unsubscribe()
  }
  return { store, watch, live }
}

const sorted = (versions: object): unknown => Object.entries(versions).sort()

describe('events alone, without a rescan, suffice for', () => {
  test('files that are written in place, replaced, created and deleted', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const { live, store } = await follow(folder)
    await writeFile(join(folder, 'a.yaml'), rulesOf(2))
    await live({ a: 2, b: 1 })
    await replace(folder, 'a.yaml', rulesOf(3))
    await live({ a: 3, b: 1 })
    await writeFile(join(folder, 'c.yaml'), rulesOf(4))
    await live({ a: 3, b: 1, c: 4 })
    await unlink(join(folder, 'b.yaml'))
    await live({ a: 3, c: 4 })
    await writeFile(join(folder, 'a.yaml'), broken)
    await writeFile(join(folder, 'c.yaml'), rulesOf(5))
    await live({ a: 3, c: 5 })
    expect(store.current().files.map(({ state }) => state)).toEqual(['stale', 'ok'])
  })

  test('every swap of a ConfigMap', async () => {
    const mount = await temporaryFolder()
    await kubeletWrite(mount, { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    const { live } = await follow(mount)
    for (let version = 2; version < 7; version++) {
      await kubeletWrite(mount, { 'a.yaml': rulesOf(version), [`b${version}.yaml`]: rulesOf(version) })
      await live({ a: version, [`b${version}`]: version })
    }
  })

  test('a directory that is deleted and created again, and later changes in it', async () => {
    const folder = join(await temporaryFolder(), 'rules')
    await folderWith(folder, { 'a.yaml': rulesOf(1) })
    const { live } = await follow(folder)
    for (let version = 2; version < 5; version++) {
      await rm(folder, { recursive: true })
      await folderWith(folder, { 'a.yaml': rulesOf(version) })
      await live({ a: version })
      await replace(folder, 'a.yaml', rulesOf(10 * version))
      await live({ a: 10 * version })
    }
  })

  test('a swap of the link that leads to the directory, and later changes in it', async () => {
    const place = await temporaryFolder()
    const rules = join(place, 'rules')
    await folderWith(join(place, 'v1'), { 'a.yaml': rulesOf(1), 'b.yaml': rulesOf(1) })
    await pointLink(rules, 'v1')
    const { live } = await follow(rules)
    for (let version = 2; version < 5; version++) {
      await folderWith(join(place, `v${version}`), { 'a.yaml': rulesOf(version) })
      await pointLink(rules, `v${version}`)
      await live({ a: version })
      await replace(rules, 'a.yaml', rulesOf(10 * version))
      await live({ a: 10 * version })
    }
  })

  test('a directory that replaces a renamed one, and later changes in it', async () => {
    const place = await temporaryFolder()
    const rules = await folderWith(join(place, 'rules'), { 'a.yaml': rulesOf(1) })
    await folderWith(join(place, 'next'), { 'a.yaml': rulesOf(2) })
    const { live } = await follow(rules)
    await rename(rules, join(place, 'old'))
    await rename(join(place, 'next'), rules)
    await live({ a: 2 })
    await replace(rules, 'a.yaml', rulesOf(3))
    await live({ a: 3 })
  })

  test('a directory that is created only after the watch, and later changes in it', async () => {
    const rules = join(await temporaryFolder(), 'not', 'yet')
    const { live } = await follow(rules)
    await mkdir(rules, { recursive: true })
    await writeFile(join(rules, 'a.yaml'), rulesOf(1))
    await live({ a: 1 })
    await replace(rules, 'a.yaml', rulesOf(2))
    await live({ a: 2 })
  })

  test('a change of a file elsewhere that a link leads to', async () => {
    const place = await temporaryFolder()
    const elsewhere = await folderWith(join(place, 'elsewhere'), { 'shared.yaml': rulesOf(1) })
    const rules = await folderWith(join(place, 'rules'), {})
    await pointLink(join(rules, 'a.yaml'), join(elsewhere, 'shared.yaml'))
    const { live } = await follow(rules)
    await live({ a: 1 })
    await writeFile(join(elsewhere, 'shared.yaml'), rulesOf(2))
    await live({ a: 2 })
  })
})

/** A scripted watcher in place of chokidar's. */
function fakeWatch() {
  const opened: FakeWatcher[] = []
  class FakeWatcher extends FSWatcher {
    closings = 0
    override close(): Promise<void> {
      this.closings++
      return super.close()
    }
  }
  const watch: typeof chokidarWatch = (_paths, options) => {
    const watcher = new FakeWatcher(options)
    opened.push(watcher)
    return watcher
  }
  const first = async (): Promise<FakeWatcher> =>
    vi.waitFor(() => opened[0] ?? Promise.reject(new Error('not yet')), patient)
  return { watch, opened, first }
}

test('changes without an event take effect at the next rescan', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
  const store = createRulesStore({ directory: folder, dialect: 'cos' })
  await store.reload('start')
  const { promise: applied, resolve } = Promise.withResolvers<void>()
  store.subscribe(({ cause, result }) => cause === 'rescan' && result === 'applied' && resolve())
  const onHint = (hint: Hint): void => {
    if (hint === 'rescan') void store.reload(hint)
  }
  const times = { ...withoutRescan, rescan: 100 }
  const rules = watchRules(folder, onHint, { watch: fakeWatch().watch, times })
  onTestFinished(() => rules.close())
  await replace(folder, 'a.yaml', rulesOf(2))
  await applied
  expect(liveVersions(store.current())).toEqual({ a: 2 })
})

describe('when the system grants no watch', () => {
  test.each(['ENOSPC', 'EMFILE'])('%s, the directory is polled, and that is reported once', async (code) => {
    const folder = await temporaryFolder()
    const { watch, opened, first } = fakeWatch()
    const troubles: WatchTrouble[] = []
    const { promise: polled, resolve } = Promise.withResolvers<void>()
    const rules = watchRules(folder, (hint) => hint === 'rescan' && resolve(), {
      watch,
      onTrouble: (trouble) => troubles.push(trouble),
      times: { ...withoutRescan, poll: 50, identity: 20 },
    })
    onTestFinished(() => rules.close())
    const watcher = await first()
    for (let times = 0; times < 3; times++)
      watcher.emit('error', Object.assign(new Error(`watch: ${code}`), { code, syscall: 'watch' }))
    await polled
    expect(troubles).toEqual([{ code, message: `watch: ${code}`, polling: true }])
    expect(opened).toHaveLength(1)
    expect(watcher.closings).toBe(1)
  })

  test('the directory is also polled if no watcher can be created', async () => {
    const troubles: WatchTrouble[] = []
    const { promise, resolve } = Promise.withResolvers<void>()
    const rules = watchRules(await temporaryFolder(), (hint) => hint === 'rescan' && resolve(), {
      watch() {
        throw new TypeError('not to be had')
      },
      onTrouble: (trouble) => troubles.push(trouble),
      times: { ...withoutRescan, poll: 50 },
    })
    onTestFinished(() => rules.close())
    await promise
    expect(troubles).toEqual([{ code: undefined, message: 'not to be had', polling: true }])
  })
})

test('any other error of the watcher is reported once and does not stop the watch', async () => {
  const { watch, first } = fakeWatch()
  const troubles: WatchTrouble[] = []
  const hints: Hint[] = []
  const rules = watchRules(await temporaryFolder(), (hint) => hints.push(hint), {
    watch,
    onTrouble: (trouble) => troubles.push(trouble),
    times: withoutRescan,
  })
  onTestFinished(() => rules.close())
  const watcher = await first()
  for (let times = 0; times < 2; times++)
    watcher.emit('error', Object.assign(new Error('no'), { code: 'EACCES', syscall: 'scandir' }))
  expect(troubles).toEqual([{ code: 'EACCES', message: 'no', polling: false }])
  hints.length = 0
  watcher.emit('all', 'change', 'a.yaml')
  await vi.waitFor(() => expect(hints).toContain('watch'), patient)
})

describe('hints', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  /** A watch with an open fake watcher and fake time. */
  async function fakeTime(times: WatchTimes) {
    const { watch, first } = fakeWatch()
    const hints: Hint[] = []
    const folder = await temporaryFolder()
    const rules = watchRules(folder, (hint) => hints.push(hint), { watch, times })
    const watcher = await first()
    await vi.waitFor(() => expect(hints).toContain('watch'), patient)
    hints.length = 0
    vi.useFakeTimers()
    return { rules, watcher, hints }
  }
  const times: WatchTimes = { quiet: 150, atMost: 500, rescan: 1e9, poll: 1e9, identity: 1e9 }

  test('of many events are merged into one, which is given when no more events arrive', async () => {
    const { rules, watcher, hints } = await fakeTime(times)
    for (let event = 0; event < 100; event++) watcher.emit('all', 'change', 'a.yaml')
    vi.advanceTimersByTime(149)
    expect(hints).toEqual([])
    vi.advanceTimersByTime(1)
    expect(hints).toEqual(['watch'])
    vi.advanceTimersByTime(10_000)
    expect(hints).toEqual(['watch'])
    await rules.close()
  })

  test('are not delayed forever by events that never stop', async () => {
    const { rules, watcher, hints } = await fakeTime(times)
    for (let time = 0; time < 2_000; time += 100) {
      watcher.emit('raw', 'change', 'a.yaml', {})
      vi.advanceTimersByTime(100)
    }
    expect(hints.length).toBeGreaterThanOrEqual(3)
    await rules.close()
  })

  test('end with the watch, including pending ones', async () => {
    const { rules, watcher, hints } = await fakeTime({ ...times, rescan: 1_000 })
    watcher.emit('all', 'change', 'a.yaml')
    const closed = rules.close()
    watcher.emit('all', 'change', 'a.yaml')
    vi.advanceTimersByTime(10_000)
    await closed
    vi.advanceTimersByTime(10_000)
    expect(hints).toEqual([])
    expect(watcher.closings).toBe(1)
  })
})

test('a folder in the rules directory, and a link to one, are not watched', async () => {
  const place = await temporaryFolder()
  const rules = await folderWith(join(place, 'rules'), { 'a.yaml': rulesOf(1) })
  const large = join(place, 'large')
  for (let n = 0; n < 50; n++) await folderWith(join(large, `folder-${n}`, 'below'), { 'b.yaml': rulesOf(1) })
  const watches = await watchesOn(rules)
  await cp(large, join(rules, 'folder'), { recursive: true })
  await symlink(large, join(rules, 'linked'))
  await symlink('/', join(rules, 'all'))
  await symlink('/proc', join(rules, 'system'))
  await symlink('.', join(rules, 'loop'))
  expect(await watchesOn(rules)).toBeLessThanOrEqual(watches + 5)
})

/** How many system watches a ready watch of `directory` uses, in a separate process. */
async function watchesOn(directory: string): Promise<number> {
  const script = `
    import { readdirSync, readFileSync } from 'node:fs'
    import { watchRules } from ${JSON.stringify(new URL('../../src/rules/watch.ts', import.meta.url).href)}
    watchRules(${JSON.stringify(directory)}, () => {
      const lines = readdirSync('/proc/self/fdinfo').flatMap((name) => {
        try {
          return readFileSync('/proc/self/fdinfo/' + name, 'latin1').split('\\n')
        } catch {
          return []
        }
      })
      console.log(lines.filter((line) => line.startsWith('inotify wd:')).length)
      process.exit()
    })
    setTimeout(() => {}, 60_000)`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  expect(err).toBe('')
  return Number(out)
}

test('a closed watch leaves nothing behind in the system', async () => {
  const active = (): string[] => process.getActiveResourcesInfo().filter((name) => name === 'FSEventWrap')
  const folder = await folderWith(await temporaryFolder(), { 'a.yaml': rulesOf(1) })
  const before = active()
  const ready = Promise.withResolvers<void>()
  const rules = watchRules(folder, () => ready.resolve())
  await ready.promise
  await rules.close()
  expect(active()).toEqual(before)
})

test('a watch does not keep the process alive', async () => {
  const folder = await temporaryFolder()
  const script = `
    import { watchRules } from ${JSON.stringify(new URL('../../src/rules/watch.ts', import.meta.url).href)}
    watchRules(${JSON.stringify(folder)}, () => {})`
  const { status } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    timeout: 20_000,
  })
  expect(status).toBe(0)
})
