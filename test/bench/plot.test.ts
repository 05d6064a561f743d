import { XMLValidator } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { growthPlot } from './plot.ts'

const plot = growthPlot({
  title: 'Growth & <more>',
  axis: 'buckets',
  positions: [1, 100, 10_000],
  series: [
    { name: 'start', unit: 'ms', values: [500, 600, 5000] },
    { name: 'block', unit: 'ms', values: [10, 5, 9] },
    { name: 'flat', unit: 'MB', values: [100, 100, 100] },
  ],
})

test('the plot is one well-formed SVG document with escaped texts', () => {
  expect(XMLValidator.validate(plot)).toBe(true)
  expect(plot).toContain('Growth &#38; &#60;more&#62;')
})

test('each series is labelled with its first and last value', () => {
  expect(plot).toContain('start: 500 → 5000 ms')
  expect(plot).toContain('flat: 100 → 100 MB')
})

const linesOf = (svg: string) =>
  [...svg.matchAll(/<polyline points="([^"]+)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number)),
  )

test('growth goes up, shrinking goes down, and the same stays level; decades are equally far apart', () => {
  const [start = [], block = [], flat = []] = linesOf(plot)
  const [heights, blocks, level] = [start, block, flat].map((line) => line.map(([, y = 0]) => y))
  expect(heights?.[2]).toBeLessThan(heights?.[0] ?? 0)
  expect(blocks?.[1]).toBeGreaterThan(blocks?.[0] ?? 0)
  expect(new Set(level).size).toBe(1)
  const [a = 0, b = 0, c = 0] = flat.map(([x = 0]) => x)
  expect(b - a).toBeCloseTo(c - b, 0)
})

test('all points lie inside the picture, and labels do not overlap', () => {
  for (const [x = -1, y = -1] of linesOf(plot).flat()) {
    expect(x).toSatisfy((x: number) => x >= 0 && x <= 680)
    expect(y).toSatisfy((y: number) => y >= 0 && y <= 380)
  }
  const labels = [...plot.matchAll(/<text x="462" y="([0-9.]+)"/g)]
    .map(([, y]) => Number(y))
    .sort((a, b) => a - b)
  expect(labels).toHaveLength(3)
  for (let index = 1; index < labels.length; index++)
    expect((labels[index] ?? 0) - (labels[index - 1] ?? 0)).toBeGreaterThanOrEqual(15.9)
})
