import { type Finding, findingAbout } from '../plan/finding.ts'
import type { NamedHost } from './read.ts'

export interface NamedFile {
  /** As shown in findings. */
  readonly file: string
  readonly bucket: string
  readonly hosts: readonly NamedHost[]
}

/**
 * Conflicts between files: two files for one bucket, or one host in two files. Both files get an error, because
 * it is not clear which one is meant, and "the last one wins" would depend on the order of a directory listing.
 */
export function conflictsBetween(files: readonly NamedFile[]): Finding[] {
  return [...bucketConflicts(files), ...hostConflicts(files)]
}

function bucketConflicts(files: readonly NamedFile[]): Finding[] {
  const byBucket = Map.groupBy(files, ({ bucket }) => bucket)
  return [...byBucket].flatMap(([bucket, sharing]) =>
    sharing.length < 2
      ? []
      : sharing.map(({ file }) =>
          findingAbout(
            file,
            'duplicate-bucket',
            `bucket ${bucket} also has the file ${others(sharing, file)}: keep one of them`,
          ),
        ),
  )
}

function hostConflicts(files: readonly NamedFile[]): Finding[] {
  const entries = files.flatMap((named) => named.hosts.map((entry) => ({ named, ...entry })))
  const byHost = Map.groupBy(entries, ({ host }) => host)
  return [...byHost].flatMap(([host, sharing]) => {
    const holders = [...new Set(sharing.map(({ named }) => named))]
    if (holders.length < 2) return []
    return sharing.map(({ named, ...place }) =>
      findingAbout(
        named.file,
        'duplicate-host',
        `host ${host} is also named in ${others(holders, named.file)}: a host can lead to one bucket only`,
        place,
      ),
    )
  })
}

const others = (files: readonly NamedFile[], file: string): string =>
  files
    .map((named) => named.file)
    .filter((name) => name !== file)
    .join(', ')
