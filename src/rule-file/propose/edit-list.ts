/** Rewrites a list of a rule file so that every item that stays keeps its bytes and the comments that belong to it. */

import type { SourceEntry, SourceList } from '../source.ts'
import {
  dashBefore,
  insertAt,
  lastEnd,
  lineEnd,
  lineStart,
  newlineOf,
  ownIndent,
  type TextEdit,
  withComments,
} from './text-edit.ts'

/** An item of the new list: the position of an item of the old one, or the text of a new one. */
export type Part = number | string

/**
 * `undefined` where the rewrite could lose a comment, or where an item of a block list does not start its line. `parts`
 * is not empty.
 */
export const rewriteList = (text: string, list: SourceList, parts: readonly Part[]): TextEdit | undefined =>
  text[list.offset] === '[' ? rewriteBrackets(text, list, parts) : rewriteBlock(text, list, parts)

/**
 * Replaces the list of `entry`, which may be on the lines below the key, with `[]`. The comments of its items go with
 * them. A comment behind the key is about the whole list and stays.
 */
export function emptyList(text: string, { keySpan, value }: SourceEntry): readonly TextEdit[] {
  const colon = text.indexOf(':', keySpan.end)
  const end = lastEnd(text, value)
  if (value.kind !== 'list' || text[value.offset] === '[') return [{ offset: colon + 1, end, text: ' []' }]
  const rest = text.slice(colon + 1, lineEnd(text, colon)).trimEnd()
  return [insertAt(colon + 1, ' []'), { offset: colon + 1 + rest.length, end: lineEnd(text, end), text: '' }]
}

function rewriteBlock(text: string, { items }: SourceList, parts: readonly Part[]): TextEdit | undefined {
  const dashes = items.map((item) => dashBefore(text, item))
  const [first] = dashes
  if (first === undefined || dashes.some((dash) => ownIndent(text, dash) === undefined)) return undefined
  const offset = withComments(text, lineStart(text, first))
  const ends = items.map((item) => lineEnd(text, lastEnd(text, item)))
  const pieces = ends.map((end, index) => text.slice(ends[index - 1] ?? offset, end).replace(/^\r?\n/, ''))
  const lead = `${' '.repeat(first - lineStart(text, first))}- `
  const lines = parts.map((part) => (typeof part === 'number' ? (pieces[part] ?? '') : lead + part))
  return { offset, end: ends.at(-1) ?? offset, text: lines.join(newlineOf(text)) }
}

function rewriteBrackets(text: string, list: SourceList, parts: readonly Part[]): TextEdit | undefined {
  const { items, offset, end } = list
  const printed = parts.map((part) =>
    typeof part === 'number' ? text.slice(items[part]?.offset, items[part]?.end) : part,
  )
  const [first, second] = items
  const last = items.at(-1)
  if (first === undefined || last === undefined) return { offset, end, text: `[${printed.join(', ')}]` }
  const gaps = items.slice(1).map((item, index) => text.slice(items[index]?.end, item.offset))
  const [head, tail] = [text.slice(offset + 1, first.offset), text.slice(last.end, end - 1)]
  if ([head, tail, ...gaps].some((gap) => gap.includes('#'))) return undefined
  const indent = ownIndent(text, first.offset)
  const alone = indent === undefined ? ', ' : `,${newlineOf(text)}${indent}`
  const separator = second === undefined ? alone : (gaps[0] ?? alone)
  return { offset, end, text: `[${head}${printed.join(separator)}${tail}]` }
}
