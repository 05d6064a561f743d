import type { Finding } from '../plan/finding.ts'
import type { FileState, FileStatus, Snapshot } from '../plan/snapshot.ts'

/** What caused a reload. `bucket-cors`: the bucket CORS API has written, so an emptied directory is intended. */
export type ReloadCause = 'start' | 'watch' | 'rescan' | 'signal' | 'request' | 'bucket-cors'

export interface FileChange {
  readonly file: string
  readonly bucket: string
  /** `undefined`: it did not exist. */
  readonly before: FileState | undefined
  /** `undefined`: it was deleted. */
  readonly after: FileState | undefined
}

/**
 * `applied`: a change took effect, or this was the first load. `failed`: the directory could not be read, or every
 * change had an error; the rules are unchanged.
 */
export const reloadOutcomes = ['applied', 'unchanged', 'failed'] as const
export type ReloadOutcome = (typeof reloadOutcomes)[number]

export interface ReloadResult {
  readonly cause: ReloadCause
  readonly result: ReloadOutcome
  /** The directory was read, and no file has an error. */
  readonly successful: boolean
  /** Why the directory could not be read, e.g. `it does not exist`. */
  readonly failure: string | undefined
  /** The active rules afterwards. */
  readonly snapshot: Snapshot
  readonly changes: readonly FileChange[]
  /** About changed files, and about new names that are not read. */
  readonly findings: readonly Finding[]
  /** Names of files whose changes may be incomplete. A later reload adopts them. */
  readonly pending: readonly string[]
}

interface RulesState {
  readonly snapshot: Snapshot
  /** Findings about names that are not read. */
  readonly notices: readonly Finding[]
}

export function describeReload(
  cause: ReloadCause,
  before: RulesState,
  after: RulesState,
  { failure, pending }: Pick<ReloadResult, 'failure' | 'pending'>,
): ReloadResult {
  const { snapshot } = after
  const changes = changesBetween(before.snapshot.files, snapshot.files)
  const changed = new Set(changes.map(({ file }) => file))
  const known = new Set(before.notices.map(({ file }) => file))
  return {
    cause,
    result: resultOf(changes, failure, before.snapshot.generation === 0 && snapshot.generation > 0),
    successful: failure === undefined && snapshot.files.every(({ state }) => state === 'ok'),
    failure,
    snapshot,
    changes,
    findings: [
      ...snapshot.files.filter(({ file }) => changed.has(file)).flatMap(({ findings }) => findings),
      ...after.notices.filter(({ file }) => !known.has(file)),
    ],
    pending,
  }
}

function resultOf(
  changes: readonly FileChange[],
  failure: string | undefined,
  isFirst: boolean,
): ReloadOutcome {
  if (isFirst || changes.some(({ after }) => after === undefined || after === 'ok')) return 'applied'
  return failure === undefined && changes.length === 0 ? 'unchanged' : 'failed'
}

function changesBetween(before: readonly FileStatus[], after: readonly FileStatus[]): FileChange[] {
  if (before === after) return []
  const previous = new Map(before.map((status) => [status.file, status]))
  const remaining = new Set(after.map(({ file }) => file))
  const gone = before
    .filter(({ file }) => !remaining.has(file))
    .map(({ file, bucket, state }) => ({ file, bucket, before: state, after: undefined }))
  const changed = after
    .filter((status) => !isSame(previous.get(status.file), status))
    .map(({ file, bucket, state }) => ({ file, bucket, before: previous.get(file)?.state, after: state }))
  return [...gone, ...changed]
}

/** A conflict with another file is found again in every reload, so findings are compared by content. */
const isSame = (one: FileStatus | undefined, other: FileStatus): boolean =>
  one?.state === other.state &&
  one.hash === other.hash &&
  (one.findings === other.findings || JSON.stringify(one.findings) === JSON.stringify(other.findings))
