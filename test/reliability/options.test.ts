import { expect, test } from 'vitest'
import { besides } from './besides.ts'
import { choose, help, readOptions } from './options.ts'

const figures = ['1', '2', 'stalled readers', 'stalled readers, in 384 MiB'].map((name) => ({ name }))
const namesOf = (...only: readonly string[]) => {
  const { chosen, unknown } = choose(figures, only)
  return [chosen.map(({ name }) => name), unknown]
}

test.each([
  ['one', ['2'], ['2'], []],
  ['several, in the order of a run', ['2, 1'], ['1', '2'], []],
  ['a name with a comma', ['stalled readers, in 384 MiB'], ['stalled readers, in 384 MiB'], []],
  ['repeated', ['1', 'stalled readers, in 384 MiB'], ['1', 'stalled readers, in 384 MiB'], []],
  ['unknown ones', ['1,99', 'in 384 MiB'], ['1'], ['99', 'in 384 MiB']],
])('--only chooses %s', (_name, only, chosen, unknown) => {
  expect(namesOf(...only)).toEqual([chosen, unknown])
})

test('every figure besides the numbered ones can be chosen by its name', () => {
  expect(besides.some(({ name }) => name.includes(','))).toBe(true)
  for (const figure of besides)
    expect(choose(besides, [figure.name])).toEqual({ chosen: [figure], unknown: [] })
})

test('without --only all are measured', () => {
  expect(choose(figures, undefined)).toEqual({ chosen: figures, unknown: [] })
})

test('--only is repeatable, and does not go with --write', () => {
  expect(readOptions(['--only', '1', '--only', '2'])).toMatchObject({ only: ['1', '2'], minutes: 60 })
  expect(readOptions(['--only', '1', '--write'])).toContain('--write wants all figures')
})

test.each([['0'], ['soon']])('%s is no number of minutes', (minutes) => {
  expect(readOptions(['--minutes', minutes])).toContain('--minutes')
})

test('an unknown option prints the help', () => {
  expect(readOptions(['--night'])).toContain(help)
})
