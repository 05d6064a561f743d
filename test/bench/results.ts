import type { Machine } from './machine.ts'
import type { BudgetRow, SectionResult } from './section.ts'
import { renderTable } from './table.ts'

export interface Run {
  readonly machine: Machine
  /** The arguments after `npm run bench --`. */
  readonly argv: readonly string[]
  readonly date: string
  readonly minutes: number
  readonly sections: readonly SectionResult[]
}

export const begin = '<!-- measured by npm run bench: from here -->'
export const end = '<!-- measured by npm run bench: to here -->'

/** A complete run as Markdown, also readable on a terminal. */
export function renderRun(run: Run): string {
  const { machine, sections } = run
  const budgets = sections.flatMap(({ budgets }) => budgets)
  return [
    `${run.date}, ${machine.text}; ${run.minutes.toFixed(0)} minutes of \`${['npm run bench', ...(run.argv.length > 0 ? ['--', ...run.argv] : [])].join(' ')}\`.`,
    versionLine(machine),
    ...(machine.missing.length > 0 ? [`Not installed, left out: ${machine.missing.join(', ')}.`] : []),
    "Load, servers and store share these cores: requests per second are what was left for each, CPU per request is each one's own. Only ratios mean something elsewhere.",
    ...(budgets.length > 0 ? ['## Budgets', renderBudgets(budgets)] : []),
    ...sections.flatMap(renderSection),
  ].join('\n\n')
}

const versionLine = ({ versions }: Machine): string =>
  `${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.`

export function renderBudgets(budgets: readonly BudgetRow[]): string {
  return renderTable({
    columns: ['budget', 'measured', 'promised', ''],
    rows: budgets.map(({ what, measured, budget, held }) => [
      what,
      measured,
      budget,
      held ? 'held' : '**missed**',
    ]),
  })
}

export function renderSection({ title, notes, tables, plots = {} }: SectionResult): readonly string[] {
  const pictures = Object.keys(plots).map((file) => `![${title}](${file})`)
  return [`## ${title}`, notes.join('\n'), ...tables.map(renderTable), ...pictures]
}

/**
 * `document` with `measured` between its two marks; the text around them stays. Throws unless each mark appears
 * exactly once, so that nothing is lost.
 */
export function replaceMeasured(document: string, measured: string): string {
  const parts = document.split(begin)
  const after = parts[1]?.split(end)
  const tail = after?.[1]
  if (parts.length !== 2 || after?.length !== 2 || tail === undefined)
    throw new Error(`RESULTS.md must hold "${begin}" and "${end}", once each and in this order`)
  return `${parts[0]}${begin}\n${measured}\n${end}${tail}`
}
