import { expect, test } from 'vitest'
import { renderCompared } from './quick.ts'
import { compareRatios, parseRatios, printRatios } from './ratios.ts'

test.each([
  ['the same', 1.5, 1.5, false],
  ['a little worse', 1, 1.15, false],
  ['worse', 1, 1.16, true],
  ['better', 2, 1, false],
])('%s than recorded: has it fallen?', (_name, recorded, now, hasFallen) => {
  expect(compareRatios({ 'a / b': recorded }, { 'a / b': now })).toEqual([
    { name: 'a / b', recorded, now, change: now / recorded - 1, hasFallen },
  ])
})

test('a ratio that is not a number counts as a regression', () => {
  expect(compareRatios({ 'a / b': 1 }, { 'a / b': Number.NaN })).toMatchObject([{ hasFallen: true }])
})

test('a ratio without a recorded value is shown and is no regression', () => {
  const compared = compareRatios({}, { 'a / b': 9 })
  expect(compared).toEqual([
    { name: 'a / b', recorded: undefined, now: 9, change: undefined, hasFallen: false },
  ])
  expect(renderCompared(compared)).toContain('never')
  expect(renderCompared(compared)).toContain('1 of 1 compared with nothing')
})

test('only regressions are named below the table', () => {
  const text = renderCompared(compareRatios({ one: 1, two: 1 }, { one: 1.5, two: 1.1 }))
  expect(text).toMatch(/one .* \+50 % \| fallen \|/)
  expect(text.split('\n').at(-1)).toBe('Fallen by more than 15 %: one.')
  expect(renderCompared(compareRatios({ one: 1 }, { one: 1 }))).toMatch(/Nothing has fallen/)
})

test('recorded ratios are read as they were written, to three digits', () => {
  expect(parseRatios(printRatios({ 'a / b': 1.23456, c: 0.5 }))).toEqual({ 'a / b': 1.23, c: 0.5 })
})

test.each([
  ['a list', '[1]'],
  ['null', 'null'],
  ['text for a number', '{"a":"1"}'],
  ['zero, of which everything is a multiple', '{"a":0}'],
  ['no JSON', 'a: 1'],
])('recorded ratios cannot be %s', (_name, text) => {
  expect(() => parseRatios(text)).toThrow()
})
