import { stat } from 'node:fs/promises'
import { watch as chokidarWatch, type FSWatcher } from 'chokidar'
import { messageOf, systemErrorCode } from '../text/system-error.ts'

/** Why the directory should be looked at: `watch`, something happened in it; `rescan`, the timer fired. */
export type Hint = 'watch' | 'rescan'

export interface RulesWatch {
  /** Reports that the look after a hint failed, so that another hint comes soon. */
  failed(): void
  /** Stops watching. No hint follows this call; the promise resolves when everything is released. */
  close(): Promise<void>
}

export interface WatchTrouble {
  /** The system's error code, e.g. `ENOSPC`. */
  readonly code: string | undefined
  readonly message: string
  /** From now on only the timer gives hints. */
  readonly polling: boolean
}

/** All in milliseconds. */
export interface WatchTimes {
  /** How long it must be quiet before a hint is given. */
  readonly quiet: number
  /** How long continuing events can delay a hint at most. */
  readonly atMost: number
  /** Between hints without any event, because events get lost (NFS, a full queue). */
  readonly rescan: number
  /** The same, when the system grants no watch. */
  readonly poll: number
  /** Between checks that the watched directory is still the one at the path. */
  readonly identity: number
}

interface WatchOptions {
  /** Called once for each kind of trouble. */
  readonly onTrouble?: (trouble: WatchTrouble) => void
  readonly times?: WatchTimes
  readonly watch?: typeof chokidarWatch
}

const defaultTimes: WatchTimes = { quiet: 150, atMost: 500, rescan: 5_000, poll: 2_000, identity: 1_000 }

/** Milliseconds until a failed look is repeated, because its cause (EMFILE, an unmounted volume) rarely ends with an event. */
const retryAfter = 2_000

/** The process, its user or the system has no more watches available. */
const exhausted: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

/**
 * Gives hints that the rule files in `directory` may have changed. The directory need not exist yet. A hint does
 * not say what changed: events come twice, out of order or not at all, so only the directory itself counts.
 */
export function watchRules(
  directory: string,
  onHint: (hint: Hint) => void,
  { onTrouble = () => {}, times = defaultTimes, watch = chokidarWatch }: WatchOptions = {},
): RulesWatch {
  const debounce = createDebounce(() => onHint('watch'), times)
  const reported = new Set<string | undefined>()
  let rescan = setInterval(() => onHint('rescan'), times.rescan).unref()
  let retry: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  let state: 'watching' | 'polling' | 'closed' = 'watching'

  // A watcher stays with the directory that it opened. When a link is swapped or the directory is recreated, it
  // gets no events of the new one.
  const identity = followIdentity(directory, times.identity, async (exists) => {
    debounce.happened()
    await end(watcher)
    watcher = undefined
    if (exists && state === 'watching') open()
  })

  function open(): void {
    try {
      // No filter, not even for "..data" or folders, because a watcher that ignores part of a mount misses its swaps.
      // "raw" events come at once, "all" only after chokidar has looked at all files. "ready" counts as an event, because
      // changes before it were not seen. Depth 0, because chokidar would otherwise descend into folders, and through
      // links into folders that hold no rules and may be the whole file system. It is enough, because a swap of
      // "..data" is an event of the directory itself.
      watcher = watch(directory, { ignoreInitial: true, persistent: false, depth: 0 })
      for (const event of ['raw', 'all', 'ready'] as const) watcher.on(event, debounce.happened)
      watcher.on('error', (error) => report(error, exhausted.has(systemErrorCode(error))))
    } catch (error) {
      report(error, true)
    }
  }

  function report(error: unknown, isFatal: boolean): void {
    if (state === 'closed') return
    if (isFatal && state === 'watching') poll()
    const code = systemErrorCode(error)
    if (reported.has(code)) return
    reported.add(code)
    onTrouble({ code, message: messageOf(error), polling: state === 'polling' })
  }

  function poll(): void {
    state = 'polling'
    clearInterval(rescan)
    rescan = setInterval(() => onHint('rescan'), times.poll).unref()
    void end(watcher)
  }

  return {
    failed() {
      clearTimeout(retry)
      if (state !== 'closed') retry = setTimeout(() => onHint('rescan'), retryAfter).unref()
    },
    async close() {
      state = 'closed'
      clearInterval(rescan)
      clearTimeout(retry)
      debounce.close()
      await identity.close()
      await end(watcher)
    },
  }
}

async function end(watcher: FSWatcher | undefined): Promise<void> {
  const closed = watcher?.close()
  // close() has removed its listeners, and an unhandled 'error' event would end the process.
  watcher?.on('error', () => {})
  await closed
}

/** Calls `settled` when nothing has happened for a while, or when events have gone on for long enough. */
function createDebounce(settled: () => void, { quiet, atMost }: WatchTimes) {
  let timer: NodeJS.Timeout | undefined
  let latest: number | undefined
  let closed = false
  return {
    happened(): void {
      if (closed) return
      const now = performance.now()
      latest ??= now + atMost
      clearTimeout(timer)
      timer = setTimeout(
        () => {
          latest = undefined
          settled()
        },
        Math.max(0, Math.min(quiet, latest - now)),
      ).unref()
    },
    close(): void {
      closed = true
      clearTimeout(timer)
    },
  }
}

/**
 * Calls `changed` when the path leads to a different directory than before, or no longer to any. The first directory
 * counts as different.
 */
function followIdentity(
  directory: string,
  interval: number,
  changed: (exists: boolean) => Promise<void>,
): { close(): Promise<void> } {
  let timer: NodeJS.Timeout | undefined
  let known: string | undefined
  let closed = false
  let checking = check()

  async function check(): Promise<void> {
    const identity = await identityOf(directory)
    if (closed) return
    if (identity !== known) {
      known = identity
      await changed(identity !== undefined)
    }
    timer = setTimeout(() => {
      checking = check()
    }, interval).unref()
  }

  return {
    async close() {
      closed = true
      await checking
      clearTimeout(timer)
    },
  }
}

/** Includes the birth time, because file systems reuse the inode of a deleted directory. */
async function identityOf(directory: string): Promise<string | undefined> {
  const stats = await stat(directory, { bigint: true }).catch(() => undefined)
  return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : undefined
}
