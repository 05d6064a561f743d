import type { Setup } from '../plan/judge.ts'
import { type FileState, type FileStatus, policyOf, type Snapshot } from '../plan/snapshot.ts'
import type { Denials } from '../requests/denials.ts'
import type { DecisionHistory } from './history.ts'
import { json, type Reply } from './reply.ts'
import { countStates } from './rules-view.ts'
import type { FileSummary, Overview } from './shapes.ts'

interface OverviewContext {
  readonly rules: () => Snapshot
  readonly denials: Denials
  readonly history: DecisionHistory
  readonly endpoint: () => string
  readonly health: { ready(): boolean }
  readonly version: string
  readonly candidates?: unknown
  readonly started: number
  readonly directory: string
  readonly setup: Pick<Setup, 'unconfigured'>
}

/** Files on one page of the list. */
const maxFiles = 100
const maxFindings = 20

/**
 * `/-/overview`: the data that the console polls. `since=`: only newer points; `find=`: only buckets whose name contains
 * this; `from=`: skips this many files.
 */
export function overviewReply(
  {
    rules,
    denials,
    history,
    endpoint,
    health,
    version,
    candidates,
    started,
    directory,
    setup,
  }: OverviewContext,
  query: URLSearchParams,
): Reply {
  const snapshot = rules()
  const since = Number(query.get('since') ?? 0)
  if (!Number.isFinite(since))
    return json(400, { error: 'The parameter since must be a number of milliseconds.' })
  const from = Number(query.get('from') ?? 0)
  if (!Number.isSafeInteger(from) || from < 0)
    return json(400, { error: 'The parameter from must be the number of files to skip.' })
  const find = (query.get('find') ?? '').toLowerCase()
  const found = inOrder(snapshot).filter(({ bucket }) => bucket.toLowerCase().includes(find))
  const overview: Overview = {
    version,
    endpoint: endpoint(),
    ready: health.ready(),
    generation: snapshot.generation,
    started: new Date(started).toISOString(),
    directory,
    unconfigured: setup.unconfigured,
    states: countStates(snapshot),
    history: history.after(since),
    denials: denials.total(),
    candidates: candidates !== undefined,
    files: found.slice(from, from + maxFiles).map((file) => summary(snapshot, file)),
    filesFrom: from,
    filesFound: found.length,
  }
  return json(200, overview)
}

const ordered = new WeakMap<Snapshot, readonly FileStatus[]>()

/** Sorts once for each snapshot, because the console polls every few seconds. */
function inOrder(snapshot: Snapshot): readonly FileStatus[] {
  const known = ordered.get(snapshot)
  if (known !== undefined) return known
  const files = snapshot.files.toSorted((a, b) => urgency(b) - urgency(a) || (a.bucket < b.bucket ? -1 : 1))
  ordered.set(snapshot, files)
  return files
}

const stateUrgency: Readonly<Record<FileState, number>> = { invalid: 3, stale: 2, ok: 0 }

const urgency = ({ state, findings }: FileStatus): number =>
  stateUrgency[state] + (findings.length > 0 ? 1 : 0)

function summary(snapshot: Snapshot, { bucket, file, state, since, findings }: FileStatus): FileSummary {
  const policy = policyOf(snapshot, bucket)
  return {
    bucket,
    file,
    state,
    since: new Date(since).toISOString(),
    findings: findings.slice(0, maxFindings).map(({ file: _file, ...finding }) => finding),
    rules: policy?.rules.length ?? 0,
    dialect: policy?.dialect.name,
    mode: policy?.mode,
  }
}
