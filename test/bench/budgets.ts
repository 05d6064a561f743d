import { megabytes, ratio, time } from './figures.ts'
import type { BudgetRow } from './section.ts'
import { spreadOf } from './stats.ts'

interface More {
  /** A stricter limit that is aimed for. */
  readonly goal?: number
  readonly remedy?: string
}

/** `measured` in words, and the value that counts. */
function row(
  what: string,
  measured: string,
  value: number,
  most: number,
  inWords: (limit: number) => string,
  { goal, remedy }: More,
): BudgetRow {
  return {
    what,
    measured,
    budget: `≤ ${inWords(most)}`,
    held: value <= most,
    margin: 1 - value / most,
    ...(goal === undefined ? {} : { goal: { text: `≤ ${inWords(goal)}`, reached: value <= goal } }),
    ...(remedy === undefined ? {} : { remedy }),
  }
}

/** The median of `ratios` is at most `most`. */
export function atMost(
  what: string,
  ratios: readonly number[] | undefined,
  most: number,
  more: More = {},
): BudgetRow {
  const spread = spreadOf(ratios ?? [])
  return row(what, ratio(spread), spread.median, most, String, more)
}

/** The median of `ratios` is below `limit`. */
export function below(what: string, ratios: readonly number[], limit: number): BudgetRow {
  const { median } = spreadOf(ratios)
  return { ...atMost(what, ratios, limit), budget: `< ${limit}`, held: median < limit }
}

export const atMostTime = (what: string, milliseconds: number, most: number, more: More = {}): BudgetRow =>
  row(what, time(milliseconds), milliseconds, most, time, more)

export const atMostBytes = (what: string, bytes: number, most: number, more: More = {}): BudgetRow =>
  row(what, megabytes(bytes), bytes, most, megabytes, more)

/** Something that must not happen even once. */
export const none = (what: string, count: number): BudgetRow => ({
  what,
  measured: String(count),
  budget: '0',
  held: count === 0,
})
