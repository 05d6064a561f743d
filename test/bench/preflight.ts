/**
 * What a decision costs, and what the worst preflight that fits into 16 KB costs beside a normal one.
 * Run with `npm run bench:decision`. Figures are of one process on this machine; only their ratios mean something.
 */
import { decisionCases, nanosecondsOf } from './decision-cases.ts'

let normal = 0
for (const [name, decide] of decisionCases) {
  const cost = nanosecondsOf(decide)
  normal ||= cost
  console.log(
    `${(cost / 1000).toFixed(1).padStart(8)} µs ${(cost / normal).toFixed(1).padStart(6)} ×  ${name}`,
  )
}
