import { type Decision, decide, denyMalformed, denyWithoutRules } from '../cors/decide.ts'
import { actualMethod, type CorsQuestion, isPreflight, readActual, readPreflight } from '../cors/request.ts'
import type { DialectName, Matching } from '../cors/rule.ts'
import { corsHeaders, type Dialect } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import type { HeaderLines, RequestFacts } from '../http.ts'
import { type Address, type Endpoints, resolveAddress } from './address.ts'
import { type BucketPolicy, policyForBucket, type Snapshot } from './snapshot.ts'

export interface Setup {
  readonly dialect: DialectName
  /** In lower case, without leading and trailing dots. */
  readonly hostSuffixes: readonly string[]
  readonly unconfigured: 'refuse' | 'forward'
  readonly bucketCorsApi: 'off' | 'read' | 'write'
  readonly debugHeaders: boolean
}

/** What the rules of one bucket decide. Holds no address and no request id, so that equal requests can share it. */
export interface Verdict {
  /** `undefined`: no rule file applies to this request. */
  readonly policy: BucketPolicy | undefined
  readonly kind: 'preflight' | 'actual'
  /** `undefined`: not a CORS request. */
  readonly decision: Decision | undefined
  readonly question: CorsQuestion | undefined
  /** The Access-Control-* lines of an allowed request; empty for any other. */
  readonly headers: HeaderLines
  /** Whether a verdict cache holds this object. */
  readonly isKept: boolean
}

/** What the rules decide about one request, before a dialect turns it into a response. */
export interface Judgement extends Omit<Verdict, 'isKept'> {
  readonly address: Address
  readonly dialect: Dialect
  /**
   * The other bucket in {@link Address} whose rules deny what this bucket's rules allow: its name, or the name that
   * it resembles. `undefined` when this bucket's own rules decided.
   */
  readonly deniedFor: string | undefined
  /** Leave the store's own CORS untouched: report mode, or an unconfigured bucket with `--unconfigured forward`. */
  readonly handsOff: boolean
  /** The verdict object that equal requests share. Values derived from it can be cached with it. */
  readonly remembered: Verdict | undefined
}

/** Caches verdicts. May drop any of them at any time. */
export interface VerdictMemory {
  get(key: string): Verdict | undefined
  set(key: string, verdict: Verdict): void
}

/**
 * What the rules of `snapshot` decide about the request. Candidate rules and `replay` use it too. A `memory`
 * changes the speed, never the result.
 */
export function judge(
  snapshot: Snapshot,
  setup: Setup,
  facts: RequestFacts,
  memory?: VerdictMemory,
): Judgement {
  const address = resolveAddress(facts, endpointsOf(snapshot, setup))
  const policy = policyFor(snapshot, address)
  const forwarded = policy === undefined && address.kind === 'bucket' && setup.unconfigured === 'forward'
  const dialect = policy?.dialect ?? dialectNamed(setup.dialect)
  const own =
    memory === undefined ? verdictOf(policy, dialect, facts) : recall(memory, policy, dialect, facts)
  const others = otherBuckets(snapshot, address)
  const stricter = others.length === 0 ? undefined : denialOf(others, own, dialect, facts)
  const { kind, decision, question, headers, isKept } = stricter?.verdict ?? own
  return {
    address,
    policy,
    dialect,
    kind,
    decision,
    question,
    headers,
    deniedFor: stricter?.name,
    handsOff:
      (forwarded || policy?.mode === 'report') && others.every(({ rules }) => rules?.mode === 'report'),
    remembered: isKept ? own : undefined,
  }
}

export const endpointsOf = (snapshot: Snapshot, { hostSuffixes }: Setup): Endpoints => ({
  hosts: snapshot.hosts,
  suffixes: hostSuffixes,
  buckets: snapshot.buckets,
  foldedNames: snapshot.foldedNames,
})

interface OtherBucket {
  readonly name: string
  /** `undefined`: the name only resembles that of a bucket, so no rules apply. */
  readonly rules: BucketPolicy | undefined
}

const noOthers: readonly OtherBucket[] = []

