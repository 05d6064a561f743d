import type { CorsRule } from '../cors/rule.ts'

/** Comparisons of wildcards in one file; a list that needs more is not one that a person has written. */
const maxComparisons = 200_000

/** A `*` pattern, or a literal, whose `suffix` is then `undefined`. */
interface Pattern {
  readonly prefix: string
  readonly suffix: string | undefined
}

/** A rule as {@link shadowOf} compares it. */
interface Reach {
  readonly any: boolean
  readonly exact: ReadonlySet<string>
  readonly wildcards: readonly Pattern[]
  readonly origins: readonly string[]
  readonly methods: ReadonlySet<string>
  readonly headers: readonly string[]
}

/**
 * For each rule the indexes of the earlier rules that together take every request it could decide, empty when it can
 * decide one. The first rule that matches decides, so such a rule is never asked.
 */
export function shadowsIn(rules: readonly CorsRule[]): (readonly number[])[] {
  const reaches = rules.map(toReach)
  let left = maxComparisons
  return reaches.map((reach, index) => {
    const earlier = reaches.slice(0, index)
    left -= earlier.reduce((sum, { wildcards }) => sum + (wildcards.length + 1) * reach.origins.length, 0)
    return left < 0 ? [] : shadowOf(reach, earlier)
  })
}

function shadowOf(reach: Reach, earlier: readonly Reach[]): readonly number[] {
  const candidates = earlier.map((other) => allowsHeadersOf(other, reach))
  const takers = new Set<number>()
  for (const origin of reach.origins)
    for (const method of reach.methods) {
      const taker = earlier.findIndex(
        (other, index) =>
          candidates[index] === true && other.methods.has(method) && takesOrigin(other, origin),
      )
      if (taker < 0) return []
      takers.add(taker)
    }
  return [...takers].sort((a, b) => a - b)
}

function toReach({ allowedOrigins, allowedMethods, allowedHeaders }: CorsRule): Reach {
  return {
    any: allowedOrigins.includes('*'),
    exact: new Set(allowedOrigins.filter((entry) => !entry.includes('*'))),
    wildcards: allowedOrigins.filter((entry) => entry.includes('*')).map(toPattern),
    origins: allowedOrigins,
    methods: new Set(allowedMethods),
    headers: allowedHeaders.map((name) => name.toLowerCase()),
  }
}

function toPattern(entry: string): Pattern {
  const star = entry.indexOf('*')
  if (star < 0) return { prefix: entry, suffix: undefined }
  return { prefix: entry.slice(0, star), suffix: entry.slice(star + 1) }
}

function takesOrigin(other: Reach, origin: string): boolean {
  if (other.any || other.exact.has(origin)) return true
  // A pattern never catches "null", and one with a scheme only what has one.
  if (origin === 'null' || origin === '*') return false
  const wanted = toPattern(origin)
  return other.wildcards.some(
    (pattern) =>
      covers(pattern, wanted) &&
      (origin.includes('://') || !`${pattern.prefix}*${pattern.suffix}`.includes('://')),
  )
}

function allowsHeadersOf(other: Reach, reach: Reach): boolean {
  if (other.headers.includes('*')) return true
  const patterns = other.headers.map(toPattern)
  return reach.headers.every((name) => {
    const wanted = toPattern(name)
    return patterns.some((pattern) => covers(pattern, wanted))
  })
}

/** Whether every text that `wanted` matches is matched by `pattern` too. */
function covers(pattern: Pattern, wanted: Pattern): boolean {
  if (pattern.suffix === undefined) return wanted.suffix === undefined && wanted.prefix === pattern.prefix
  if (wanted.suffix !== undefined)
    return wanted.prefix.startsWith(pattern.prefix) && wanted.suffix.endsWith(pattern.suffix)
  return (
    wanted.prefix.length >= pattern.prefix.length + pattern.suffix.length &&
    wanted.prefix.startsWith(pattern.prefix) &&
    wanted.prefix.endsWith(pattern.suffix)
  )
}
