import { expect, test } from 'vitest'
import { growthPerTen, percentile, ratiosOf, spreadOf } from './stats.ts'

test.each([
  ['an odd count', [3, 1, 2], { median: 2, least: 1, most: 3 }],
  ['an even count', [4, 1, 2, 3], { median: 2.5, least: 1, most: 4 }],
  ['one value', [7], { median: 7, least: 7, most: 7 }],
  ['numbers, not text', [10, 9, 100], { median: 10, least: 9, most: 100 }],
])('the spread of %s', (_name, values, spread) => {
  expect(spreadOf(values)).toEqual(spread)
})

test('the spread does not reorder what it was given', () => {
  const values = [3, 1, 2]
  spreadOf(values)
  expect(values).toEqual([3, 1, 2])
})

test.each([
  [0, 1],
  [0.01, 1],
  [0.99, 99],
  [0.995, 100],
  [1, 100],
])('percentile %d of 1 to 100 is %d', (share, value) => {
  expect(
    percentile(
      Array.from({ length: 100 }, (_, index) => index + 1),
      share,
    ),
  ).toBe(value)
})

test('an empty list has no percentile', () => {
  expect(() => percentile([], 0.5)).toThrow('nothing was measured')
})

test('each round is compared with the baseline of the same round', () => {
  expect(ratiosOf([2, 9], [1, 3])).toEqual([2, 3])
  expect(() => ratiosOf([2], [1, 3])).toThrow('every round')
})

test.each([
  ['in proportion', [1, 10, 100], [2, 20, 200], 10],
  ['not at all', [1, 10, 100], [7, 7, 7], 1],
  ['with the square root', [1, 100], [1, 10], 10 ** 0.5],
])('what grows %s', (_name, positions, values, growth) => {
  expect(growthPerTen(positions, values)).toBeCloseTo(growth, 9)
})