function otherBuckets(snapshot: Snapshot, address: Address): readonly OtherBucket[] {
  if (address.kind !== 'bucket' || address.others.length === 0) return noOthers
  return address.others.map((name) => ({ name, rules: snapshot.buckets.get(name) }))
}

/** The rules of every other bucket that a store may open must allow what `own` allows. */
function denialOf(
  others: readonly OtherBucket[],
  own: Verdict,
  dialect: Dialect,
  facts: RequestFacts,
): { readonly name: string; readonly verdict: Verdict } | undefined {
  if (own.decision?.verdict !== 'allow') return undefined
  for (const { name, rules } of others) {
    const verdict = verdictOf(rules, dialect, facts)
    if (verdict.decision?.verdict !== 'allow') return { name, verdict }
  }
  return undefined
}

function policyFor(snapshot: Snapshot, address: Address): BucketPolicy | undefined {
  switch (address.kind) {
    case 'service':
      return snapshot.service
    case 'none':
      return undefined
    case 'bucket':
      return policyForBucket(snapshot, address.name)
    case 'refused':
      return address.name === undefined ? undefined : policyForBucket(snapshot, address.name)
  }
}

const notCors: Verdict = {
  policy: undefined,
  kind: 'actual',
  decision: undefined,
  question: undefined,
  headers: [],
  isKept: false,
}

function verdictOf(policy: BucketPolicy | undefined, { matching }: Dialect, facts: RequestFacts): Verdict {
  if (!isAsking(facts, matching)) {
    const question = readActual(facts, matching)
    return question === undefined ? notCors : verdictOn(policy, 'actual', question)
  }
  const read = readPreflight(facts, matching)
  if (!('what' in read)) return verdictOn(policy, 'preflight', read)
  // S3's order, as recorded: a missing Origin, then a bucket without rules, then every other defect.
  const noRules = (policy?.rules.length ?? 0) === 0 && read.what !== 'origin-missing'
  const decision = noRules ? denyWithoutRules : denyMalformed(read)
  return { policy, kind: 'preflight', decision, question: undefined, headers: [], isKept: false }
}

/** Whether the request counts as a preflight. In the vendors' dialects every OPTIONS request does. */
const isAsking = (facts: RequestFacts, { plainOptions }: Matching): boolean =>
  facts.method === 'OPTIONS' && (plainOptions === 'mistake' || isPreflight(facts))

function verdictOn(policy: BucketPolicy | undefined, kind: Verdict['kind'], question: CorsQuestion): Verdict {
  const decision = policy === undefined ? denyWithoutRules : decide(policy, question)
  const prepared = decision.verdict === 'allow' ? policy?.prepared[decision.rule.number - 1] : undefined
  const headers =
    policy === undefined || prepared === undefined || decision.verdict !== 'allow'
      ? []
      : corsHeaders(
          policy.dialect.style,
          prepared,
          decision,
          kind === 'preflight' ? question.headers : undefined,
        )
  return { policy, kind, decision, question, headers, isKept: false }
}

/** Longer requests are evaluated each time, so that clients cannot fill the cache with them. */
const maxRemembered = 1024

function recall(
  memory: VerdictMemory,
  policy: BucketPolicy | undefined,
  dialect: Dialect,
  facts: RequestFacts,
): Verdict {
  const { origin, requestedMethod, requestedHeaders = '' } = facts
  if (policy === undefined || origin === undefined) return verdictOf(policy, dialect, facts)
  // No header contains a line feed, so different requests have different keys.
  const asked = isAsking(facts, dialect.matching)
    ? `${requestedMethod ?? ''}\n${requestedHeaders}`
    : actualMethod(facts, dialect.matching)
  const key = `${policy.name}\n${origin}\n${asked}`
  if (key.length > maxRemembered) return verdictOf(policy, dialect, facts)
  const known = memory.get(key)
  // The cache may hold a verdict that older rules made.
  if (known?.policy === policy) return known
  const verdict = verdictOf(policy, dialect, facts)
  // Denials are not cached, because a client can vary them endlessly and would fill the cache.
  if (verdict.decision?.verdict !== 'allow') return verdict
  const kept = { ...verdict, isKept: true }
  memory.set(key, kept)
  return kept
}
