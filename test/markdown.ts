/** Text for a table cell: escapes bars, which end the cell, and removes line breaks, which end the table. */
export const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ')

/** A table of words. `bench/table.ts` aligns figures. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`
  return [line(heads), `|${'---|'.repeat(heads.length)}`, ...rows.map(line)].join('\n')
}

/** Comments around the part of a document that a command writes. */
export interface Marks {
  readonly begin: string
  readonly end: string
}

/** `document` with `text` and empty lines around it between its two marks. Throws like {@link replaceBetween}. */
export const replaceMarked = (document: string, marks: Marks, text: string): string =>
  replaceBetween(document, marks, `\n\n${text}\n\n`)

/**
 * `document` with exactly `inside` between its two marks; the text around them stays. Throws unless each mark appears
 * exactly once, so that nothing is lost.
 */
export function replaceBetween(document: string, { begin, end }: Marks, inside: string): string {
  const [before, rest, ...more] = document.split(begin)
  const [, after, ...others] = rest?.split(end) ?? []
  if (before === undefined || after === undefined || more.length + others.length > 0)
    throw new Error(`the document must hold "${begin}" and "${end}", once each and in this order`)
  return `${before}${begin}${inside}${end}${after}`
}
