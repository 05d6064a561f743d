import { type FileStatus, policyOf, type Snapshot } from '../plan/snapshot.ts'
import { json, longJson, type Reply } from './reply.ts'

/** `/-/rules`: every rule file with its state, its findings and the rules in use, presets expanded. */
export function rulesReply(snapshot: Snapshot, query: URLSearchParams): Reply {
  for (const name of query.keys())
    if (name !== 'bucket')
      return json(400, { error: `Unknown parameter ${JSON.stringify(name)}; use bucket.` })
  const bucket = query.get('bucket')
  const files = bucket === null ? snapshot.files : snapshot.files.filter((file) => file.bucket === bucket)
  if (bucket !== null && files.length === 0)
    return json(404, { error: `There is no rule file for the bucket ${JSON.stringify(bucket)}.` })
  return longJson(
    { generation: snapshot.generation, states: countStates(snapshot) },
    'files',
    fileViews(snapshot, files),
  )
}

export function countStates({ files }: Snapshot): Readonly<Record<FileStatus['state'], number>> {
  const states = { ok: 0, stale: 0, invalid: 0 }
  for (const { state } of files) states[state]++
  return states
}

function* fileViews(snapshot: Snapshot, files: readonly FileStatus[]): Generator<unknown> {
  for (const file of files) yield fileView(snapshot, file)
}

function fileView(snapshot: Snapshot, { file, bucket, state, since, findings }: FileStatus): unknown {
  const policy = policyOf(snapshot, bucket)
  return {
    bucket,
    file,
    state,
    since: new Date(since).toISOString(),
    findings: findings.map(({ file: _file, ...finding }) => finding),
    dialect: policy?.dialect.name,
    mode: policy?.mode,
    vary: policy?.file.vary,
    responseVary: policy?.file.responseVary,
    hosts: policy?.file.hosts ?? [],
    rules: policy?.file.rules ?? [],
  }
}
