/** Sections of SECURITY.md that promise nothing about the program. */
const withoutPromises = new Set(['Reporting'])

/** What SECURITY.md says, one statement each: rows of tables, and sentences of everything else. */
export function statementsOf(markdown: string): readonly string[] {
  return markdown
    .split(/^## /m)
    .slice(1)
    .filter((section) => !withoutPromises.has(section.split('\n', 1)[0] ?? ''))
    .flatMap((section) => section.split('\n').slice(1))
    .filter((line) => line.trim() !== '' && !/^\|(?:-|\s*(?:who|what) \|)/.test(line))
    .flatMap((line) => (line.startsWith('|') ? [line] : sentencesOf(line.replace(/^- /, ''))))
}

const sentencesOf = (line: string): string[] =>
  line.split(/(?<=[.:] |\.\*\* )(?=[A-Z`*])/).map((text) => text.trim())
