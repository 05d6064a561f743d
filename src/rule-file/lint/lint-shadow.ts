import { fileOrigin } from '../../cors/pattern.ts'
import type { CorsRule } from '../../cors/rule.ts'
import { matchesStar, readStar, type StarPattern } from '../../cors/star.ts'

/** Limit on wildcard comparisons per file, above which rules are not checked. No hand-written list needs more. */
const maxComparisons = 200_000

/** A string for an entry without a `*`. */
type Pattern = string | StarPattern

interface Entry {
  readonly text: string
  readonly pattern: Pattern
  readonly hasScheme: boolean
}

/** The requests that a rule can match, prepared for comparison with other rules. */
interface Reach {
  readonly any: boolean
  readonly exact: ReadonlySet<string>
  readonly wildcards: readonly Entry[]
  readonly origins: readonly Entry[]
  readonly methods: readonly string[]
  readonly anyHeader: boolean
  readonly headers: readonly Pattern[]
}

/**
 * For each rule, the indexes of earlier rules that together match every request it could decide; empty when it can
 * decide some request. The first matching rule decides, so a shadowed rule is never used.
 */
export function shadowsIn(rules: readonly CorsRule[]): (readonly number[])[] {
  if (!rules.some(afterItsOrigins())) return rules.map(() => [])
  const reaches = rules.map(toReach)
  let left = maxComparisons
  let wildcards = 0
  return reaches.map((reach, index) => {
    left -= (wildcards + index) * reach.origins.length
    wildcards += reach.wildcards.length
    return left < 0 ? [] : shadowOf(reach, reaches, index)
  })
}

/**
 * A test to run on the rules in file order: whether earlier rules list all origins of the rule, or one of them has a
 * wildcard. Otherwise the rule cannot be shadowed. The test is cheap, and in most files no rule passes it.
 */
function afterItsOrigins(): (rule: CorsRule) => boolean {
  const met = new Set<string>()
  let hasWildcard = false
  return ({ allowedOrigins }) => {
    const isAfter = hasWildcard || allowedOrigins.every((entry) => met.has(entry))
    for (const entry of allowedOrigins) {
      met.add(entry)
      hasWildcard ||= entry.includes('*')
    }
    return isAfter
  }
}

function shadowOf(reach: Reach, reaches: readonly Reach[], index: number): readonly number[] {
  // Computed on demand, because most earlier rules share no origin with this one.
  const allowing: (boolean | undefined)[] = []
  const takes = (at: number, other: Reach, origin: Entry, method: string): boolean => {
    if (!takesOrigin(other, origin) || !other.methods.includes(method)) return false
    allowing[at] ??= allowsHeadersOf(other, reach)
    return allowing[at]
  }
  const takers = new Set<number>()
  for (const origin of reach.origins)
    for (const method of reach.methods) {
      const taker = reaches.findIndex((other, at) => at >= index || takes(at, other, origin, method))
      if (taker === index) return []
      takers.add(taker)
    }
  return [...takers].sort((a, b) => a - b)
}

function toReach({ allowedOrigins, allowedMethods, allowedHeaders }: CorsRule): Reach {
  const origins = allowedOrigins.map(
    (text): Entry => ({ text, pattern: toPattern(text), hasScheme: text.includes('://') }),
  )
  return {
    any: allowedOrigins.includes('*'),
    exact: new Set(allowedOrigins),
    wildcards: origins.filter(({ pattern }) => typeof pattern !== 'string'),
    origins,
    methods: allowedMethods,
    anyHeader: allowedHeaders.includes('*'),
    headers: allowedHeaders.map((name) => toPattern(name.toLowerCase())),
  }
}

const toPattern = (entry: string): Pattern => readStar(entry) ?? entry

function takesOrigin(other: Reach, { text, pattern, hasScheme }: Entry): boolean {
  if (other.any || other.exact.has(text)) return true
  // A pattern never matches "null" or "file://", and a pattern with a scheme matches only origins with one.
  if (text === 'null' || text === fileOrigin || text === '*') return false
  return other.wildcards.some(
    (wildcard) => covers(wildcard.pattern, pattern) && (hasScheme || !wildcard.hasScheme),
  )
}

function allowsHeadersOf(other: Reach, reach: Reach): boolean {
  return other.anyHeader || reach.headers.every((wanted) => other.headers.some((own) => covers(own, wanted)))
}

/** Whether `pattern` matches every text that `wanted` matches. */
function covers(pattern: Pattern, wanted: Pattern): boolean {
  if (typeof pattern === 'string') return wanted === pattern
  if (typeof wanted === 'string') return matchesStar(wanted, pattern)
  return wanted.prefix.startsWith(pattern.prefix) && wanted.suffix.endsWith(pattern.suffix)
}
