import { describe, expect, test } from 'vitest'
import { nextSnapshot, nothingLoaded } from '../../src/plan/snapshot.ts'
import { loaded, rule, ruleFile } from '../core.ts'

const unchanged = ruleFile()
const first = nextSnapshot(
  nothingLoaded,
  [loaded('a', unchanged, '1'), loaded('b', ruleFile(), '1')],
  'cos',
  1000,
)

describe('the snapshot after a reload', () => {
  test('keeps the compiled rules of a file that did not change', () => {
    const next = nextSnapshot(
      first,
      [loaded('a', unchanged, '1'), loaded('b', ruleFile({ rules: [] }), '2')],
      'cos',
      2000,
    )
    expect(next.generation).toBe(first.generation + 1)
    expect(next.buckets.get('a')).toBe(first.buckets.get('a'))
    expect(next.buckets.get('b')).not.toBe(first.buckets.get('b'))
    expect(next.files.map(({ state, since }) => [state, since])).toEqual([
      ['ok', 1000],
      ['ok', 2000],
    ])
  })

  test('keeps the last good rules of a file with an error until it is fixed', () => {
    const bad = nextSnapshot(first, [loaded('a', undefined, '2'), loaded('b', ruleFile(), '1')], 'cos', 2000)
    expect(bad.buckets.get('a')).toBe(first.buckets.get('a'))
    expect(bad.files[0]).toMatchObject({ state: 'stale', since: 2000 })
    const still = nextSnapshot(bad, [loaded('a', undefined, '3')], 'cos', 3000)
    expect(still.buckets.get('a')).toBe(first.buckets.get('a'))
    expect(still.files[0]).toMatchObject({ state: 'stale' })
    const fixed = nextSnapshot(
      still,
      [loaded('a', ruleFile({ rules: [rule({ id: 'new' })] }), '1')],
      'cos',
      4000,
    )
    expect(fixed.buckets.get('a')?.rules[0]?.label).toBe('new')
    expect(fixed.files[0]).toMatchObject({ state: 'ok', since: 4000 })
  })

  test('a file that was never good leaves its bucket without rules, and does not fall through to the default', () => {
    const snapshot = nextSnapshot(
      nothingLoaded,
      [loaded('a', undefined), loaded('_default', ruleFile())],
      'cos',
      0,
    )
    expect(snapshot.buckets.get('a')?.rules).toEqual([])
    expect(snapshot.files[0]).toMatchObject({ state: 'invalid' })
    const again = nextSnapshot(snapshot, [loaded('a', undefined, '2')], 'cos', 0)
    expect(again.files[0]).toMatchObject({ state: 'invalid' })
  })

  test('removing a file removes its rules', () => {
    const next = nextSnapshot(first, [loaded('b', ruleFile(), '1')], 'cos', 0)
    expect([...next.buckets.keys()]).toEqual(['b'])
  })

  test('a file whose name cannot be a bucket is reported, and serves no request', () => {
    const snapshot = nextSnapshot(nothingLoaded, [loaded('-bad-', undefined)], 'cos', 0)
    expect(snapshot.buckets.size).toBe(0)
    expect(snapshot.files).toHaveLength(1)
  })

  test('_default and _service are no buckets', () => {
    const snapshot = nextSnapshot(
      nothingLoaded,
      [loaded('_default', ruleFile()), loaded('_service', ruleFile())],
      'cos',
      0,
    )
    expect(snapshot.buckets.size).toBe(0)
    expect(snapshot.fallback?.label).toBe('_other')
    expect(snapshot.service?.label).toBe('_other')
  })

  test('hosts lead to the bucket of their file', () => {
    const snapshot = nextSnapshot(nothingLoaded, [loaded('a', ruleFile({ hosts: ['cdn.test'] }))], 'cos', 0)
    expect(snapshot.hosts.get('cdn.test')).toBe('a')
  })

  test.each([
    ['cos', 'auto', false, ['Origin'], ['Origin']],
    ['cos', 'dialect', false, [], []],
    ['cos', 'dialect', true, ['Origin'], ['Origin']],
    ['oss', 'dialect', true, ['Origin'], ['Origin']],
    ['oss', 'dialect', false, [], []],
    [
      's3',
      'dialect',
      false,
      ['Origin', 'Access-Control-Request-Headers', 'Access-Control-Request-Method'],
      [],
    ],
    [
      's3',
      'auto',
      false,
      ['Origin', 'Access-Control-Request-Headers', 'Access-Control-Request-Method'],
      ['Origin'],
    ],
  ] as const)('%s with vary: %s and responseVary: %s', (dialect, vary, responseVary, matched, other) => {
    const snapshot = nextSnapshot(
      nothingLoaded,
      [loaded('a', ruleFile({ dialect, vary, responseVary }))],
      'cos',
      0,
    )
    expect(snapshot.buckets.get('a')).toMatchObject({ varyMatched: matched, varyOther: other })
  })
})
