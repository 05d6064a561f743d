import type { Finding } from '../plan/finding.ts'
import type { LoadedFile, Snapshot } from '../plan/snapshot.ts'
import { conflictsBetween } from '../rule-file/conflicts.ts'
import { readFileName } from '../rule-file/names.ts'
import type { NamedHost } from '../rule-file/read.ts'
import type { AdoptedFile } from './file-index.ts'

/**
 * The files as they may be loaded: files that contradict each other get an error instead of content. A bucket whose
 * file is refused keeps its live rules and hosts, so those count as well, besides the hosts that the file names
 * now. Otherwise a mistake in one file could hand its host to the rules of another bucket.
 */
export function refuseConflicts(files: readonly AdoptedFile[], live: Snapshot): readonly LoadedFile[] {
  if (!mayConflict(files, live)) return files
  const named = files.filter(({ file }) => readFileName(file).kind === 'rules')
  const refused = new Map<string, readonly Finding[]>()
  // Repeats, because falling back to live rules can cause a new conflict. Ends, because every round refuses another file.
  for (let found = conflictsWith(named, refused, live); found.length > 0; ) {
    for (const [file, findings] of Map.groupBy(found, ({ file }) => file)) refused.set(file, findings)
    found = conflictsWith(named, refused, live)
  }
  return files.map((adopted) => {
    const findings = refused.get(adopted.file)
    if (findings === undefined) return adopted
    return { ...adopted, content: undefined, policy: undefined, findings: [...adopted.findings, ...findings] }
  })
}

/** Usually nothing conflicts, and this check is much cheaper than wording the conflicts. */
function mayConflict(files: readonly AdoptedFile[], live: Snapshot): boolean {
  const buckets = new Set<string>()
  const hosts = new Set<string>()
  for (const adopted of files) {
    if (isTaken(buckets, adopted.bucket)) return true
    for (const { host } of effectiveHosts(adopted, adopted.content !== undefined, live))
      if (isTaken(hosts, host)) return true
  }
  return false
}

/** Whether `name` is in the set already. Adds it. */
const isTaken = (names: Set<string>, name: string): boolean => names.size === names.add(name).size

/** Conflicts of the files that are not `refused` yet. */
function conflictsWith(
  files: readonly AdoptedFile[],
  refused: ReadonlyMap<string, unknown>,
  live: Snapshot,
): readonly Finding[] {
  const isWhole = ({ file, content }: AdoptedFile): boolean => content !== undefined && !refused.has(file)
  const effective = files.map((adopted) => ({
    file: adopted.file,
    bucket: adopted.bucket,
    hosts: effectiveHosts(adopted, isWhole(adopted), live),
  }))
  const whole = new Set(files.filter(isWhole).map(({ file }) => file))
  return conflictsBetween(effective).filter(
    ({ file, code }) => whole.has(file) || (code === 'duplicate-bucket' && !refused.has(file)),
  )
}

function effectiveHosts(
  { bucket, hosts }: AdoptedFile,
  isWhole: boolean,
  live: Snapshot,
): readonly NamedHost[] {
  if (isWhole) return hosts
  const named = new Set(hosts.map(({ host }) => host))
  const others = live.buckets.get(bucket)?.file.hosts.filter((host) => !named.has(host)) ?? []
  return [...hosts, ...others.map((host) => ({ host, line: 1, column: 1 }))]
}
