import { XMLValidator } from 'fast-xml-parser'
import { expect, test } from 'vitest'
import { barPlot, growthPlot } from './plot.ts'

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

test('the plot is one well-formed SVG document with escaped text', () => {
  expect(XMLValidator.validate(plot)).toBe(true)
  expect(plot).toContain('Growth &#38; &#60;more&#62;')
})

test('each series is labelled with its first and last value, and with its growth', () => {
  expect(plot).toContain('start: 500 → 5,000 ms, × 1.78 per ten times')
  expect(plot).toContain('flat: 100 → 100 MB, × 1.00 per ten times')
})

const linesOf = (svg: string) =>
  [...svg.matchAll(/<polyline class="l\d" points="([^"]+)"/g)].map(([, points = '']) =>
    points.split(' ').map((point) => point.split(',').map(Number)),
  )

test('rising values go up, falling ones go down, constant ones stay level; decades are equally spaced', () => {
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
    expect(x).toSatisfy((x: number) => x >= 0 && x <= 860)
    expect(y).toSatisfy((y: number) => y >= 0 && y <= 380)
  }
  const labels = [...plot.matchAll(/<text class="c\d" x="482" y="([0-9.]+)"/g)]
    .map(([, y]) => Number(y))
    .sort((a, b) => a - b)
  expect(labels).toHaveLength(3)
  for (let index = 1; index < labels.length; index++)
    expect((labels[index] ?? 0) - (labels[index - 1] ?? 0)).toBeGreaterThanOrEqual(15.9)
})

test('an axis can name its positions', () => {
  const sizes = growthPlot({
    title: 'sizes',
    axis: 'size',
    positions: [1024, 1_048_576],
    labels: ['1 KB', '1 MB'],
    series: [{ name: 'CPU', unit: 'µs', values: [1, 2] }],
  })
  expect(sizes).toContain('>1 MB</text>')
  expect(sizes).toContain('relative to its value at 1 KB')
})

test('a position too close to a labelled one keeps its point but gets no label', () => {
  const close = growthPlot({
    title: 'close',
    axis: 'connections',
    positions: [1, 10, 1_000, 1_900, 2_000],
    series: [{ name: 'CPU', unit: 'µs', values: [1, 1, 1, 1, 1] }],
  })
  const texts = [...close.matchAll(/text-anchor="middle">([^<]+)<\/text>/g)].map(([, text]) => text)
  expect(texts).toEqual(['1', '10', '2,000', 'connections'])
  expect(texts).not.toContain('1,900')
  expect(close.match(/<circle/g)).toHaveLength(5)
})

test('bars start at zero, so twice the value is twice as long', () => {
  const bars = barPlot({
    title: 'Memory <MB>',
    unit: 'MB',
    names: ['one', 'other & more'],
    series: [
      { name: 'at rest', values: [10, 20] },
      { name: 'under load', values: [20, 40] },
    ],
  })
  expect(XMLValidator.validate(bars)).toBe(true)
  const widths = [
    ...bars.matchAll(/width="([0-9.]+)" height="11"\/><text x="[0-9.]+" y="\d+" font-size="11"/g),
  ]
  expect(widths.map(([, width]) => Number(width))).toEqual([112.5, 225, 225, 450])
  expect(bars).toContain('40 MB')
})

test('every colour has a counterpart in the dark theme', () => {
  const [light = '', dark = ''] = plot.split('@media (prefers-color-scheme:dark)')
  const classes = (css: string) => new Set([...css.matchAll(/\.([a-z]+\d?)\{/g)].map(([, name]) => name))
  expect(classes(dark.slice(0, dark.indexOf('</style>')))).toEqual(classes(light))
})
