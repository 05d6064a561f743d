import type { Span } from './source.ts'

/**
 * The span that the comment at `offset` applies to. Unindented: the whole file. Indented on its own line: the next
 * line and everything indented below it. After a value: that line and everything below it.
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
    // A list may have the same indentation as its key.
    const below = own > indent || (own === indent && !isItem && startsItem(text, end + own))
    if (!below) break
    end = nextLine(text, end)
  }
  return { offset: anchor, end }
}

/** The start of the next line, after the one at `from`, that is neither empty nor a comment. */
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
