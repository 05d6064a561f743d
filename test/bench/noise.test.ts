import { expect, test } from 'vitest'
import { noiseOf, renderNoise } from './noise.ts'
import { compareRatios } from './ratios.ts'

const recorded = { one: 1, two: 2 }
const runs = [
  { one: 1, two: 2 },
  { one: 1.5, two: 2.25 },
  { one: 1.25, two: 3 },
  { one: 0.75, two: 2.25 },
].map((now) => compareRatios(recorded, now))

test('an alarm counts once for its run and once for its ratio', () => {
  expect(noiseOf(runs)).toEqual({
    runs: 4,
    alarms: 2,
    ratios: [
      { name: 'one', recorded: 1, now: { median: 1.125, least: 0.75, most: 1.5 }, alarms: 2 },
      { name: 'two', recorded: 2, now: { median: 2.25, least: 2, most: 3 }, alarms: 1 },
    ],
  })
})

test('the text says how many runs there were, and how many were wrong', () => {
  const text = renderNoise(noiseOf(runs), '2026-11-28')
  expect(text).toContain(
    '4 quick runs of the same code raised a false alarm 2 times, with a tolerance of 15 %.',
  )
  expect(text).toMatch(/\| one +\| +1\.00 \| +1\.13 \| +0\.75 \| +1\.50 \| +2 of 4 \|/)
})
