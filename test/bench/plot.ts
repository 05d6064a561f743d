import { growthPerTen } from './stats.ts'

export interface Series {
  readonly name: string
  readonly unit: string
  /** One value above 0 for each position. */
  readonly values: readonly number[]
}

export interface Plot {
  readonly title: string
  readonly axis: string
  /** Numbers above 0, ascending. */
  readonly positions: readonly number[]
  /** What the axis says at each position; by default the position. */
  readonly labels?: readonly string[]
  readonly series: readonly Series[]
}

export interface Bars {
  readonly title: string
  readonly unit: string
  readonly names: readonly string[]
  /** One value for each name. */
  readonly series: readonly { readonly name: string; readonly values: readonly number[] }[]
}

const width = 860
const height = 380
const area = { left: 80, right: 470, top: 60, bottom: 320 }

/**
 * Distinguishable for people with red-green colour blindness (after Okabe and Ito), each with enough contrast for
 * text on its background.
 */
const colours = [
  { light: '#0072b2', dark: '#56b4e9' },
  { light: '#b34700', dark: '#f0a050' },
  { light: '#00765a', dark: '#40c79a' },
  { light: '#a34f86', dark: '#e39ac6' },
  { light: '#555555', dark: '#c8c8c8' },
  { light: '#8a6100', dark: '#f0e442' },
]
const colourOf = (index: number): string => `c${index % colours.length}`

/** The picture follows the theme of its reader, background included. */
const style = `<style>
text{fill:#1f2328}.quiet{fill:#57606a}.ground{fill:#fff}.grid{stroke:#d0d7de}
${colours.map(({ light }, at) => `.c${at}{fill:${light}}.l${at}{stroke:${light}}`).join('')}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.quiet{fill:#9da7b3}.ground{fill:#0d1117}.grid{stroke:#30363d}
${colours.map(({ dark }, at) => `.c${at}{fill:${dark}}.l${at}{stroke:${dark}}`).join('')}}
</style>`

const picture = (title: string, tall: number, parts: readonly string[]): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${tall}" width="${width}" height="${tall}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">
${style}
<rect class="ground" width="100%" height="100%"/>
<text x="${area.left}" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
${parts.join('\n')}
</svg>
`

/** Growth of each series relative to its first value, both axes logarithmic, as an SVG document. */
export function growthPlot({ title, axis, positions, labels, series }: Plot): string {
  const growths = series.map(({ values }) => values.map((value) => value / (values[0] ?? 1)))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...growths.flat()))))
  const lowest = Math.min(0, Math.floor(Math.log10(Math.min(...growths.flat())) * 2) / 2)
  const [first = 1, last = 10] = [positions[0], positions.at(-1)]
  const x = (position: number): number =>
    area.left + ((area.right - area.left) * Math.log(position / first)) / Math.log(last / first)
  const y = (growth: number): number =>
    area.bottom - ((area.bottom - area.top) * (Math.log10(growth) - lowest)) / (decades - lowest)
  const nameOf = (index: number): string => labels?.[index] ?? amount(positions[index] ?? Number.NaN)
  const grid = Array.from({ length: decades + 1 }, (_, decade) => {
    const at = round(y(10 ** decade))
    return `<path class="grid" d="M${area.left} ${at}H${area.right}"/><text x="${area.left - 8}" y="${at + 4}" text-anchor="end">${amount(10 ** decade)} ×</text>`
  })
  const lastTick = positions.length - 1
  let free = Number.NEGATIVE_INFINITY
  const ticks = positions.flatMap((position, index) => {
    const at = x(position)
    // Without those whose text would run into another one.
    if (index < lastTick && (at < free || at > area.right - tickWidth)) return []
    free = at + tickWidth
    return `<text x="${round(at)}" y="${area.bottom + 20}" text-anchor="middle">${escaped(nameOf(index))}</text>`
  })
  const ends = spreadOut(growths.map((growth) => y(growth.at(-1) ?? 1)))
  const lines = series.map(({ name, unit, values }, index) => {
    const points = (growths[index] ?? []).map((growth, at) => [x(positions[at] ?? first), y(growth)] as const)
    const path = points.map(([left, top]) => `${round(left)},${round(top)}`).join(' ')
    const dots = points.map(
      ([left, top]) => `<circle class="${colourOf(index)}" cx="${round(left)}" cy="${round(top)}" r="3"/>`,
    )
    const figures = [values[0], values.at(-1)].map((value) => amount(value ?? 0))
    const slope = growthPerTen(positions, values).toFixed(2)
    const label = `${name}: ${figures.join(' → ')} ${unit}, × ${slope} per ten times`
    const colour = colourOf(index)
    return `<polyline class="l${colour.slice(1)}" points="${path}" fill="none" stroke-width="2"/>${dots.join('')}<text class="${colour}" x="${area.right + 12}" y="${round((ends[index] ?? 0) + 4)}">${escaped(label)}</text>`
  })
  return picture(title, height, [
    `<text class="quiet" x="${area.left}" y="42">each relative to its value at ${escaped(nameOf(0))}; both axes logarithmic</text>`,
    ...grid,
    ...ticks,
    `<text x="${(area.left + area.right) / 2}" y="${area.bottom + 42}" text-anchor="middle">${escaped(axis)}</text>`,
    ...lines,
  ])
}

const bar = { left: 330, right: 780, thick: 11, group: 34 }

/** Bars beside one another for each name, from zero, as an SVG document. */
export function barPlot({ title, unit, names, series }: Bars): string {
  const most = Math.max(...series.flatMap(({ values }) => values))
  const top = 66
  const legend = series.map(
    ({ name }, index) =>
      `<rect class="${colourOf(index)}" x="${area.left + 220 * index}" y="36" width="11" height="11"/><text x="${area.left + 220 * index + 17}" y="46">${escaped(name)}</text>`,
  )
  const rows = names.map((name, at) => {
    const y = top + at * bar.group
    const bars = series.map(({ values }, index) => {
      const value = values[at] ?? 0
      const long = round(((bar.right - bar.left) * value) / most)
      const from = y + index * (bar.thick + 1)
      return `<rect class="${colourOf(index)}" x="${bar.left}" y="${from}" width="${long}" height="${bar.thick}"/><text x="${round(bar.left + long + 6)}" y="${from + 10}" font-size="11">${amount(value)} ${escaped(unit)}</text>`
    })
    return `<text x="${bar.left - 10}" y="${y + 15}" text-anchor="end">${escaped(name)}</text>${bars.join('')}`
  })
  return picture(title, top + names.length * bar.group + 14, [...legend, ...rows])
}

const lineHeight = 16
/** Room for the text of a position. */
const tickWidth = 40

/** Moves the heights down until no two labels overlap, then up again to stay within the plot. */
function spreadOut(heights: readonly number[]): readonly number[] {
  const order = heights.map((height, index) => ({ height, index })).sort((a, b) => a.height - b.height)
  const placed: number[] = []
  let free = Number.NEGATIVE_INFINITY
  for (const { height, index } of order) {
    const at = Math.max(height, free)
    placed[index] = at
    free = at + lineHeight
  }
  const excess = Math.max(0, free - lineHeight - area.bottom)
  return placed.map((height) => height - excess)
}

const round = (value: number): number => Math.round(value * 10) / 10

/** Three significant digits, thousands separated. */
const amount = (value: number): string => Number(value.toPrecision(3)).toLocaleString('en-US')

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
