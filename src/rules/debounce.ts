import type { Stat } from './reading.ts'

/** How long a change must be seen unchanged before it is adopted, in milliseconds; with 0 it is adopted at first sight. */
export interface DebounceTimes {
  /** A changed file, or the absence of one. */
  readonly file: number
  /** A file whose last line is incomplete: most likely it is still being written. */
  readonly incomplete: number
  /** The absence of every file where there were some: most likely a volume went away. */
  readonly emptied: number
}

/**
 * A write that is cut off can parse cleanly (`https://b.com` cut to `https://b.co` allows another site), so only time
 * tells it from a complete one. With the watcher's debounce added, a file must still be live within a second.
 */
export const defaultDebounce: DebounceTimes = { file: 150, incomplete: 500, emptied: 4_000 }

/**
 * How long `stat`, which was `before` when its file was last adopted, must last. `emptied`: nothing is left of a
 * directory that had rule files.
 */
export function debounceTime(stat: Stat, times: DebounceTimes, emptied: boolean, before?: Stat): number {
  if (stat.kind === 'gone') return emptied ? times.emptied : times.file
  if (isMovedIn(stat, before)) return 0
  return stat.kind === 'file' && !stat.endsWithNewline ? times.incomplete : times.file
}

/**
 * Whether another file was renamed into place. It was written under another name, so it is whole. A write that was cut
 * off changes neither the inode nor its ctime alone. A rename within the same tick of the clock as the last write
 * cannot be told from a write, and is debounced as one.
 */
const isMovedIn = (stat: Stat, before: Stat | undefined): boolean =>
  stat.kind === 'file' && stat.renamed && !(before?.kind === 'file' && before.inode === stat.inode)
