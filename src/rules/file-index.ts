import type { LoadedFile } from '../plan/snapshot.ts'
import type { Finding } from '../rule-file/issue.ts'
import type { NamedHost } from '../rule-file/read.ts'
import type { Sighting } from './reading.ts'

/** A rule file, and what is needed to word a conflict with another one. */
export interface TakenFile extends LoadedFile {
  readonly hosts: readonly NamedHost[]
}

/** What is known of one name in the rules directory. */
export interface KnownFile {
  readonly sighting: Sighting
  /** When a look first found it so, by `clock.elapsed`. */
  readonly since: number
  /** As last taken; `undefined` when it never was. */
  readonly taken: TakenFile | undefined
  /** What it is to be taken as once it has settled: read with the sighting, so that it need not be read once more. */
  readonly next: TakenFile | undefined
}

/** What all looks so far found: the next one reads only what changed, and takes what stayed as it was. */
export interface Seen {
  /** Sorted by name. */
  readonly files: ReadonlyMap<string, KnownFile>
  /** About names that are not read, but may have been meant to be. */
  readonly notices: readonly Finding[]
  /** Where the directory's name led to in the last look; another value says that all files may be others. */
  readonly generation: string
}

export const nothingSeen: Seen = { files: new Map(), notices: [], generation: '' }

/** The rule files as last taken, sorted by name. */
export const takenFiles = ({ files }: Seen): readonly TakenFile[] =>
  [...files.values()].flatMap(({ taken }) => taken ?? [])

/** The rule files that are ready to be taken and have not settled yet, sorted by name. */
export const readyFiles = ({ files }: Seen): readonly TakenFile[] =>
  [...files.values()].flatMap(({ next }) => next ?? [])

/** Whether what was last seen is also what was last taken. */
export const isTaken = ({ sighting, taken }: KnownFile): boolean => contentOf(sighting) === taken?.hash

/** Whether what was last seen is ready to be taken. */
export const isReady = ({ sighting, next }: KnownFile): boolean => contentOf(sighting) === next?.hash

/** The `hash` of the {@link TakenFile} that `sighting` makes; `undefined` when it makes none. */
export function contentOf(sighting: Sighting): string | undefined {
  switch (sighting.kind) {
    case 'file':
      return sighting.hash
    case 'unreadable':
      return `unreadable:${sighting.why}`
    case 'gone':
      return undefined
  }
}
