import type { DialectName } from '../cors/rule.ts'
import {
  type BucketPolicy,
  compilePolicy,
  type FileStatus,
  fallbackName,
  type LoadedFile,
  type Snapshot,
  serviceName,
} from '../snapshot.ts'
import type { Pause } from './slices.ts'

/**
 * Compiles what changed, one file after the other, with pauses. `nextSnapshot` does so in one go, which for many files
 * would hold the requests; it takes over what it finds compiled. Returns `previous` with the changed files in it, to be
 * given to `nextSnapshot` in its place and to nobody else: what a file with an error or a deleted one had is still there.
 * No two files with content may be for the same bucket.
 */
export async function compileAhead(
  previous: Snapshot,
  files: readonly LoadedFile[],
  dialect: DialectName,
  now: number,
  pause: Pause,
): Promise<Snapshot> {
  const statuses = new Map<string, FileStatus>(previous.files.map((status) => [status.file, status]))
  const policies = new Map<string, BucketPolicy>()
  for (const { file, bucket, hash, content, findings } of files) {
    const before = statuses.get(file)
    if (content === undefined || (before?.state === 'ok' && before.hash === hash)) continue
    policies.set(bucket, compilePolicy(bucket, content, dialect))
    statuses.set(file, { file, bucket, state: 'ok', since: now, hash, findings })
    await pause()
  }
  return {
    ...previous,
    buckets: new Map([...previous.buckets, ...policies]),
    fallback: policies.get(fallbackName) ?? previous.fallback,
    service: policies.get(serviceName) ?? previous.service,
    files: [...statuses.values()],
  }
}
