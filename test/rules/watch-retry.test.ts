import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FSWatcher } from 'chokidar'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { type Hint, type RulesWatch, watchRules } from '../../src/rules/watch.ts'

let folder = ''
let hints: Hint[] = []
let watch: RulesWatch
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'watch-retry-'))
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  hints = []
  const times = { quiet: 1e8, atMost: 1e8, rescan: 1e8, poll: 1e8, identity: 1e8 }
  watch = watchRules(folder, (hint) => hints.push(hint), { times, watch: () => new FSWatcher() })
})
afterEach(async () => {
  await watch.close()
  vi.useRealTimers()
  await rm(folder, { recursive: true })
})

test('a failed scan is repeated once within 2 s, without any event', async () => {
  watch.failed()
  watch.failed()
  await vi.advanceTimersByTimeAsync(1_999)
  expect(hints).toEqual([])
  await vi.advanceTimersByTimeAsync(60_000)
  expect(hints).toEqual(['rescan'])
})

test('after the watch has ended no scan is repeated', async () => {
  watch.failed()
  await watch.close()
  watch.failed()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(hints).toEqual([])
})
