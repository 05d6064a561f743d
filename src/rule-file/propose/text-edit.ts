import type { SourceNode, Span } from '../source.ts'

/** `text` in place of a stretch of the old text. */
export interface TextEdit extends Span {
  readonly text: string
}

export const insertAt = (offset: number, text: string): TextEdit => ({ offset, end: offset, text })

/** Every edit at once; no two of them overlap. Edits at one place stand in the order of the list. */
export function applyEdits(text: string, edits: readonly TextEdit[]): string {
  let result = ''
  let from = 0
  for (const { offset, end, text: replacement } of edits.toSorted((a, b) => a.offset - b.offset)) {
    result += text.slice(from, offset) + replacement
    from = end
  }
  return result + text.slice(from)
}

export const lineStart = (text: string, offset: number): number => text.lastIndexOf('\n', offset - 1) + 1

/** Where the line that holds `offset` ends, before its line end. */
export function lineEnd(text: string, offset: number): number {
  const feed = text.indexOf('\n', offset)
  const end = feed < 0 ? text.length : feed
  return end > offset && text[end - 1] === '\r' ? end - 1 : end
}

/** The line end that the text uses. */
export const newlineOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** The white space before `offset`, where nothing else stands before it on its line. */
export function ownIndent(text: string, offset: number): string | undefined {
  const before = text.slice(lineStart(text, offset), offset)
  return /^[ \t]*$/.test(before) ? before : undefined
}

/** Where the last value in `node` ends: the end of a block collection can lie behind comments that follow it. */
export function lastEnd(text: string, node: SourceNode): number {
  if (node.kind === 'scalar' || /[[{]/.test(text[node.offset] ?? '')) return node.end
  const entry = node.kind === 'map' ? node.entries.at(-1) : undefined
  const last = node.kind === 'list' ? node.items.at(-1) : entry?.value
  // An alias stands where its key does, and its value elsewhere.
  if (last === undefined || last.offset < node.offset)
    return entry?.keySpan.end ?? text.slice(0, node.end).trimEnd().length
  return entry !== undefined && last.offset < entry.keySpan.end ? entry.keySpan.end : lastEnd(text, last)
}
