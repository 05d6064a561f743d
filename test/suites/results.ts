import { type Marks, table } from '../markdown.ts'
import { type Difference, okCount, tally } from './compare.ts'
import type { Compared, Suite } from './suite.ts'

export type Outcome =
  | {
      readonly kind: 'compared'
      readonly suite: Suite
      readonly versions: string
      readonly compared: Compared
      readonly differences: readonly Difference[]
      readonly seconds: number
    }
  | { readonly kind: 'not tested'; readonly suite: Suite; readonly why: string }

export const isHeld = (outcome: Outcome): boolean =>
  outcome.kind === 'not tested' ||
  (okCount(outcome.compared.direct) >= outcome.suite.least &&
    outcome.differences.every(({ why }) => why !== undefined))

/** A run as Markdown: the suites, then every difference with its reason. */
export function renderRun(outcomes: readonly Outcome[], program: string): string {
  const rows = outcomes.map((outcome) =>
    outcome.kind === 'not tested'
      ? [outcome.suite.name, `NOT TESTED: ${outcome.why}`, '', '', '']
      : [
          outcome.suite.name,
          outcome.versions,
          tally(outcome.compared.direct),
          tally(outcome.compared.through),
          String(outcome.differences.length),
        ],
  )
  const differences = outcomes.flatMap((outcome) =>
    outcome.kind === 'not tested'
      ? []
      : grouped(outcome.differences).map(([why, tests]) => [outcome.suite.name, tests.join(', '), why]),
  )
  return [
    `${program}.`,
    table(['suite', 'client and store', 'direct', 'through', 'differences'], rows),
    ...(differences.length > 0 ? [table(['suite', 'tests that differ', 'reason'], differences)] : []),
  ].join('\n\n')
}

/** One row per reason. */
function grouped(differences: readonly Difference[]): readonly (readonly [string, readonly string[]])[] {
  const byReason = Map.groupBy(differences, ({ why }) => why ?? 'NONE: a defect')
  return [...byReason].map(([why, some]) => [why, some.map(({ test }) => `\`${test}\``)])
}

export const marks: Marks = {
  begin: '<!-- written by npm run test:suites -- --write: from here -->',
  end: '<!-- written by npm run test:suites -- --write: to here -->',
}
