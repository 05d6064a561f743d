import { expect, test } from 'vitest'
import { atMost, atMostBytes, atMostTime, below, none } from './budgets.ts'

test('a budget is held by the median, and its margin is what is left of it', () => {
  const row = atMost('cost', [1.4, 1, 1.2], 1.5, { goal: 1.1 })
  expect(row).toMatchObject({ measured: '1.20 (1.00..1.40)', budget: '≤ 1.5', held: true })
  expect(row.margin).toBeCloseTo(0.2, 9)
  expect(row.goal).toEqual({ text: '≤ 1.1', reached: false })
})

test('a budget that is missed has a negative margin, and says what would help', () => {
  const row = atMostTime('start', 600, 500, { remedy: 'less work' })
  expect(row).toMatchObject({ measured: '600 ms', budget: '≤ 500 ms', held: false, remedy: 'less work' })
  expect(row.margin).toBeCloseTo(-0.2, 9)
})

test('the limit itself is held where it may be reached, and missed where it may not', () => {
  expect(atMostBytes('memory', 2 ** 20, 2 ** 20).held).toBe(true)
  expect(below('cheaper', [1], 1)).toMatchObject({ held: false, budget: '< 1' })
})

test('nothing measured is no budget held', () => {
  expect(() => atMost('cost', undefined, 1)).toThrow('nothing was measured')
  expect(atMostTime('start', Number.NaN, 500).held).toBe(false)
})

test('what must never happen has no margin', () => {
  expect(none('failed', 1)).toEqual({ what: 'failed', measured: '1', budget: '0', held: false })
})
