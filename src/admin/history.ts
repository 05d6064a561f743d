import { reasons } from '../cors/decide.ts'
import type { DecisionTotals } from '../metrics/decisions.ts'
import type { History, HistoryPoint } from './shapes.ts'

const columns: History['columns'] = (['preflight', 'actual'] as const).flatMap((kind) =>
  reasons.map((reason) => ({ kind, reason })),
)

/** Counts of decisions over the last hour, so that the chart has data as soon as the console opens. */
export interface DecisionHistory {
  /** Records the current counts. */
  sample(): void
  /** The points after `since` (milliseconds since 1970); the last one has the current counts. */
  after(since: number): History
}

/** Milliseconds between two points. */
export const historyInterval = 2000
const keptPoints = 1800

export function createHistory(
  totals: () => DecisionTotals,
  now: () => number,
  kept = keptPoints,
): DecisionHistory {
  const ring: HistoryPoint[] = []
  let next = 0
  const read = (): HistoryPoint => {
    const counts = totals()
    return [now(), ...columns.map(({ kind, reason }) => counts[kind][reason])]
  }
  return {
    sample() {
      ring[next] = read()
      next = (next + 1) % kept
    },
    after(since) {
      const ordered = ring.length < kept ? ring : [...ring.slice(next), ...ring.slice(0, next)]
      return { columns, points: [...ordered.filter(([time = 0]) => time > since), read()] }
    },
  }
}
