import type { Span } from './source.ts'

/**
 * What the comment at `offset` of a YAML text is about. At the start of a line: the whole file. Indented, on a line of
 * its own: the line that follows, with all that is indented below it. Behind a value: that line, with all below it.
 */
export function coverageOf(text: string, offset: number): Span {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  if (start === offset) return { offset: 0, end: text.length + 1 }
  const alone = text.slice(start, offset).trim() === ''
  const anchor = alone ? nextLine(text, start) : start
  if (anchor >= text.length) return { offset, end: offset }
  const indent = indentOf(text, anchor)
  const isItem = startsItem(text, anchor + indent)
  let end = nextLine(text, anchor)
  while (end < text.length) {
    const own = indentOf(text, end)
    // A list may stand no deeper than its key.
    const below = own > indent || (own === indent && !isItem && startsItem(text, end + own))
    if (!below) break
    end = nextLine(text, end)
  }
  return { offset: anchor, end }
}

/** The start of the next line after the one at `from` that holds more than a comment. */
function nextLine(text: string, from: number): number {
  for (let feed = text.indexOf('\n', from); feed >= 0; feed = text.indexOf('\n', feed + 1)) {
    const start = feed + 1
    const first = text[start + indentOf(text, start)]
    if (first !== '#' && first !== '\n' && first !== '\r' && first !== undefined) return start
  }
  return text.length
}

function indentOf(text: string, start: number): number {
  let at = start
  while (text.charCodeAt(at) === 0x20) at++
  return at - start
}

const startsItem = (text: string, at: number): boolean => text[at] === '-' && /\s|^$/.test(text[at + 1] ?? '')
