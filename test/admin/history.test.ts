import { expect, test } from 'vitest'
import { createHistory } from '../../src/admin/history.ts'
import { extend, rates, totals } from '../../src/admin/page/rates.ts'
import type { History } from '../../src/admin/shapes.ts'
import { createMetrics } from '../../src/metrics/metrics.ts'
import { finished, preflight } from '../finished.ts'
import { photos } from './running.ts'

function counted(): {
  history: ReturnType<typeof createHistory>
  at: (time: number) => void
  allow: () => void
  deny: () => void
} {
  const metrics = createMetrics({ version: '1' })
  let now = 0
  return {
    history: createHistory(metrics.decisionTotals, () => now, 4),
    at: (time) => {
      now = time
    },
    allow: () => metrics.finished(finished(photos, preflight('https://example.com'))),
    deny: () => metrics.finished(finished(photos, { headers: ['Origin', 'https://evil.example'] })),
  }
}

test('history keeps the latest points, oldest first, and ends with the current counts', () => {
  const { history, at, allow } = counted()
  for (const time of [1000, 2000, 3000, 4000, 5000, 6000]) {
    at(time)
    allow()
    history.sample()
  }
  at(6500)
  const times = (since: number): (number | undefined)[] => history.after(since).points.map(([time]) => time)
  expect(times(0)).toEqual([3000, 4000, 5000, 6000, 6500])
  expect(times(5000)).toEqual([6000, 6500])
  expect(times(9000)).toEqual([6500])
  const { columns, points } = history.after(0)
  expect(columns).toHaveLength(12)
  expect(columns[0]).toEqual({ kind: 'preflight', reason: 'matched' })
  expect(points.map((point) => point[1])).toEqual([3, 4, 5, 6, 6])
})

test('rates are counts per second in bins that end with the last point', () => {
  const { history, at, allow, deny } = counted()
  at(0)
  history.sample()
  for (let i = 0; i < 6; i++) allow()
  at(2000)
  history.sample()
  deny()
  at(4000)
  history.sample()
  const read = rates(history.after(-1), 'all', 300, 2)
  expect(read.times).toEqual([2, 4])
  expect(read.series[0]).toEqual([3, 0])
  expect(read.series[1]).toEqual([0, 0.5])
  expect(rates(history.after(-1), 'actual', 300, 2).series[0]).toEqual([0, 0])
  expect(rates(history.after(-1), 'actual', 300, 4).series[1]).toEqual([0.25])
  expect(totals(history.after(-1), 'all')).toMatchObject({ matched: 6, origin: 1, header: 0 })
  expect(totals(history.after(-1), 'preflight')).toMatchObject({ matched: 6, origin: 0 })
})

test('without points there are no rates', () => {
  expect(rates({ columns: [], points: [] }, 'all', 300, 2).times).toEqual([])
  const { history } = counted()
  expect(rates(history.after(0), 'all', 300, 2).times).toEqual([])
})

const of = (...points: number[][]): History => ({ columns: [{ kind: 'actual', reason: 'matched' }], points })

test('new points are appended and old ones are dropped', () => {
  const known = of([1000, 1], [2000, 2], [2500, 2])
  expect(extend(known, of([3000, 3], [3500, 4]), 10_000).points).toEqual([
    [1000, 1],
    [2000, 2],
    [2500, 2],
    [3000, 3],
    [3500, 4],
  ])
  expect(extend(known, of([3000, 3], [3500, 4]), 1500).points).toEqual([
    [2000, 2],
    [2500, 2],
    [3000, 3],
    [3500, 4],
  ])
  expect(extend(undefined, of([1, 1]), 10).points).toEqual([[1, 1]])
})

test('counts that fell come from a new process and replace the history', () => {
  expect(extend(of([1000, 7]), of([3000, 1]), 10_000).points).toEqual([[3000, 1]])
})
