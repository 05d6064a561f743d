import { isoTime } from '../src/auth/timestamp.ts'
import type { CorsRule, RuleFile } from '../src/cors/rule.ts'
import type { RequestIdentity } from '../src/dialect/dialect.ts'
import { type HeaderLines, type RequestFacts, readFacts } from '../src/http.ts'
import type { Setup } from '../src/plan/judge.ts'
import { type LoadedFile, nextSnapshot, nothingLoaded, type Snapshot } from '../src/plan/snapshot.ts'

/** Constant ids, so that complete responses can be compared as text. */
export const identity: RequestIdentity = {
  unixSeconds: 0x5f070356,
  node: 0x73c82a09,
  process: 0x34b3f,
  sequence: 0x18c298abc,
  isoTime,
  randomHex: (length) => '8efc6b2d3b069ca8'.repeat(length / 8 + 1).slice(0, length),
}

export const setup: Setup = {
  dialect: 'cos',
  hostSuffixes: [],
  unconfigured: 'refuse',
  bucketCorsApi: 'off',
  debugHeaders: false,
}

export const rule = (parts: Partial<CorsRule> = {}): CorsRule => ({
  allowedOrigins: ['https://example.com'],
  allowedMethods: ['GET'],
  allowedHeaders: [],
  exposeHeaders: [],
  ...parts,
})

export const ruleFile = (parts: Partial<RuleFile> = {}): RuleFile => ({
  rules: [rule()],
  vary: 'auto',
  responseVary: false,
  mode: 'enforce',
  hosts: [],
  tests: [],
  ...parts,
})

export const loaded = (bucket: string, content: RuleFile | undefined, hash = 'h'): LoadedFile => ({
  file: `${bucket}.yaml`,
  bucket,
  hash,
  content,
  findings: [],
})

/** A snapshot with one valid rule file per entry. */
export const snapshotOf = (buckets: Readonly<Record<string, RuleFile>>): Snapshot =>
  nextSnapshot(
    nothingLoaded,
    Object.entries(buckets).map(([bucket, content]) => loaded(bucket, content)),
    'cos',
    0,
  )

export const facts = (
  method: string,
  target: string,
  headers: HeaderLines = ['Host', 'store.test'],
): RequestFacts => readFacts(method, target, '1.1', headers)

/** Header lines as a map from lower-cased name to values, one per line. */
export function headerMap(lines: HeaderLines): Map<string, string[]> {
  const map = new Map<string, string[]>()
  for (let i = 0; i < lines.length; i += 2) {
    const name = (lines[i] ?? '').toLowerCase()
    map.set(name, [...(map.get(name) ?? []), lines[i + 1] ?? ''])
  }
  return map
}
