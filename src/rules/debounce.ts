import type { Sighting } from './reading.ts'

/** How long a change must be seen as it is before it is taken, in milliseconds; with 0 it is taken at first sight. */
export interface SettleTimes {
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
export const defaultSettleTimes: SettleTimes = { file: 150, incomplete: 500, emptied: 4_000 }

/** How long `sighting` must last. `emptied`: nothing is left of a directory that had rule files. */
export function settleTime(sighting: Sighting, times: SettleTimes, emptied: boolean): number {
  if (sighting.kind === 'gone') return emptied ? times.emptied : times.file
  return sighting.kind === 'file' && !sighting.endsWithNewline ? times.incomplete : times.file
}
