import { createInterner } from '../cors/interner.ts'
import { type DialectName, emptyRuleFile, type RuleFile } from '../cors/rule.ts'
import { compileRules, type RuleSet } from '../cors/rule-set.ts'
import { type Dialect, type PreparedRule, prepareRule } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import { foldedName, isBucketName } from './address.ts'
import type { Finding } from './finding.ts'

/** One rule file as read from the directory. `content` is `undefined` when a finding is an error. */
export interface LoadedFile {
  /** Base name, e.g. `photos.yaml`. */
  readonly file: string
  readonly bucket: string
  readonly hash: string
  readonly content: RuleFile | undefined
  /** The compiled `content`. If it is absent, `nextSnapshot` compiles it. */
  readonly policy?: BucketPolicy | undefined
  /**
   * Hosts that the file names. Also present without `content`: the rules of another bucket must not apply to them.
   */
  readonly hosts?: readonly { readonly host: string }[]
  readonly findings: readonly Finding[]
}

export type FileState = 'ok' | 'stale' | 'invalid'

/** The compiled rules of one bucket. A bucket with an invalid file has no rules, so it refuses preflights. */
export interface BucketPolicy extends RuleSet {
  readonly name: string
  /** The `bucket` label in metrics: the name, or `_other` for rules that many buckets share. */
  readonly label: string
  readonly dialect: Dialect
  readonly mode: 'enforce' | 'report'
  /** Header values of `rules`, at the same index. */
  readonly prepared: readonly PreparedRule[]
  /** Vary of a response that matched a rule, and of every other response of this bucket. */
  readonly varyMatched: readonly string[]
  readonly varyOther: readonly string[]
  readonly file: RuleFile
}

/** State of one rule file, for `/-/rules`, metrics and the console. */
export interface FileStatus {
  readonly file: string
  readonly bucket: string
  readonly state: FileState
  /** When the file entered this state, in milliseconds since 1970. */
  readonly since: number
  readonly hash: string
  readonly findings: readonly Finding[]
}

/** All rules at one moment. Immutable: a request takes one snapshot and keeps it to its end. */
export interface Snapshot {
  readonly generation: number
  readonly buckets: ReadonlyMap<string, BucketPolicy>
  /** {@link foldedName} of each bucket, mapped to its name. */
  readonly foldedNames: ReadonlyMap<string, string>
  /** `hosts:` entries, mapped to bucket names. */
  readonly hosts: ReadonlyMap<string, string>
  readonly fallback: BucketPolicy | undefined
  readonly service: BucketPolicy | undefined
  readonly files: readonly FileStatus[]
}

/** Reserved file names; they cannot be bucket names. */
export const fallbackName = '_default'
export const serviceName = '_service'

export const nothingLoaded: Snapshot = {
  generation: 0,
  buckets: new Map(),
  foldedNames: new Map(),
  hosts: new Map(),
  fallback: undefined,
  service: undefined,
  files: [],
}

const filesPerStep = 2_000

/**
 * The snapshot for a directory that now holds `files`. An unchanged file keeps its compiled rules. A bucket whose file
 * has an error keeps its last good rules (`stale`), or has no rules (`invalid`). The rules of a deleted file are gone.
 */
