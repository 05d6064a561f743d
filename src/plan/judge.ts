import { type Decision, decide, denyMalformed, denyWithoutRules } from '../cors/decide.ts'
import { actualMethod, type CorsQuestion, isPreflight, readActual, readPreflight } from '../cors/request.ts'
import type { DialectName, Matching } from '../cors/rule.ts'
import { corsHeaders, type Dialect } from '../dialect/dialect.ts'
import { dialectNamed } from '../dialect/named.ts'
import type { HeaderLines, RequestFacts } from '../http.ts'
import { type Address, resolveAddress } from './address.ts'
import type { BucketPolicy, Snapshot } from './snapshot.ts'

/** The settings that decisions depend on. */
export interface Setup {
  readonly dialect: DialectName
  /** Lower case, without leading and trailing dot. */
  readonly hostSuffixes: readonly string[]
  readonly unconfigured: 'refuse' | 'forward'
  readonly bucketCorsApi: 'off' | 'read' | 'write'
  readonly debugHeaders: boolean
}

/** What the rules of one bucket say to one question, whoever asks it. */
export interface Verdict {
  /** `undefined`: no rule file speaks for this request. */
  readonly policy: BucketPolicy | undefined
  readonly kind: 'preflight' | 'actual'
  /** `undefined`: not a CORS request. */
  readonly decision: Decision | undefined
  readonly question: CorsQuestion | undefined
  /** The Access-Control-* lines of an allowed request; empty for every other. */
  readonly headers: HeaderLines
  /** It is in a memory. */
  readonly isKept: boolean
}

/** What the rules say of one request, before any wording. */
export interface Judgement extends Omit<Verdict, 'isKept'> {
  readonly address: Address
  readonly dialect: Dialect
  /** Leave the store's own CORS as it is: report mode, or an unconfigured bucket with `--unconfigured forward`. */
  readonly handsOff: boolean
  /** The one verdict that many requests share; what is made of it once can be kept by it. */
  readonly remembered: Verdict | undefined
}

/** Keeps verdicts for a while; it may forget any of them at any time. */
export interface VerdictMemory {
  get(key: string): Verdict | undefined
  set(key: string, verdict: Verdict): void
}

/**
 * What the rules of `snapshot` say of the request. Also what candidate rules and replays are judged with. With a
 * `memory` the answer is the same, and found faster where the same was allowed before.
 */
export function judge(
  snapshot: Snapshot,
  setup: Setup,
  facts: RequestFacts,
  memory?: VerdictMemory,
): Judgement {
  const address = resolveAddress(facts, { hosts: snapshot.hosts, suffixes: setup.hostSuffixes })
  const policy = policyFor(snapshot, address)
  const forwarded = policy === undefined && address.kind === 'bucket' && setup.unconfigured === 'forward'
  const dialect = policy?.dialect ?? dialectNamed(setup.dialect)
  const verdict =
    memory === undefined ? verdictOf(policy, dialect, facts) : recall(memory, policy, dialect, facts)
  const { kind, decision, question, headers } = verdict
  return {
    address,
    policy,
    dialect,
    kind,
    decision,
    question,
    headers,
    handsOff: forwarded || policy?.mode === 'report',
    remembered: verdict.isKept ? verdict : undefined,
  }
}

function policyFor(snapshot: Snapshot, address: Address): BucketPolicy | undefined {
  switch (address.kind) {
    case 'service':
      return snapshot.service
    case 'none':
      return undefined
    case 'bucket':
      return policyNamed(snapshot, address.name, address.byHost)
    case 'refused':
      return address.name === undefined ? undefined : policyNamed(snapshot, address.name, true)
  }
}

const policyNamed = (snapshot: Snapshot, name: string, byHost: boolean): BucketPolicy | undefined =>
  snapshot.buckets.get(name) ??
  (byHost ? snapshot.byHostName.get(name.toLowerCase()) : undefined) ??
  snapshot.fallback

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
  // A bucket without rules is told so whatever else is wrong, save for a missing Origin (recorded order of S3).
  const noRules = (policy?.rules.length ?? 0) === 0 && read.what !== 'origin-missing'
  const decision = noRules ? denyWithoutRules : denyMalformed(read)
  return { policy, kind: 'preflight', decision, question: undefined, headers: [], isKept: false }
}

/** Whether the request asks for permission, and has none to be decided for itself. */
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

/** Longer questions are put to the rules each time, so that nobody can fill the memory with them. */
const maxRemembered = 1024

/** The verdict, from `memory` where it has it. */
function recall(
  memory: VerdictMemory,
  policy: BucketPolicy | undefined,
  dialect: Dialect,
  facts: RequestFacts,
): Verdict {
  const { origin, requestedMethod, requestedHeaders = '' } = facts
  if (policy === undefined || origin === undefined) return verdictOf(policy, dialect, facts)
  // No header holds a line feed, so no two questions have one key.
  const asked = isAsking(facts, dialect.matching)
    ? `${requestedMethod ?? ''}\n${requestedHeaders}`
    : actualMethod(facts, dialect.matching)
  const key = `${policy.name}\n${origin}\n${asked}`
  if (key.length > maxRemembered) return verdictOf(policy, dialect, facts)
  const known = memory.get(key)
  // Of another generation's rules it is of no use.
  if (known?.policy === policy) return known
  const verdict = verdictOf(policy, dialect, facts)
  // What is refused is not worth its place: anybody can ask for it in any number of ways.
  if (verdict.decision?.verdict !== 'allow') return verdict
  const kept = { ...verdict, isKept: true }
  memory.set(key, kept)
  return kept
}
