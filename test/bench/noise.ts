import { type ComparedRatio, tolerance } from './ratios.ts'
import { type Spread, spreadOf } from './stats.ts'
import { renderTable } from './table.ts'

/** How often the guard complains about code that did not change. */
export interface Noise {
  readonly runs: number
  /** Runs with at least one alarm, of which each is false. */
  readonly alarms: number
  readonly ratios: readonly NoisyRatio[]
}

interface NoisyRatio {
  readonly name: string
  readonly recorded: number | undefined
  readonly now: Spread
  /** Runs in which it seemed to have fallen. */
  readonly alarms: number
}

/** From several quick runs of the same code. */
export function noiseOf(runs: readonly (readonly ComparedRatio[])[]): Noise {
  const [first = []] = runs
  const ratios = first.map(({ name, recorded }) => {
    const seen = runs.flatMap((run) => run.filter((ratio) => ratio.name === name))
    const alarms = seen.filter(({ hasFallen }) => hasFallen).length
    return { name, recorded, now: spreadOf(seen.map(({ now }) => now)), alarms }
  })
  const alarms = runs.filter((run) => run.some(({ hasFallen }) => hasFallen)).length
  return { runs: runs.length, alarms, ratios }
}

/** As Markdown, also readable on a terminal. */
export function renderNoise({ runs, alarms, ratios }: Noise, date: string): string {
  const table = renderTable({
    columns: ['ratio (less is better)', 'recorded', 'median', 'least', 'most', 'alarms'],
    rows: ratios.map(({ name, recorded, now, alarms }) => [
      name,
      recorded?.toFixed(2) ?? 'never',
      now.median.toFixed(2),
      now.least.toFixed(2),
      now.most.toFixed(2),
      `${alarms} of ${runs}`,
    ]),
  })
  return `${date}: ${runs} quick runs of the same code raised a false alarm ${alarms} ${alarms === 1 ? 'time' : 'times'}, with a tolerance of ${(tolerance * 100).toFixed(0)} %.\n\n${table}`
}
