import type { Finding } from '../plan/finding.ts'
import type { LoadedFile } from '../plan/snapshot.ts'
import type { NamedHost } from '../rule-file/read.ts'
import type { Stat } from './reading.ts'

/** A rule file, and what is needed to word a conflict with another one. */
export interface AdoptedFile extends LoadedFile {
  readonly hosts: readonly NamedHost[]
}

/** What is known of one name in the rules directory. */
export interface KnownFile {
  readonly stat: Stat
  /** When a look first found it so, by `clock.elapsed`. */
  readonly since: number
  /** As last adopted; `undefined` when it never was. */
  readonly adopted: AdoptedFile | undefined
  /** What `adopted` was made of. */
  readonly adoptedFrom: Stat | undefined
  /** What will be adopted once it has stayed unchanged for its debounce time: read and compiled at the first look. */
  readonly next: AdoptedFile | undefined
}

/** What all looks so far found, so that the next one reads only what changed and adopts what stayed unchanged. */
export interface FileIndex {
  /** Sorted by name. */
  readonly files: ReadonlyMap<string, KnownFile>
  /** About names that are not read, but may have been meant to be. */
  readonly notices: readonly Finding[]
  /** Resolved path of the directory in the last look; when it changes, every file may have changed. */
  readonly generation: string
}

export const emptyIndex: FileIndex = { files: new Map(), notices: [], generation: '' }

/** The rule files as last adopted, sorted by name. */
export const adoptedFiles = ({ files }: FileIndex): readonly AdoptedFile[] =>
  [...files.values()].flatMap(({ adopted }) => adopted ?? [])

/** Whether what was last found is what was last adopted. */
export const isAdopted = ({ stat, adopted }: KnownFile): boolean => contentOf(stat) === adopted?.hash

/** Whether what was last found is ready to be adopted. */
export const isReady = ({ stat, next }: KnownFile): boolean => contentOf(stat) === next?.hash

/** The `hash` of the {@link AdoptedFile} that `stat` makes; `undefined` when it makes none. */
export function contentOf(stat: Stat): string | undefined {
  switch (stat.kind) {
    case 'file':
      return stat.hash
    case 'unreadable':
      return `unreadable:${stat.why}`
    case 'gone':
      return undefined
  }
}
