import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createInterner } from '../../src/cors/interner.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { rule, ruleFile, snapshotOf } from '../core.ts'

describe('equal parts of compiled rules share one object', () => {
  const parts = { allowedMethods: ['GET', 'PUT'], allowedHeaders: ['x-a', 'x-*'], maxAgeSeconds: 5 } as const

  test('in all buckets', () => {
    const { buckets } = snapshotOf({
      one: ruleFile({ rules: [rule(parts)] }),
      two: ruleFile({ rules: [rule(), rule({ ...parts, allowedOrigins: ['*'] })] }),
    })
    const [one, two] = [buckets.get('one'), buckets.get('two')]
    expect(two?.rules[1]?.headers).toBe(one?.rules[0]?.headers)
    expect(two?.rules[1]?.methods).toBe(one?.rules[0]?.methods)
    expect(two?.prepared[1]).toBe(one?.prepared[0])
    expect(two?.prepared[0]).not.toBe(one?.prepared[0])
    expect(two?.varyMatched).toBe(one?.varyMatched)
  })

  test('but not if the lists are equal only when joined', () => {
    const { rules } = compileRules([
      rule({ allowedHeaders: ['a', 'b'] }),
      rule({ allowedHeaders: ['a,b'] }),
      rule({ allowedHeaders: ['a\nb'] }),
      rule({ allowedHeaders: ['a'] }),
      rule({ allowedHeaders: ['b', 'a'] }),
    ])
    expect(new Set(rules.map(({ headers }) => headers)).size).toBe(rules.length)
  })

  test('in each dialect separately', () => {
    const rules = [rule({ ...parts, exposeHeaders: ['a', 'b'] })]
    const { buckets } = snapshotOf({
      cos: ruleFile({ rules, dialect: 'cos' }),
      oss: ruleFile({ rules, dialect: 'oss' }),
      s3: ruleFile({ rules, dialect: 's3' }),
      moved: ruleFile({
        rules: [rule({ ...parts, allowedHeaders: ['x-a', 'x-*', 'a'], exposeHeaders: ['b'] })],
      }),
    })
    const prepared = [...buckets.values()].map(({ prepared: [first] }) => first)
    expect(new Set(prepared).size).toBe(4)
    expect(prepared.map((values) => values?.expose)).toEqual(['a,b', 'a, b', 'a, b', 'b'])
    expect(prepared.map((values) => values?.maxAgeOfPreflight)).toEqual(['5', '5', '5', '5'])
  })
})

describe('the table of shared values', () => {
  test('is emptied from time to time, so that it does not grow', () => {
    const share = createInterner<object>()
    const make = () => ({})
    const first = share(['first'], make)
    expect(share(['first'], make)).toBe(first)
    for (let i = 0; i < 2000; i++) share(['other', i], make)
    expect(share(['first'], make)).not.toBe(first)
  })

  test.each([
    ['a long part', ['x'.repeat(4_096)]],
    ['many parts', Array.from({ length: 2_000 }, (_, i) => i)],
  ])('leaves out %s', (_, parts) => {
    const share = createInterner<object>()
    expect(share(parts, () => ({}))).not.toBe(share(parts, () => ({})))
  })

  test('distinguishes a list from its prefix, and a number from its text', () => {
    const share = createInterner<string>()
    expect(share(['a', 'b'], () => 'a b')).toBe('a b')
    expect(share(['a'], () => 'a')).toBe('a')
    expect(share([], () => 'none')).toBe('none')
    expect(share(['1'], () => 'text')).toBe('text')
    expect(share([1], () => 'number')).toBe('number')
    expect(share(['a', 'b'], () => 'anew')).toBe('a b')
  })

  test('always returns a value made from equal parts, in any order of calls', () => {
    const part = fc.constantFrom('a', 'b', '1', '', 1, 0, undefined)
    const lists = fc.array(fc.array(part, { maxLength: 3 }), { maxLength: 40 })
    return fc.assert(
      fc.property(lists, (lists) => {
        const share = createInterner<{ readonly parts: readonly unknown[] }>()
        const made = lists.map((parts) => share(parts, () => ({ parts })))
        expect(made.map(({ parts }) => parts)).toStrictEqual(lists)
        for (const [index, parts] of lists.entries())
          expect(share([...parts], () => ({ parts }))).toBe(made[index])
      }),
    )
  })
})
