import type { Finding } from '../plan/finding.ts'
import type { LoadedFile } from '../plan/snapshot.ts'
import type { NamedHost } from '../rule-file/read.ts'
import type { Stat } from './reading.ts'

/** A rule file, with the positions of its hosts, which a finding about a conflict needs. */
export interface AdoptedFile extends LoadedFile {
  readonly hosts: readonly NamedHost[]
  /**
   * When the process that read the file ended or took too long, by `clock.elapsed`. The cause may have been the machine,
   * not the file, so the file is read again later.
   */
  readonly failedAt?: number
}

/** State of one name in the rules directory. */
export interface KnownFile {
  readonly stat: Stat
  /** When a look first found this state, by `clock.elapsed`. */
  readonly since: number
  /** The file as last adopted; `undefined` when it never was. */
  readonly adopted: AdoptedFile | undefined
  /** The state that `adopted` was made from. */
  readonly adoptedFrom: Stat | undefined
  /** What to adopt after the debounce time; read and compiled at the first look. */
  readonly next: AdoptedFile | undefined
}

/**
 * The result of all looks so far, so that the next one reads only what changed and adopts what stayed unchanged.
 */
export interface FileIndex {
  /** Sorted by name. */
  readonly files: ReadonlyMap<string, KnownFile>
  /** Findings about names that are not read but may have been meant as rule files. */
  readonly notices: readonly Finding[]
  /** Resolved path of the directory in the last look. When it changes, every file may have changed. */
  readonly generation: string
}

export const emptyIndex: FileIndex = { files: new Map(), notices: [], generation: '' }

/** The rule files as last adopted, sorted by name. */
export const adoptedFiles = ({ files }: FileIndex): readonly AdoptedFile[] =>
  [...files.values()].flatMap(({ adopted }) => adopted ?? [])

/** Whether the state last seen is adopted. */
export const isAdopted = ({ stat, adopted }: KnownFile): boolean => contentOf(stat) === adopted?.hash

/** Whether the state last seen is ready to be adopted. */
export const isReady = ({ stat, next }: KnownFile): boolean => contentOf(stat) === next?.hash

/** The `hash` of the {@link AdoptedFile} for `stat`; `undefined` when it has none. */
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
