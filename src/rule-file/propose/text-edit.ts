import type { SourceNode, Span } from '../source.ts'

/** Replaces a span of the old text with `text`. */
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

/** The dash of an item of a block list; -1 for an item without one. Comments may stand between the two. */
export function dashBefore(text: string, item: SourceNode): number {
  let start = lineStart(text, item.offset)
  let line = text.slice(start, item.offset)
  while (start > 0 && /^\s*(?:#|$)/.test(line)) {
    const above = lineStart(text, start - 1)
    line = text.slice(above, start).trimEnd()
    start = above
  }
  const dash = line.search(/-[ \t]*(?:#.*)?$/)
  return dash < 0 ? -1 : start + dash
}

const forPrograms = /^#+\s*(?:cors-sidecar|yaml-language-server):[^\n]*\n/gim

/**
 * Where the comment lines directly above the line at `start` begin, because they describe that line; `start` if there are
 * none. Leaves out comments that describe the file: those at the top of a bare list, and, in every file, unindented
 * `cors-sidecar:` and `yaml-language-server:` comments.
 */
export function withComments(text: string, start: number): number {
  let first = start
  while (first > 0) {
    const above = lineStart(text, first - 1)
    if (!/^[ \t\uFEFF]*#/.test(text.slice(above, first))) break
    first = above
  }
  if (/^\s*(?:---\s*)?$/.test(text.slice(0, first))) return start
  const last = [...text.slice(first, start).matchAll(forPrograms)].at(-1)
  return last === undefined ? first : first + last.index + last[0].length
}

/**
 * Removes an item or entry in brackets or braces, between `before` and `next`. If a comment separates it from a neighbour,
 * removes only its own lines, including the comment after it; `undefined` if anything else is on those lines.
 */
export function removeBetween(
  text: string,
  before: Span | undefined,
  item: Span,
  next: Span | undefined,
): TextEdit | undefined {
  const [offset, end] =
    next === undefined ? [before?.end ?? item.offset, item.end] : [item.offset, next.offset]
  const gap = text.slice(offset, item.offset) + text.slice(item.end, end)
  if (!gap.includes('#')) return { offset, end, text: '' }
  const stop = lineEnd(text, item.end)
  const isAlone =
    ownIndent(text, item.offset) !== undefined && /^\s*,?\s*(?:#.*)?$/.test(text.slice(item.end, stop))
  return isAlone
    ? { offset: lineStart(text, item.offset), end: stop + breakAt(text, stop), text: '' }
    : undefined
}

/** The length of the line break at `offset`; 0 at the end of the text. */
export const breakAt = (text: string, offset: number): number =>
  /^\r?\n/.exec(text.slice(offset, offset + 2))?.[0].length ?? 0
