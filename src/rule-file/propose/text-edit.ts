import type { SourceNode, Span } from '../source.ts'

/** Replaces a span of the old text by `text`. */
export interface TextEdit extends Span {
  readonly text: string
}

export const insertAt = (offset: number, text: string): TextEdit => ({ offset, end: offset, text })

/** Applies all edits at once. They must not overlap. Edits at the same position keep their order. */
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

/** The end of the line that contains `offset`, before the line break. */
export function lineEnd(text: string, offset: number): number {
  const feed = text.indexOf('\n', offset)
  const end = feed < 0 ? text.length : feed
  return end > offset && text[end - 1] === '\r' ? end - 1 : end
}

/** The line break that the text uses. */
export const newlineOf = (text: string): string => (text.includes('\r\n') ? '\r\n' : '\n')

/** The whitespace before `offset`, if nothing else precedes it on its line. */
export function ownIndent(text: string, offset: number): string | undefined {
  const before = text.slice(lineStart(text, offset), offset)
  return /^[ \t]*$/.test(before) ? before : undefined
}

/** The end of the last value in `node`. A block collection's own end may include comments that follow it. */
export function lastEnd(text: string, node: SourceNode): number {
  if (node.kind === 'scalar' || /[[{]/.test(text[node.offset] ?? '')) return node.end
  const entry = node.kind === 'map' ? node.entries.at(-1) : undefined
  const last = node.kind === 'list' ? node.items.at(-1) : entry?.value
  // An alias is located at its key; its value is elsewhere.
  if (last === undefined || last.offset < node.offset)
    return entry?.keySpan.end ?? text.slice(0, node.end).trimEnd().length
  return entry !== undefined && last.offset < entry.keySpan.end ? entry.keySpan.end : lastEnd(text, last)
}

/** The dash of an item of a block list; -1 for an item without one. */
export function dashBefore(text: string, item: SourceNode): number {
  const dash = text.lastIndexOf('-', item.offset - 1)
  return dash >= 0 && text.slice(dash + 1, item.offset).trim() === '' ? dash : -1
}

/** The first of the comment lines directly above the line at `start`: they describe that line. */
export function withComments(text: string, start: number): number {
  let first = start
  while (first > 0) {
    const above = lineStart(text, first - 1)
    if (!/^[ \t]*#/.test(text.slice(above, first))) break
    first = above
  }
  return first
}
