import type { CorsMethod, CorsRule, DialectName, RuleFile, RuleTest } from '../cors/rule.ts'
import { corsMethods } from '../cors/rule.ts'
import { dialectNamed } from '../dialect/named.ts'
import { convert } from '../rule-file/convert.ts'
import { readRules } from '../rule-file/read.ts'
import { rulesFor } from './suggested-rules.ts'
import { type OriginTraffic, readTraffic, type UnusedReason, unusedReasons } from './traffic.ts'

export interface LeftOut {
  readonly bucket: string
  readonly origin: string
  readonly requests: number
  readonly refused: number
  /** `few`, `too-many`, `not-allowable`, or the code of the finding that `check` would report. */
  readonly why: string
}

export interface Suggestion {
  readonly bucket: string
  readonly file: RuleFile
  readonly origins: readonly OriginTraffic[]
}

export interface Suggested {
  readonly lines: number
  readonly unused: Readonly<Record<UnusedReason, number>>
  /** Requests of origins beyond the bound, of which nothing was kept. */
  readonly overflow: number
  readonly suggestions: readonly Suggestion[]
  readonly leftOut: readonly LeftOut[]
}

export interface SuggestOptions {
  readonly minRequests: number
  readonly dialect: DialectName
  readonly hosts: ReadonlyMap<string, string>
  readonly hostSuffixes: readonly string[]
  /** Requests that the rules already allow lead to no suggestion. */
  readonly isAllowed: (bucket: string, origin: string, method: string, headers: readonly string[]) => boolean
}

export interface Suggest {
  /** Takes one line of a log. `undefined` stands for a line that was too long. */
  take(line: string | undefined): void
  result(): Suggested
}

/** Limit of the pairs of bucket and origin that are kept, because anybody can write into a log. */
const maxPairs = 50_000
/** A rule file holds 64 KiB, and an origin of up to 326 characters appears in it twice. */
const maxOrigins = 90

/**
 * Collects what pages did and writes rules that allow as little as possible. `check --strict` accepts the result.
 */
export function createSuggest(options: SuggestOptions): Suggest {
  const pairs = new Map<string, Collected>()
  const unused = Object.fromEntries(unusedReasons.map((reason) => [reason, 0])) as Record<
    UnusedReason,
    number
  >
  let lines = 0
  let overflow = 0
  return {
    take(line) {
      lines++
      const read =
        line === undefined
          ? 'cut'
          : readTraffic(line, { hosts: options.hosts, suffixes: options.hostSuffixes })
      if (typeof read === 'string') {
        unused[read]++
        return
      }
      const { bucket, origin, method, headers, refused } = read
      const key = `${bucket}\n${origin}`
      const pair = pairs.get(key) ?? {
        bucket,
        origin,
        requests: 0,
        refused: 0,
        notAllowable: 0,
        methods: new Set(),
        headers: new Set(),
      }
      if (!pairs.has(key)) {
        if (pairs.size >= maxPairs) {
          overflow++
          return
        }
        pairs.set(key, pair)
      }
      pair.requests++
      if (refused === true) pair.refused++
      // A method or header that no rule may allow must not keep the origin's other requests from being suggested.
      if (!isStorable(method) || !headers.every(isAllowable)) {
        pair.notAllowable++
        return
      }
      if (options.isAllowed(bucket, origin, method, headers)) return
      pair.methods.add(method)
      for (const name of headers) pair.headers.add(name)
    },
    result: () => ({
      lines,
      unused: { ...unused },
      overflow,
      ...suggestionsOf([...pairs.values()], options),
    }),
  }
}

interface Collected extends OriginTraffic {
  requests: number
  refused: number
  notAllowable: number
  readonly methods: Set<string>
  readonly headers: Set<string>
}

const isStorable = (method: string): method is CorsMethod =>
  (corsMethods as readonly string[]).includes(method)

/**
 * False for names that `check` rejects in allowedHeaders: browsers never ask for them, or no rule should allow
 * them.
 */
function isAllowable(name: string): boolean {
  const known = allowable.get(name)
  if (known !== undefined) return known
  const rule = {
    allowedOrigins: ['https://example.com'],
    allowedMethods: ['GET'],
    allowedHeaders: [name],
    exposeHeaders: [],
  } as const
  const isFine =
    !name.startsWith('access-control-') &&
    lintCodes([rule]).every((code) => code === 'amz-sdk-headers-missing')
  if (allowable.size >= maxNames) allowable.clear()
  allowable.set(name, isFine)
  return isFine
}

