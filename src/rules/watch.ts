import { stat } from 'node:fs/promises'
import { watch as chokidarWatch, type FSWatcher } from 'chokidar'
import { systemErrorCode } from './reading.ts'

/** That the directory is worth a look: `watch`, something happened in it; `rescan`, it is time again. */
export type Hint = 'watch' | 'rescan'

export interface RulesWatch {
  /** The look that a hint led to has failed: another hint comes soon. */
  failed(): void
  /** Ends it. From the call on no hint is given; the promise resolves when nothing is left of it. */
  close(): Promise<void>
}

export interface WatchTrouble {
  /** The system's, e.g. `ENOSPC`. */
  readonly code: string | undefined
  readonly message: string
  /** From now on the directory is looked at by the clock only. */
  readonly polling: boolean
}

/** All in milliseconds. */
export interface WatchTimes {
  /** How long nothing more must happen before a hint is given. */
  readonly quiet: number
  /** How long whatever happens puts a hint off at most. */
  readonly atMost: number
  /** Between hints that nothing asks for: events get lost (NFS, a full queue). */
  readonly rescan: number
  /** The same when the system grants no watch. */
  readonly poll: number
  /** Between checks that what is watched still is what bears the directory's name. */
  readonly identity: number
}

interface WatchOptions {
  /** Hears of every kind of trouble once. */
  readonly onTrouble?: (trouble: WatchTrouble) => void
  readonly times?: WatchTimes
  readonly watch?: typeof chokidarWatch
}

const defaultTimes: WatchTimes = { quiet: 150, atMost: 500, rescan: 5_000, poll: 2_000, identity: 1_000 }

/** Milliseconds from a look that failed to the next: why it failed (EMFILE, a volume) seldom passes with an event. */
const retryAfter = 2_000

/** The process, its user or the system has no more watches to give. */
const exhausted: ReadonlySet<string | undefined> = new Set(['ENOSPC', 'EMFILE', 'ENFILE'])

/**
 * Gives hints that the rule files in `directory` may have changed, whether it exists yet or not. A hint says nothing of
 * what has changed: events come twice, out of order or not at all, only the directory itself tells.
 */
export function watchRules(
  directory: string,
  onHint: (hint: Hint) => void,
  { onTrouble = () => {}, times = defaultTimes, watch = chokidarWatch }: WatchOptions = {},
): RulesWatch {
  const debounce = createDebounce(() => onHint('watch'), times)
  const told = new Set<string | undefined>()
  let rescan = setInterval(() => onHint('rescan'), times.rescan).unref()
  let retry: NodeJS.Timeout | undefined
  let watcher: FSWatcher | undefined
  let state: 'watching' | 'polling' | 'closed' = 'watching'

  // A watcher stays with the directory that it was opened on: when a link is swapped, or the directory made anew, it
  // never hears of the one that bears the name now.
  const identity = followIdentity(directory, times.identity, async (exists) => {
    debounce.happened()
    await end(watcher)
    watcher = undefined
    if (exists && state === 'watching') open()
  })

  function open(): void {
    try {
      // Nothing is filtered, not even "..data" or folders: a watcher that ignores part of a mount loses its swaps. The
      // raw events come at once, the cooked ones after chokidar has looked at all files; "ready" because what happened
      // before it was not seen. Without a depth it would descend into folders, and through links to folders, which are
      // not rules and may be the whole file system; a swap of "..data" is an event of the directory itself.
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
    if (told.has(code)) return
    told.add(code)
    const message = error instanceof Error ? error.message : String(error)
    onTrouble({ code, message, polling: state === 'polling' })
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
  // It has dropped its listeners, and an error that nobody listens for would end the process.
  watcher?.on('error', () => {})
  await closed
}

/** Calls `settled` when nothing has happened for a while, or things have happened for long enough. */
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

/** Calls `changed` when another directory bears the name than before, or none: also for the one there at first. */
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

/** The time of birth tells a directory that was made anew: file systems give out the same inode again. */
async function identityOf(directory: string): Promise<string | undefined> {
  const stats = await stat(directory, { bigint: true }).catch(() => undefined)
  return stats?.isDirectory() === true ? `${stats.dev}:${stats.ino}:${stats.birthtimeNs}` : undefined
}
