import type { Finding } from '../src/plan/finding.ts'
import type { Severity } from '../src/rule-file/lint/codes.ts'
import { dotted, visible, visibleJson, visibleLines } from '../src/text/visible.ts'
import { paint } from './paint.ts'

export const findingFormats = ['text', 'json', 'github', 'sarif'] as const
export type FindingFormat = (typeof findingFormats)[number]

/**
 * `file:line:column: severity code: message`, followed by the line of the file with the place underlined, if its
 * text is known. Colour is for terminals only, so that scripts can parse the first line.
 */
export function findingText(finding: Finding, text: string | undefined, colour: boolean): string {
  const { file, line, column, severity, code, message } = finding
  const { strong, faint, ...colours } = paint(colour)
  const coloured = colours[severityColour[severity]]
  const place = strong(`${visible(file)}:${line}:${column}:`)
  const head = `${place} ${coloured(severity)} ${faint(visible(code))}: ${visible(message)}\n`
  const source = text?.replace(/^\ufeff/, '').split(/\r?\n/)[line - 1]
  if (source === undefined || source.trim() === '') return head
  const { excerpt, from, length } = excerptOf(source, column - 1)
  const marked = excerpt.slice(from, from + length) || ' '
  const mark = below(excerpt.slice(0, from), ' ', wideSpace) + below(marked, '^', '^^')
  return `${head}  ${excerpt.trimEnd()}\n  ${coloured(mark)}\n`
}

export function findingsJson(findings: readonly Finding[]): string {
  const plain = findings.map(({ file, line, column, severity, code, message }) => ({
    file,
    line,
    column,
    severity,
    code,
    message,
  }))
  return `${visibleJson(JSON.stringify(plain, null, 2))}\n`
}

const commands: Readonly<Record<Severity, string>> = { error: 'error', warning: 'warning', info: 'notice' }

/** A GitHub workflow command, shown as an annotation at the line. */
export function findingAnnotation({ file, line, column, severity, code, message }: Finding): string {
  const place = `file=${property(file)},line=${line},col=${column},title=${property(code)}`
  return `::${commands[severity]} ${place}::${data(message)}\n`
}

const data = (text: string): string =>
  visibleLines(text).replaceAll('%', '%25').replaceAll('\r', '%0D').replaceAll('\n', '%0A')

const property = (text: string): string => data(text).replaceAll(':', '%3A').replaceAll(',', '%2C')

const severityColour = { error: 'bad', warning: 'warn', info: 'note' } as const satisfies Record<
  Severity,
  string
>

const wideSpace = '\u3000'

/** Filler as wide as `text`: ideographs and their punctuation take two terminal columns. */
const below = (text: string, narrow: string, wide: string): string =>
  text
    .replace(
      /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g,
      '\0',
    )
    .replace(/[^\0]/g, narrow)
    .replaceAll('\0', wide)

const widest = 120

function excerptOf(source: string, at: number): { excerpt: string; from: number; length: number } {
  const start = at < widest - 20 ? 0 : at - 40
  const window = source.slice(start, start + widest)
  const length = Math.min(markedLength(source, at), Math.max(1, window.length - (at - start)))
  // Both replacements keep the number of UTF-16 units, so that the mark is below its place.
  const excerpt = dotted(window.replace(/\t/g, ' '))
  return { excerpt, from: at - start, length }
}

/** The length of the word, quoted text, list or comment that starts at `at`. */
function markedLength(source: string, at: number): number {
  const rest = source.slice(at)
  const found = /^(?:"(?:[^"\\]|\\.)*"|'[^']*'|<\/?[\w:.-]*|\[[^\]]*\]?|#.*|[^\s,[\]{}<"']+)/.exec(rest)
  return Math.max(1, found?.[0].replace(/:$/, '').length ?? 1)
}
