import { type Marks, replaceBetween } from '../markdown.ts'
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

const marksOf = (command: string): Marks => ({
  begin: `<!-- measured by ${command}: from here -->`,
  end: `<!-- measured by ${command}: to here -->`,
})

export const runMarks = marksOf('npm run bench')
export const noiseMarks = marksOf('npm run bench -- --quick --noise')

/** A complete run as Markdown, also readable on a terminal. */
export function renderRun(run: Run): string {
  const { machine, sections } = run
  const budgets = sections.flatMap(({ budgets }) => budgets)
  return [
    `${run.date}, ${machine.text}; ${run.minutes.toFixed(0)} minutes of \`${['npm run bench', ...(run.argv.length > 0 ? ['--', ...run.argv] : [])].join(' ')}\`.`,
    versionLine(machine),
    ...(machine.missing.length > 0 ? [`Not installed, left out: ${machine.missing.join(', ')}.`] : []),
    "Load, servers and store share these cores: requests per second are what was left for each, CPU per request is each one's own. Only ratios mean something elsewhere.",
    ...renderSummary(sections),
    ...(budgets.length > 0 ? ['## Budgets', ...renderBudgets(budgets)] : []),
    ...sections.flatMap(renderSection),
  ].join('\n\n')
}

const versionLine = ({ versions }: Machine): string =>
  `${Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(', ')}.`

function renderSummary(sections: readonly SectionResult[]): readonly string[] {
  const parts = [
    ['What to expect', 'expect'],
    ['What it costs', 'costs'],
    ['Where it stops', 'stops'],
  ] as const
  return parts.flatMap(([title, part]) => {
    const sentences = sections.flatMap(({ summary = {} }) => summary[part] ?? [])
    return sentences.length === 0
      ? []
      : [`## ${title}`, sentences.map((sentence) => `- ${sentence}`).join('\n')]
  })
}

/** How many are held, each with its margin, and what would close the gap of those that are missed. */
export function renderBudgets(budgets: readonly BudgetRow[]): readonly string[] {
  const missed = budgets.filter(({ held }) => !held)
  const table = renderTable({
    columns: ['budget', 'measured', 'promised', '', 'margin', 'goal'],
    rows: budgets.map(({ what, measured, budget, held, margin, goal }) => [
      what,
      measured,
      budget,
      held ? 'held' : '**missed**',
      margin === undefined ? '' : `${(margin * 100).toFixed(0)} %`,
      goal === undefined ? '' : `${goal.text}: ${goal.reached ? 'reached' : 'not yet'}`,
    ]),
  })
  return [
    `${budgets.length - missed.length} of ${budgets.length} are held. The margin is the part of the budget that is left.`,
    table,
    ...(missed.length === 0
      ? []
      : [
          `What would close the gaps:\n${missed.map(({ what, remedy = 'not known yet' }) => `- ${what}: ${remedy}.`).join('\n')}`,
        ]),
  ]
}

export function renderSection({ title, notes, tables, plots = {} }: SectionResult): readonly string[] {
  const pictures = Object.entries(plots).map(([file, svg]) => `![${titleOf(svg) ?? title}](${file})`)
  return [`## ${title}`, notes.join('\n'), ...tables.map(renderTable), ...pictures]
}

/** The title of a picture, for those who cannot see it. */
const titleOf = (svg: string): string | undefined => /aria-label="([^"]*)"/.exec(svg)?.[1]

export const replaceMeasured = (document: string, measured: string, marks: Marks): string =>
  replaceBetween(document, marks, `\n${measured}\n`)
