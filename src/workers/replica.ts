import type { DialectName, RuleFile } from '../cors/rule.ts'
import {
  type BucketPolicy,
  compilePolicy,
  type FileStatus,
  nextSnapshot,
  nothingLoaded,
  policyOf,
  type Snapshot,
} from '../plan/snapshot.ts'

/** One rule file, with the rules that its bucket is served with: its own, its last good ones, or none. */
interface ServedFile {
  readonly status: FileStatus
  readonly rules: RuleFile
}

/** Part of the change from one set of rules to another. The last part applies the whole change. */
export interface RulesPart {
  readonly kind: 'rules'
  readonly generation: number
  readonly changed: readonly ServedFile[]
  /** Base names of deleted files. */
  readonly gone: readonly string[]
  readonly isLast: boolean
}

/** Files in one part. Building or reading a part blocks the event loop, so parts are small. */
const filesAtOnce = 200

/** The parts that a process serving `before` needs to serve `after`. */
export function* partsBetween(before: Snapshot, after: Snapshot): Generator<RulesPart, void> {
  const known = new Map(before.files.map((status) => [status.file, status]))
  const names = new Set(after.files.map(({ file }) => file))
  const gone = [...known.keys()].filter((file) => !names.has(file))
  const changed = after.files
    .filter(
      (status) =>
        !isSame(known.get(status.file), status) ||
        policyOf(before, status.bucket) !== policyOf(after, status.bucket),
    )
    .flatMap((status) => {
      const policy = policyOf(after, status.bucket)
      return policy === undefined ? [] : [{ status, rules: policy.file }]
    })
  const { generation } = after
  for (let from = 0; from < changed.length - filesAtOnce; from += filesAtOnce)
    yield {
      kind: 'rules',
      generation,
      changed: changed.slice(from, from + filesAtOnce),
      gone: [],
      isLast: false,
    }
  const rest = Math.max(0, Math.ceil(changed.length / filesAtOnce) - 1) * filesAtOnce
  yield { kind: 'rules', generation, changed: changed.slice(rest), gone, isLast: true }
}

const isSame = (one: FileStatus | undefined, other: FileStatus): boolean =>
  one?.state === other.state &&
  one.hash === other.hash &&
  one.since === other.since &&
  one.findings === other.findings

/** The rules of the primary, which alone reads the directory, so that all workers serve the same generations. */
export interface Replica {
  current(): Snapshot
  /** Returns whether `part` was the last, so that its generation now applies. */
  take(part: RulesPart): boolean
}

interface CompiledFile extends ServedFile {
  readonly policy: BucketPolicy
}

export function createReplica(dialect: DialectName): Replica {
  const served = new Map<string, CompiledFile>()
  let current = nothingLoaded
  return {
    current: () => current,
    take({ generation, changed, gone, isLast }) {
      for (const file of gone) served.delete(file)
      // Compiled part by part, because compiling everything at the last part would block requests.
      for (const { status, rules } of changed)
        served.set(status.file, { status, rules, policy: compilePolicy(status.bucket, rules, dialect) })
      if (isLast) current = replicated(current, [...served.values()].sort(byName), generation, dialect)
      return isLast
    },
  }
}

const byName = ({ status: { file: one } }: ServedFile, { status: { file: other } }: ServedFile): number =>
  one < other ? -1 : 1

/**
 * The primary has decided which rules each bucket is served with, so every file loads without a check and keeps its
 * state.
 */
function replicated(
  previous: Snapshot,
  served: readonly CompiledFile[],
  generation: number,
  dialect: DialectName,
): Snapshot {
  const files = served.map(({ status: { file, bucket, hash, findings }, rules, policy }) => ({
    file,
    bucket,
    hash,
    findings,
    content: rules,
    policy,
  }))
  return {
    ...nextSnapshot(previous, files, dialect, 0),
    generation,
    files: served.map(({ status }) => status),
  }
}
