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
  readonly series: readonly Series[]
}

const size = { width: 680, height: 380 }
const area = { left: 60, right: 450, top: 60, bottom: 320 }
/** Distinguishable for people with red-green colour blindness (Okabe and Ito). */
const colours = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#56b4e9', '#e69f00']

/** Growth of each series relative to its first value, both axes logarithmic, as an SVG document. */
export function growthPlot({ title, axis, positions, series }: Plot): string {
  const growths = series.map(({ values }) => values.map((value) => value / (values[0] ?? 1)))
  const decades = Math.max(1, Math.ceil(Math.log10(Math.max(...growths.flat()))))
  const lowest = Math.min(0, Math.floor(Math.log10(Math.min(...growths.flat())) * 2) / 2)
  const [first = 1, last = 10] = [positions[0], positions.at(-1)]
  const x = (position: number): number =>
    area.left + ((area.right - area.left) * Math.log(position / first)) / Math.log(last / first)
  const y = (growth: number): number =>
    area.bottom - ((area.bottom - area.top) * (Math.log10(growth) - lowest)) / (decades - lowest)
  const grid = Array.from({ length: decades + 1 }, (_, decade) => {
    const at = round(y(10 ** decade))
    return `<path class="grid" d="M${area.left} ${at}H${area.right}"/><text x="${area.left - 8}" y="${at + 4}" text-anchor="end">${10 ** decade} ×</text>`
  })
  const ticks = positions.map(
    (position) =>
      `<text x="${round(x(position))}" y="${area.bottom + 20}" text-anchor="middle">${position.toLocaleString('en-US')}</text>`,
  )
  const ends = spreadOut(growths.map((growth) => y(growth.at(-1) ?? 1)))
  const lines = series.map(({ name, unit, values }, index) => {
    const colour = colours[index % colours.length]
    const points = (growths[index] ?? []).map((growth, at) => [x(positions[at] ?? first), y(growth)] as const)
    const path = points.map(([left, top]) => `${round(left)},${round(top)}`).join(' ')
    const dots = points.map(
      ([left, top]) => `<circle cx="${round(left)}" cy="${round(top)}" r="3" fill="${colour}"/>`,
    )
    const figures = [values[0], values.at(-1)].map((value) => Number((value ?? 0).toPrecision(3)))
    const label = `${name}: ${figures.join(' → ')} ${unit}`
    return `<polyline points="${path}" fill="none" stroke="${colour}" stroke-width="2"/>${dots.join('')}<text x="${area.right + 12}" y="${round((ends[index] ?? 0) + 4)}" fill="${colour}">${escaped(label)}</text>`
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" width="${size.width}" height="${size.height}" font-family="sans-serif" font-size="12" role="img" aria-label="${escaped(title)}">
<style>.grid{stroke:#ccc}</style>
<rect width="100%" height="100%" fill="#fff"/>
<text x="${area.left}" y="24" font-size="15" font-weight="bold">${escaped(title)}</text>
<text x="${area.left}" y="40" fill="#555">each relative to its value at ${first.toLocaleString('en-US')}; both axes logarithmic</text>
${grid.join('\n')}
${ticks.join('\n')}
<text x="${(area.left + area.right) / 2}" y="${area.bottom + 42}" text-anchor="middle">${escaped(axis)}</text>
${lines.join('\n')}
</svg>
`
}

const lineHeight = 16

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

const escaped = (text: string): string =>
  text.replace(/[&<>"]/g, (character) => `&#${character.charCodeAt(0)};`)
