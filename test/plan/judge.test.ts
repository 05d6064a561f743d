import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CorsRule } from '../../src/cors/rule.ts'
import { readFacts } from '../../src/http.ts'
import { judge, type Setup, type Verdict, type VerdictMemory } from '../../src/plan/judge.ts'
import { plan } from '../../src/plan/plan.ts'
import { type LoadedFile, nextSnapshot, nothingLoaded, type Snapshot } from '../../src/plan/snapshot.ts'
import { identity, loaded, rule, ruleFile, setup as usual } from '../core.ts'

const setup: Setup = { ...usual, hostSuffixes: ['store.test'], debugHeaders: true }

const fileOf = (bucket: string, ...rules: readonly CorsRule[]): LoadedFile =>
  loaded(bucket, ruleFile({ rules }))
const wide = { allowedMethods: ['GET', 'PUT'], allowedHeaders: ['x-a', 'x-b-*'] } as const

const unchanged = [
  fileOf('b', rule({ ...wide, allowedOrigins: ['*'] })),
  fileOf('_default', rule({ allowedOrigins: ['https://one.test'] })),
]
const one = rule({ ...wide, allowedOrigins: ['https://one.test'] })
const two = rule({ ...wide, allowedOrigins: ['https://*.two.test'], maxAgeSeconds: 5 })
const first = nextSnapshot(nothingLoaded, [fileOf('a', one, two), ...unchanged], 'cos', 0)
/** Bucket `a` now has other rules. */
const second = nextSnapshot(first, [fileOf('a', { ...two, exposeHeaders: ['ETag'] }), ...unchanged], 'cos', 1)

function mapMemory(): VerdictMemory & { readonly verdicts: Map<string, Verdict> } {
  const verdicts = new Map<string, Verdict>()
  return { verdicts, get: (key) => verdicts.get(key), set: (key, verdict) => void verdicts.set(key, verdict) }
}

const line = (name: string, values: readonly (string | undefined)[]) =>
  fc.constantFrom(...values).map((value) => (value === undefined ? [] : [name, value]))

const request = fc.record({
  snapshot: fc.constantFrom(first, second),
  method: fc.constantFrom('GET', 'PUT', 'OPTIONS', 'OPTIONS', 'DELETE'),
  target: fc.constantFrom('/a/k', '/b/k', '/c/k', '/d', '/', '/a/../b'),
  lines: fc
    .tuple(
      fc.constantFrom('h', 'a.store.test', 'B.store.test').map((host) => ['Host', host]),
      line('Origin', [undefined, 'https://one.test', 'https://x.two.test', 'https://evil.test', 'null', '']),
      line('Access-Control-Request-Method', [undefined, 'GET', 'PUT', 'get', '']),
      line('Access-Control-Request-Headers', [undefined, '', 'x-a', 'X-A, x-b-1', 'x-c', '*', 'x-a,x-b-2']),
    )
    .map((parts) => parts.flat()),
})

const answerTo = (
  {
    snapshot,
    method,
    target,
    lines,
  }: { snapshot: Snapshot; method: string; target: string; lines: string[] },
  memory?: VerdictMemory,
) => {
  const { judgement, ...rest } = plan(
    snapshot,
    setup,
    readFacts(method, target, '1.1', lines),
    identity,
    memory,
  )
  const { remembered, ...judged } = judgement
  return { ...rest, judged }
}

describe('the cache of decisions', () => {
  test('changes no result, for any earlier requests and any rules', () => {
    fc.assert(
      fc.property(fc.array(request, { minLength: 2, maxLength: 40 }), (requests) => {
        const memory = mapMemory()
        for (const one of requests) expect(answerTo(one, memory)).toEqual(answerTo(one))
      }),
    )
  })

  const ask = (memory: VerdictMemory, lines: readonly string[], method = 'GET') =>
    judge(first, setup, readFacts(method, '/a/k', '1.1', ['Host', 'h', ...lines]), memory)

  test('returns the same object for the same request', () => {
    const memory = mapMemory()
    const [one, two] = [1, 2].map(() => ask(memory, ['Origin', 'https://one.test']).remembered)
    expect(one).toBeDefined()
    expect(two).toBe(one)
  })

  test.each([
    ['a denial', 'GET', ['Origin', 'https://evil.test']],
    ['a request without an Origin', 'GET', []],
    ['a malformed preflight', 'OPTIONS', ['Origin', 'https://one.test']],
    [
      'a request whose key is too long',
      'OPTIONS',
      [
        'Origin',
        'https://one.test',
        'Access-Control-Request-Method',
        'GET',
        'Access-Control-Request-Headers',
        Array.from({ length: 120 }, (_, n) => `x-b-${String(n).padStart(8, '0')}`).join(),
      ],
    ],
  ])('does not keep %s', (_, method, lines) => {
    const memory = mapMemory()
    expect(ask(memory, lines, method).remembered).toBeUndefined()
    expect(memory.verdicts.size).toBe(0)
  })
})
