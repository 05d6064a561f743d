import type { Stat } from './reading.ts'

/** How long a new state must last before it is adopted, in milliseconds; 0 adopts it at first sight. */
export interface DebounceTimes {
  /** A changed or deleted file. */
  readonly file: number
  /** A file whose last line is incomplete: it is probably still being written. */
  readonly incomplete: number
  /** All files of a directory that had some are gone: a volume was probably unmounted. */
  readonly emptied: number
}

/**
 * A truncated write can parse cleanly (`https://b.com` cut to `https://b.co` allows another origin), so only waiting
 * can tell it from a complete one. Including the watcher's debounce, a changed file must be live within a second.
 */
export const defaultDebounce: DebounceTimes = { file: 150, incomplete: 500, emptied: 4_000 }

/**
 * How long `stat` must stay unchanged. `before` is what the file was last adopted from. `emptied`: the directory
 * had rule files and has none now.
 */
export function debounceTime(stat: Stat, times: DebounceTimes, emptied: boolean, before?: Stat): number {
  if (stat.kind === 'gone') return emptied ? times.emptied : times.file
  if (isMovedIn(stat, before)) return 0
  return stat.kind === 'file' && !stat.endsWithNewline ? times.incomplete : times.file
}

/**
 * Whether another file was renamed into place, and is therefore complete. A write in place keeps the inode, and sets
 * mtime and ctime to the same time. A rename within the same clock tick as the last write looks like a write, and is
 * debounced as one.
 */
const isMovedIn = (stat: Stat, before: Stat | undefined): boolean =>
  stat.kind === 'file' && stat.renamed && !(before?.kind === 'file' && before.inode === stat.inode)
