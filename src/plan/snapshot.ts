import type { DialectName, RuleFile } from '../cors/rule.ts'
import { compileRules, type RuleSet } from '../cors/rule-set.ts'
import { createSharing } from '../cors/sharing.ts'
import { type Dialect, type PreparedRule, prepareRule } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import { foldedName, isBucketName } from './address.ts'
import type { Finding } from './finding.ts'

/** One rule file as read from the directory. `content` is `undefined` when a finding is an error. */
export interface LoadedFile {
  /** Base name, e.g. `photos.yaml`. */
  readonly file: string
  readonly bucket: string
  /** Hash of the bytes. */
  readonly hash: string
  readonly content: RuleFile | undefined
  /** `content`, compiled; when it is left out, `nextSnapshot` compiles it. */
  readonly policy?: BucketPolicy | undefined
  /** Hosts that the file names. Without content they say whose requests come there; nobody else's rules answer them. */
  readonly hosts?: readonly { readonly host: string }[]
  readonly findings: readonly Finding[]
}

export type FileState = 'ok' | 'stale' | 'invalid'

/** The rules of one bucket, ready to serve. A bucket whose file is invalid has none, and refuses. */
export interface BucketPolicy extends RuleSet {
  readonly name: string
  /** The `bucket` label in metrics: the name, or `_other` for what many buckets share. */
  readonly label: string
  readonly dialect: Dialect
  readonly mode: 'enforce' | 'report'
  /** Header values of `rules`, at the same index. */
  readonly prepared: readonly PreparedRule[]
  /** Vary of a response that a rule matched, and of every other response of this bucket. */
  readonly varyMatched: readonly string[]
  readonly varyOther: readonly string[]
  readonly file: RuleFile
}

/** What is known of one rule file, for `/-/rules`, metrics and the console. */
export interface FileStatus {
  readonly file: string
  readonly bucket: string
  readonly state: FileState
  /** When the file came into this state, in milliseconds since 1970. */
  readonly since: number
  readonly hash: string
  readonly findings: readonly Finding[]
}

/** All rules at one moment. Immutable: a request takes it once and keeps it to its end. */
export interface Snapshot {
  readonly generation: number
  readonly buckets: ReadonlyMap<string, BucketPolicy>
  /** {@link foldedName} of each bucket, to its name. */
  readonly foldedNames: ReadonlyMap<string, string>
  /** `hosts:` entries to the bucket's name. */
  readonly hosts: ReadonlyMap<string, string>
  readonly fallback: BucketPolicy | undefined
  readonly service: BucketPolicy | undefined
  readonly files: readonly FileStatus[]
}

/** Names with a meaning of their own; neither can be a bucket's. */
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

/** The rule file of a bucket that has none it could be served with. */
const noRules: RuleFile = {
  rules: [],
  vary: 'auto',
  responseVary: false,
  mode: 'enforce',
  hosts: [],
  tests: [],
}

/**
 * The snapshot after the directory holds `files`. A file that did not change keeps its compiled rules; a file with an
 * error keeps its bucket's last good rules (`stale`), or leaves it without rules (`invalid`); a file that is gone
 * takes its rules with it.
 */
export function nextSnapshot(
  previous: Snapshot,
  files: readonly LoadedFile[],
  serverDialect: DialectName,
  now: number,
): Snapshot {
  const buckets = new Map<string, BucketPolicy>()
  const special = new Map<string, BucketPolicy>()
  const statuses: FileStatus[] = []
  const known = new Map(previous.files.map((status) => [status.file, status]))
  const served = new Set(
    previous.files.filter(({ state }) => state !== 'invalid').map(({ bucket }) => bucket),
  )
  const refusing = policyWithoutRules(previous, files, serverDialect)
  for (const { file, bucket, hash, content, policy: compiled, findings } of files) {
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
    // A file whose name can be no bucket's is told of, but no request can be for it.
    else if (isBucketName(bucket)) buckets.set(bucket, policy)
    // Rules that were never good are no last good rules.
    const state = content !== undefined ? 'ok' : served.has(bucket) ? 'stale' : 'invalid'
    const before = known.get(file)
    const since = before?.state === state && before.hash === hash ? before.since : now
    statuses.push({ file, bucket, state, since, hash, findings })
  }
  return {
    generation: previous.generation + 1,
    buckets,
    foldedNames: new Map([...buckets.keys()].map((name) => [foldedName(name), name])),
    hosts: hostsOf(buckets),
    fallback: special.get(fallbackName),
    service: special.get(serviceName),
    files: statuses,
  }
}

/** The policy of a bucket whose file was never good: it has no rules, and every host that the file names. */
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
    return isSame ? before : compilePolicy(bucket, { ...noRules, hosts }, serverDialect)
  }
}

const sharedVary = createSharing<readonly string[]>()

/** Makes one rule file ready to serve. */
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

/** The policy of a bucket, or of what has a name like one: {@link fallbackName}, {@link serviceName}. */
export function policyOf(snapshot: Snapshot, bucket: string): BucketPolicy | undefined {
  if (bucket === fallbackName) return snapshot.fallback
  if (bucket === serviceName) return snapshot.service
  return snapshot.buckets.get(bucket)
}

function hostsOf(buckets: ReadonlyMap<string, BucketPolicy>): ReadonlyMap<string, string> {
  const hosts = new Map<string, string>()
  // Last those with rules: what a file without rules claims is never taken from them.
  for (const withRules of [false, true])
    for (const [name, { rules, file }] of buckets)
      if (rules.length > 0 === withRules) for (const host of file.hosts) hosts.set(host, name)
  return hosts
}
