import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../src/cors/decide.ts'
import { readActual, readPreflight } from '../../src/cors/request.ts'
import { corsMethods } from '../../src/cors/rule.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { rule } from '../core.ts'
import { plainDecision } from './plain-decide.ts'

const names = ['https://a.test', 'https://b.test', 'https://c.a.test', 'http://a.test', 'ab', 'null'] as const
const patterns = ['*', 'https://*', 'https://*.a.test', 'https://*.test', 'a*', '*b', 'n*'] as const
const headers = ['x-a', 'x-b', 'y-a', 'range'] as const

const some = <T>(values: readonly T[], least = 0) => fc.subarray([...values], { minLength: least })
/** Entries in any order, some of them twice. */
const entries = <T>(...values: readonly T[]) =>
  fc.array(fc.constantFrom(...values), { minLength: 1, maxLength: 5 })

const authored = fc
  .record({
    // Rules with names only, patterns only, and both.
    allowedOrigins: fc.oneof(entries(...names), entries(...patterns), entries(...names, ...patterns)),
    allowedMethods: some(corsMethods, 1),
    allowedHeaders: some(['x-a', 'X-B', 'x-*', '*-a', '*']),
  })
  .map(rule)

const question = fc
  .record({
    kind: fc.constantFrom('preflight', 'actual'),
    origin: fc.constantFrom(
      ...names,
      'https://x.a.test',
      'https://d.test',
      'startend',
      'https://A.test',
      'a,b',
    ),
    method: fc.constantFrom(...corsMethods),
    requested: some(headers),
  })
  .map(({ kind, origin, method, requested }) => {
    const asked = { origin, requestedMethod: method, requestedHeaders: requested.join() }
    const read =
      kind === 'actual' ? readActual({ ...asked, method }) : readPreflight({ ...asked, method: 'OPTIONS' })
    if (read === undefined || 'what' in read) throw new Error('no question')
    return read
  })

describe('trying only the rules that can match the origin', () => {
  test('gives the same decision as trying every rule in order', () => {
    const decided = new Set<string>()
    fc.assert(
      fc.property(
        fc.array(authored, { maxLength: 6 }),
        fc.array(question, { minLength: 1 }),
        (rules, questions) => {
          const set = compileRules(rules)
          for (const asked of questions) {
            const plain = plainDecision(set.rules, asked)
            expect(decide(set, asked)).toStrictEqual(plain)
            decided.add(plain.reason)
          }
        },
      ),
      { numRuns: 10_000 },
    )
    expect([...decided].sort()).toEqual(['header', 'malformed', 'matched', 'method', 'no_rules', 'origin'])
  })

  test('a rule is found by each origin that it names, in the order of the file', () => {
    const { rules, naming, open } = compileRules([
      rule({ allowedOrigins: ['https://b.test', 'https://a.test', 'https://b.test'] }),
      rule({ allowedOrigins: ['https://a.test', 'https://*.test'] }),
      rule({ allowedOrigins: ['https://a.test', '*'] }),
      rule({ allowedOrigins: ['https://a.test'] }),
    ])
    const [one, two, three, four] = rules
    expect([...naming]).toEqual([
      ['https://b.test', [one]],
      ['https://a.test', [one, two, four]],
    ])
    expect(open).toEqual([two, three])
  })
})
