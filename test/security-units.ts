/** Sections of SECURITY.md without promises about the program. */
const withoutPromises = new Set(['Reporting'])

/** The statements of SECURITY.md: table rows, and the sentences of everything else. */
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
