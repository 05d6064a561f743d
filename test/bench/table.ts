/** Rows of text. The first column is a name, the others are figures. */
export interface Table {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
}

/** Aligned Markdown, also readable on a terminal. */
export function renderTable({ columns, rows }: Table): string {
  const widths = columns.map((column, at) =>
    Math.max(3, width(column), ...rows.map((row) => width(row[at] ?? ''))),
  )
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((most, at) => pad(cells[at] ?? '', most, at === 0)).join(' | ')} |`
  const rule = widths.map((most, at) => (at === 0 ? '-'.repeat(most) : `${'-'.repeat(most - 1)}:`))
  return [line(columns), `| ${rule.join(' | ')} |`, ...rows.map(line)].join('\n')
}

const width = (text: string): number => [...text].length

function pad(text: string, most: number, isName: boolean): string {
  const blanks = ' '.repeat(most - width(text))
  return isName ? text + blanks : blanks + text
}
