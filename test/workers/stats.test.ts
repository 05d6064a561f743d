import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Denial } from '../../src/requests/denials.ts'
import { createTopGroups } from '../../src/requests/top-groups.ts'
import { mergeStats, mergeTop, noStats, type WorkerStats } from '../../src/workers/stats.ts'

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

const stats = (denials: WorkerStats['denials'], matched: number): WorkerStats => ({
  ...noStats,
  totals: { ...noStats.totals, preflight: { ...noStats.totals.preflight, matched } },
  denials,
})

describe('the stats of several processes', () => {
  test('are added up, with the latest and the most frequent first', () => {
    const one = stats(
      {
        total: 3,
        recent: [denial('a', 30), denial('a', 10)],
        top: [group('a', 2, 10, 30), group('b', 1, 5, 5)],
      },
      7,
    )
    const other = stats(
      {
        total: 4,
        recent: [denial('b', 20), denial('c', 15)],
        top: [group('b', 3, 1, 20), group('c', 1, 15, 15)],
      },
      2,
    )
    const merged = mergeStats([one, other, noStats])
    expect(merged.totals.preflight.matched).toBe(9)
    expect(merged.denials).toEqual({
      total: 7,
      recent: [denial('a', 30), denial('b', 20), denial('c', 15), denial('a', 10)],
      top: [group('b', 4, 1, 20), group('a', 2, 10, 30), group('c', 1, 15, 15)],
    })
  })

  test('are empty without workers', () => {
    expect(mergeStats([])).toEqual(noStats)
  })
})

describe('merged groups', () => {
  const keys = fc.array(fc.integer({ min: 0, max: 12 }), { maxLength: 200 })

  test('are never counted too low, and too high by at most the stated error', () => {
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
