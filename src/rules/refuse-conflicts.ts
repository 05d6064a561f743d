import type { Finding } from '../plan/finding.ts'
import type { LoadedFile, Snapshot } from '../plan/snapshot.ts'
import { conflictsBetween } from '../rule-file/conflicts.ts'
import { readFileName } from '../rule-file/names.ts'
import type { NamedHost } from '../rule-file/read.ts'
import type { AdoptedFile } from './file-index.ts'

/**
 * The files as they may be loaded: those that contradict each other have an error instead of content. A file that is
 * not taken leaves its bucket on its rules `inForce`, hosts included, so those count as well, beside the hosts that it
 * names now; otherwise a mistake in one file could hand its host to the rules of another bucket.
 */
export function refuseConflicts(files: readonly AdoptedFile[], inForce: Snapshot): readonly LoadedFile[] {
  if (!mayConflict(files, inForce)) return files
  const named = files.filter(({ file }) => readFileName(file).kind === 'rules')
  const refused = new Map<string, readonly Finding[]>()
  // Each round refuses one more file at least: whatever falls back to rules that contradict another file's.
  for (let found = conflictsWith(named, refused, inForce); found.length > 0; ) {
    for (const [file, findings] of Map.groupBy(found, ({ file }) => file)) refused.set(file, findings)
    found = conflictsWith(named, refused, inForce)
  }
  return files.map((taken) => {
    const findings = refused.get(taken.file)
    if (findings === undefined) return taken
    return { ...taken, content: undefined, policy: undefined, findings: [...taken.findings, ...findings] }
  })
}

/** Most often nothing is there twice, which is told with far less effort than what to say of it. */
function mayConflict(files: readonly AdoptedFile[], inForce: Snapshot): boolean {
  const buckets = files.map(({ bucket }) => bucket)
  const hosts = files.flatMap((taken) =>
    effectiveHosts(taken, taken.content !== undefined, inForce).map(({ host }) => host),
  )
  return new Set(buckets).size < buckets.length || new Set(hosts).size < hosts.length
}

/** What is to be said of the files that are not `refused` yet. */
function conflictsWith(
  files: readonly AdoptedFile[],
  refused: ReadonlyMap<string, unknown>,
  inForce: Snapshot,
): readonly Finding[] {
  const isWhole = ({ file, content }: AdoptedFile): boolean => content !== undefined && !refused.has(file)
  const effective = files.map((taken) => ({
    file: taken.file,
    bucket: taken.bucket,
    hosts: effectiveHosts(taken, isWhole(taken), inForce),
  }))
  const whole = new Set(files.filter(isWhole).map(({ file }) => file))
  return conflictsBetween(effective).filter(
    ({ file, code }) => whole.has(file) || (code === 'duplicate-bucket' && !refused.has(file)),
  )
}

function effectiveHosts(
  { bucket, hosts }: AdoptedFile,
  isWhole: boolean,
  inForce: Snapshot,
): readonly NamedHost[] {
  if (isWhole) return hosts
  const named = new Set(hosts.map(({ host }) => host))
  const others = inForce.buckets.get(bucket)?.file.hosts.filter((host) => !named.has(host)) ?? []
  return [...hosts, ...others.map((host) => ({ host, line: 1, column: 1 }))]
}