export function nextSnapshot(...given: Parameters<typeof snapshotInSteps>): Snapshot {
  const steps = snapshotInSteps(...given)
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** {@link nextSnapshot}, a few milliseconds in each step, so that requests can be served between two steps. */
export function* snapshotInSteps(
  previous: Snapshot,
  files: readonly LoadedFile[],
  serverDialect: DialectName,
  now: number,
): Generator<undefined, Snapshot> {
  const buckets = new Map<string, BucketPolicy>()
  const special = new Map<string, BucketPolicy>()
  const statuses: FileStatus[] = []
  const known = new Map(previous.files.map((status) => [status.file, status]))
  const served = new Set(
    previous.files.filter(({ state }) => state !== 'invalid').map(({ bucket }) => bucket),
  )
  const refusing = policyWithoutRules(previous, files, serverDialect)
  for (const { file, bucket, hash, content, policy: compiled, findings } of files) {
    if (statuses.length % filesPerStep === 0) yield
    const lastGood = policyOf(previous, bucket)
    const policy =
      content === undefined
        ? lastGood !== undefined && served.has(bucket)
          ? lastGood
          : refusing(bucket)
        : lastGood?.file === content
          ? lastGood
          : (compiled ?? compilePolicy(bucket, content, serverDialect))
    if (bucket === fallbackName || bucket === serviceName) special.set(bucket, policy)
    // A file whose name cannot be a bucket name is reported, but no request can reach it.
    else if (isBucketName(bucket)) buckets.set(bucket, policy)
    // Without earlier good rules there is nothing to fall back on.
    const state = content !== undefined ? 'ok' : served.has(bucket) ? 'stale' : 'invalid'
    const before = known.get(file)
    const since = before?.state === state && before.hash === hash ? before.since : now
    statuses.push({ file, bucket, state, since, hash, findings })
  }
  yield
  return {
    generation: previous.generation + 1,
    buckets,
    foldedNames: new Map(buckets.keys().map((name) => [foldedName(name), name])),
    hosts: hostsOf(buckets),
    fallback: special.get(fallbackName),
    service: special.get(serviceName),
    files: statuses,
  }
}

/** The policy of a bucket whose file was never valid: no rules, but every host that the file names. */
function policyWithoutRules(
  previous: Snapshot,
  files: readonly LoadedFile[],
  serverDialect: DialectName,
): (bucket: string) => BucketPolicy {
  const bad = Map.groupBy(
    files.filter(({ content }) => content === undefined),
    ({ bucket }) => bucket,
  )
  return (bucket) => {
    const named = (bad.get(bucket) ?? []).flatMap((file) => file.hosts ?? [])
    const hosts = [...new Set(named.map(({ host }) => host))]
    const before = policyOf(previous, bucket)
    const isSame = before?.rules.length === 0 && before.file.hosts.join() === hosts.join()
    return isSame ? before : compilePolicy(bucket, { ...emptyRuleFile, hosts }, serverDialect)
  }
}

const sharedVary = createInterner<readonly string[]>()

export function compilePolicy(name: string, file: RuleFile, serverDialect: DialectName): BucketPolicy {
  const dialect = dialectNamed(file.dialect ?? serverDialect)
  const own = dialect.vary(file.responseVary)
  const withOrigin = (names: readonly string[]): readonly string[] =>
    file.vary === 'dialect' || names.includes('Origin')
      ? names
      : sharedVary(names, () => ['Origin', ...names])
  const { rules, naming, open } = compileRules(file.rules)
  return {
    name,
    label: name === fallbackName || name === serviceName ? '_other' : name,
    dialect,
    mode: file.mode,
    rules,
    naming,
    open,
    prepared: file.rules.map((rule) => prepareRule(dialect.style, rule)),
    varyMatched: withOrigin(own.matched),
    varyOther: withOrigin(own.other),
    file,
  }
}

/** The policy of a bucket, of {@link fallbackName} or of {@link serviceName}. */
export function policyOf(snapshot: Snapshot, bucket: string): BucketPolicy | undefined {
  if (bucket === fallbackName) return snapshot.fallback
  if (bucket === serviceName) return snapshot.service
  return snapshot.buckets.get(bucket)
}

/** The policy that decides requests for a bucket: its own, or else that of {@link fallbackName}. */
export const policyForBucket = (snapshot: Snapshot, bucket: string): BucketPolicy | undefined =>
  snapshot.buckets.get(bucket) ?? snapshot.fallback

function hostsOf(buckets: ReadonlyMap<string, BucketPolicy>): ReadonlyMap<string, string> {
  const named: BucketPolicy[] = []
  for (const policy of buckets.values()) if (policy.file.hosts.length > 0) named.push(policy)
  const hosts = new Map<string, string>()
  // Buckets with rules come last and win: a file without rules must not take over their hosts.
  for (const withRules of [false, true])
    for (const { name, rules, file } of named)
      if (rules.length > 0 === withRules) for (const host of file.hosts) hosts.set(host, name)
  return hosts
}
