import { type ComparedRatio, compareRatios, type Ratios, tolerance } from './ratios.ts'
import type { Bench } from './section.ts'
import { decisionRatios } from './sections/decisions.ts'
import { get } from './sections/get.ts'
import { preflight } from './sections/preflight.ts'
import { streamRatios } from './sections/streams.ts'
import { renderTable } from './table.ts'

/** Sections that are cheap to measure and still show regressions. */
const cheap: readonly ((bench: Bench) => Promise<Ratios>)[] = [
  async (bench) => (await preflight(bench)).ratios,
  async (bench) => (await get(bench)).ratios,
  streamRatios,
]

/**
 * Measures ratios and compares them with the recorded ones. A ratio that seems worse is measured again and the
 * better result counts: on a shared machine other processes may have interfered.
 */
export async function compareQuickly(bench: Bench, recorded: Ratios): Promise<readonly ComparedRatio[]> {
  const quiet: Bench = { ...bench, options: { ...bench.options, peers: [] } }
  const compared: ComparedRatio[] = []
  const measured = bench.options.program === undefined ? [...cheap, decisionRatios] : cheap
  for (const measure of measured) {
    const first = await measure(quiet)
    const hasFallen = compareRatios(recorded, first).some(({ hasFallen }) => hasFallen)
    const again = hasFallen ? await measure(quiet) : first
    const better = Object.entries(first).map(([name, ratio]) => [name, Math.min(ratio, again[name] ?? ratio)])
    compared.push(...compareRatios(recorded, Object.fromEntries(better)))
  }
  bench.progress('')
  return compared
}

/** All ratios as a table, followed by the regressions. */
export function renderCompared(compared: readonly ComparedRatio[]): string {
  const percent = (change: number): string => `${change > 0 ? '+' : ''}${(change * 100).toFixed(0)} %`
  const table = renderTable({
    columns: ['ratio (less is better)', 'recorded', 'now', 'change', ''],
    rows: compared.map(({ name, recorded, now, change, hasFallen }) => [
      name,
      recorded?.toFixed(2) ?? 'never',
      now.toFixed(2),
      change === undefined ? '' : percent(change),
      hasFallen ? 'fallen' : '',
    ]),
  })
  const fallen = compared.filter(({ hasFallen }) => hasFallen)
  const never = compared.filter(({ recorded }) => recorded === undefined)
  const most = percent(tolerance)
  const verdict =
    fallen.length === 0
      ? `Nothing has fallen by more than ${most.slice(1)}.`
      : `Fallen by more than ${most.slice(1)}: ${fallen.map(({ name }) => name).join('; ')}.`
  const omission = never.length === 0 ? '' : `${never.length} of ${compared.length} compared with nothing: `
  return `${table}\n\n${omission}${verdict}`
}
