import type { FileState, FileStatus, Snapshot } from '../plan/snapshot.ts'
import type { Denials } from '../requests/denials.ts'
import type { DecisionHistory } from './history.ts'
import { json, type Reply } from './reply.ts'
import { countStates, policyOf } from './rules-view.ts'
import type { FileSummary, Overview } from './shapes.ts'

interface Overlooked {
  readonly rules: () => Snapshot
  readonly denials: Denials
  readonly history: DecisionHistory
  readonly endpoint: () => string
  readonly health: { ready(): boolean }
  readonly version: string
}

/** So many files are shown at once; the rest is found by name. */
const shownFiles = 100
const shownFindings = 20

/** `/-/overview`: what the console shows all the time. `since=`: only newer points; `find=`: only buckets so named. */
export function overviewReply(
  { rules, denials, history, endpoint, health, version }: Overlooked,
  query: URLSearchParams,
): Reply {
  const snapshot = rules()
  const since = Number(query.get('since') ?? 0)
  if (!Number.isFinite(since)) return json(400, { error: 'The parameter since is a number of milliseconds.' })
  const find = (query.get('find') ?? '').toLowerCase()
  const found = snapshot.files.filter(({ bucket }) => bucket.toLowerCase().includes(find))
  const overview: Overview = {
    version,
    endpoint: endpoint(),
    ready: health.ready(),
    generation: snapshot.generation,
    states: countStates(snapshot),
    history: history.after(since),
    denials: denials.total(),
    files: found
      .toSorted((a, b) => urgency(b) - urgency(a) || (a.bucket < b.bucket ? -1 : 1))
      .slice(0, shownFiles)
      .map((file) => summary(snapshot, file)),
    filesFound: found.length,
  }
  return json(200, overview)
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
    findings: findings.slice(0, shownFindings).map(({ file: _file, ...finding }) => finding),
    rules: policy?.rules.length ?? 0,
    dialect: policy?.dialect.name,
    mode: policy?.mode,
  }
}
