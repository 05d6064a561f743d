/** Turns counts into rates. Uses no DOM, so tests can run it. */

import type { History, HistoryPoint, Kind } from '../shapes.ts'

export const reasonNames = ['matched', 'origin', 'method', 'header', 'no_rules', 'malformed'] as const
type ReasonName = (typeof reasonNames)[number]

export const reasonWords: Readonly<Record<ReasonName, string>> = {
  matched: 'allowed',
  origin: 'origin not allowed',
  method: 'method not allowed',
  header: 'header not allowed',
  no_rules: 'no rules',
  malformed: 'malformed',
}

export type KindChoice = Kind | 'all'

/** Appends `added`, and drops points older than `keep` milliseconds before the last one. */
export function extend(known: History | undefined, added: History, keep: number): History {
  const end = added.points.at(-1)
  const began = added.points[0]?.[0] ?? 0
  const points = known === undefined || hasRestarted(known.points.at(-1), end) ? [] : known.points
  const before = points.filter(([time = 0]) => time < began && time >= (end?.[0] ?? 0) - keep)
  return { columns: added.columns, points: [...before, ...added.points] }
}

/** Counts that fell come from a new process. */
const hasRestarted = (before: HistoryPoint | undefined, after: HistoryPoint | undefined): boolean =>
  before?.some((count, index) => count > (after?.[index] ?? 0)) === true

/** Requests per second: times in seconds, and one list for each reason in the order of {@link reasonNames}. */
export interface Rates {
  readonly times: readonly number[]
  readonly series: readonly (readonly number[])[]
}

/** Bins of `width` seconds; the last one ends with the last point. */
export function rates(history: History, kind: KindChoice, window: number, width: number): Rates {
  const { columns, points } = history
  const end = points.at(-1)?.[0] ?? 0
  const start = Math.max(end - window * 1000, points[0]?.[0] ?? end)
  const edges: number[] = []
  for (let edge = end; edge > start - width * 1000; edge -= width * 1000) edges.unshift(Math.max(edge, start))
  const bins = edges.slice(1)
  const at = edges.map((edge) => pointAt(points, edge))
  return {
    times: bins.map((edge) => edge / 1000),
    series: reasonNames.map((reason) => {
      const wanted = columns.flatMap((column, index) =>
        column.reason === reason && (kind === 'all' || column.kind === kind) ? [index + 1] : [],
      )
      const total = (point: HistoryPoint | undefined): number =>
        wanted.reduce((sum, index) => sum + (point?.[index] ?? 0), 0)
      return bins.map((edge, bin) => {
        const seconds = (edge - (edges[bin] ?? edge)) / 1000
        return seconds === 0 ? 0 : (total(at[bin + 1]) - total(at[bin])) / seconds
      })
    }),
  }
}

/** The latest point that is not after `time`, or else the first one. */
function pointAt(points: readonly HistoryPoint[], time: number): HistoryPoint | undefined {
  return points.findLast(([moment = 0]) => moment <= time) ?? points[0]
}

/** Decisions by reason since the sidecar started. */
export function totals(history: History, kind: KindChoice): Readonly<Record<ReasonName, number>> {
  const last = history.points.at(-1)
  const sum = (reason: ReasonName): number =>
    history.columns.reduce(
      (all, column, index) =>
        column.reason === reason && (kind === 'all' || column.kind === kind)
          ? all + (last?.[index + 1] ?? 0)
          : all,
      0,
    )
  return {
    matched: sum('matched'),
    origin: sum('origin'),
    method: sum('method'),
    header: sum('header'),
    no_rules: sum('no_rules'),
    malformed: sum('malformed'),
  }
}