/** Cache: logs repeat the same few headers. */
const allowable = new Map<string, boolean>()
const maxNames = 10_000

function suggestionsOf(
  pairs: readonly OriginTraffic[],
  { minRequests, dialect }: SuggestOptions,
): Pick<Suggested, 'suggestions' | 'leftOut'> {
  const leftOut: LeftOut[] = []
  const byBucket = new Map<string, OriginTraffic[]>()
  const frequentFirst = pairs.toSorted((a, b) => b.requests - a.requests || (a.origin < b.origin ? -1 : 1))
  for (const pair of frequentFirst) {
    const kept = byBucket.get(pair.bucket) ?? []
    const why = whyLeftOut(pair, minRequests) ?? (kept.length >= maxOrigins ? 'too-many' : undefined)
    if (why === 'allowed') continue
    if (why === undefined) byBucket.set(pair.bucket, [...kept, pair])
    else leftOut.push(leftOutOf(pair, why))
  }
  const suggestions = [...byBucket].map(([bucket, origins]): Suggestion => {
    const kept = fitting(origins, dialect)
    for (const pair of origins.slice(kept.length)) leftOut.push(leftOutOf(pair, 'too-many'))
    return { bucket, origins: kept, file: fileFor(kept, dialect) }
  })
  return { suggestions: suggestions.sort((a, b) => (a.bucket < b.bucket ? -1 : 1)), leftOut }
}

const leftOutOf = ({ bucket, origin, requests, refused }: OriginTraffic, why: string): LeftOut => ({
  bucket,
  origin,
  requests,
  refused,
  why,
})

/** The most frequent origins whose rules fit the vendor's limit. Tests take most of the space. */
function fitting(origins: readonly OriginTraffic[], dialect: DialectName): readonly OriginTraffic[] {
  const { text } = convert(fileFor(origins, dialect), 'yaml', dialect)
  const fits = Buffer.byteLength(text) <= dialectNamed(dialect).limits.bytes
  return fits || origins.length === 1 ? origins : fitting(origins.slice(0, origins.length >> 1), dialect)
}

function whyLeftOut(
  { origin, requests, methods, notAllowable }: OriginTraffic,
  minRequests: number,
): string | undefined {
  if (methods.size === 0) return notAllowable === 0 ? 'allowed' : 'not-allowable'
  if (requests < minRequests) return 'few'
  return lintCodes([
    { allowedOrigins: [origin], allowedMethods: ['GET'], allowedHeaders: [], exposeHeaders: [] },
  ])[0]
}

/** Codes of the errors and warnings that `check` reports for a file. */
function lintCodes(rules: readonly CorsRule[]): string[] {
  const { text } = convert({ ...plainFile, rules }, 'yaml', 's3')
  const { findings } = readRules('suggested.yaml', new TextEncoder().encode(text), 's3')
  return findings.filter(({ severity }) => severity !== 'info').map(({ code }) => code)
}

function fileFor(origins: readonly OriginTraffic[], dialect: DialectName): RuleFile {
  const rules = rulesFor(origins, dialectNamed(dialect).limits.rules)
  return { ...plainFile, rules, tests: testsOf(rules, origins) }
}

const plainFile = { vary: 'auto', responseVary: false, mode: 'enforce', hosts: [], tests: [] } as const

/** One test per origin, with one of its methods and all its headers, and one test for an origin that no rule names. */
function testsOf(rules: readonly CorsRule[], origins: readonly OriginTraffic[]): RuleTest[] {
  const allowed = origins.map(({ origin, methods, headers }): RuleTest => {
    const method = corsMethods.toReversed().find((name) => methods.has(name)) ?? 'GET'
    return { origin, method, headers: [...headers].sort(), expect: 'allow', actual: false }
  })
  const stranger = {
    origin: 'https://not-listed.example',
    method: rules[0]?.allowedMethods[0] ?? 'GET',
    headers: [],
    expect: 'deny',
    actual: false,
  } as const
  return [...allowed, stranger]
}
