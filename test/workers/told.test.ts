import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Denial } from '../../src/requests/denials.ts'
import { createTopGroups } from '../../src/requests/top-groups.ts'
import { mergeTold, mergeTop, nothingTold, type Told } from '../../src/workers/told.ts'

const denial = (origin: string, time: number): Denial => ({
  time,
  requestId: 'id',
  bucket: 'photos',
  kind: 'preflight',
  mode: 'enforce',
  reason: 'origin',
  origin,
  method: 'GET',
  requestedHeaders: undefined,
  host: 'store.test',
  path: '/photos/cat.jpg',
})

const group = (origin: string, count: number, first: number, time: number) => ({
  bucket: 'photos',
  origin,
  reason: 'origin' as const,
  count,
  overcount: 0,
  first,
  last: denial(origin, time),
  requests: [denial(origin, time)],
})

const told = (denials: Told['denials'], matched: number): Told => ({
  ...nothingTold,
  totals: { ...nothingTold.totals, preflight: { ...nothingTold.totals.preflight, matched } },
  denials,
})

describe('what several processes tell', () => {
  test('is added up, the latest first and the most frequent first', () => {
    const one = told(
      {
        total: 3,
        recent: [denial('a', 30), denial('a', 10)],
        top: [group('a', 2, 10, 30), group('b', 1, 5, 5)],
      },
      7,
    )
    const other = told(
      {
        total: 4,
        recent: [denial('b', 20), denial('c', 15)],
        top: [group('b', 3, 1, 20), group('c', 1, 15, 15)],
      },
      2,
    )
    const merged = mergeTold([one, other, nothingTold])
    expect(merged.totals.preflight.matched).toBe(9)
    expect(merged.denials).toEqual({
      total: 7,
      recent: [denial('a', 30), denial('b', 20), denial('c', 15), denial('a', 10)],
      top: [group('b', 4, 1, 20), group('a', 2, 10, 30), group('c', 1, 15, 15)],
    })
  })

  test('is nothing when there is nobody', () => {
    expect(mergeTold([])).toEqual(nothingTold)
  })
})

describe('merged groups', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 200 })

  test('are never counted too low, nor too high by more than they say', () => {
    fc.assert(
      fc.property(keys, keys, fc.integer({ min: 1, max: 8 }), (one, other, limit) => {
        const listOf = (seen: readonly number[]) => {
          const groups = createTopGroups<number>(limit)
          for (const [time, key] of seen.entries()) groups.add(String(key), key, time)
          return groups.list()
        }
        const merged = mergeTop(
          listOf(one),
          listOf(other),
          ({ last }) => String(last),
          ({ latest }) => latest,
          limit,
        )
        expect(merged.length).toBeLessThanOrEqual(limit)
        for (const { last, count, overcount } of merged) {
          const truth = [...one, ...other].filter((key) => key === last).length
          expect(count).toBeGreaterThanOrEqual(truth)
          expect(count - overcount).toBeLessThanOrEqual(truth)
        }
      }),
    )
  })
})
