/**
 * A strict JSON reader (RFC 8259) that knows where every value stands and keeps duplicate keys apart. JSON.parse tells
 * neither, takes the last of two equal keys without a word, and words its errors differently in every version of Node.
 */

import { quoted } from './entry.ts'
import {
  errorAt,
  maxDepth,
  type Problem,
  type Source,
  type SourceEntry,
  type SourceNode,
  type Span,
  unreadable,
} from './source.ts'

/** Thrown inside this file only, and caught in {@link readJson}: a reader of nested values has one way out. */
class JsonDefect extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.message)
    this.problem = problem
  }
}

export function readJson(text: string): Source {
  const cursor: Cursor = { text, at: 0 }
  try {
    const root = readValue(cursor, 0)
    skipSpace(cursor)
    if (cursor.at < text.length) fail(cursor, 'text after the end of the document: one document per file')
    return { root, problems: [], comments: [] }
  } catch (error) {
    if (error instanceof JsonDefect) return unreadable(error.problem)
    throw error
  }
}

interface Cursor {
  readonly text: string
  at: number
}

function fail(cursor: Cursor, message: string, offset = cursor.at, code = 'json-syntax'): never {
  throw new JsonDefect(errorAt(offset, Math.min(offset + 1, cursor.text.length), code, message))
}

function skipSpace(cursor: Cursor): void {
  while (isSpace(cursor.text.charCodeAt(cursor.at))) cursor.at++
}

const isSpace = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09

function readValue(cursor: Cursor, depth: number): SourceNode {
  skipSpace(cursor)
  if (depth > maxDepth) fail(cursor, `nesting deeper than ${maxDepth}`, cursor.at, 'too-deep')
  switch (cursor.text[cursor.at]) {
    case '{':
      return readMap(cursor, depth)
    case '[':
      return readList(cursor, depth)
    case '"': {
      const { value, offset, end } = readString(cursor)
      return { kind: 'scalar', value, offset, end }
    }
    default:
      return readLiteral(cursor)
  }
}

function readMap(cursor: Cursor, depth: number): SourceNode {
  const offset = cursor.at++
  const entries: SourceEntry[] = []
  while (!closes(cursor, '}', entries.length > 0)) {
    if (cursor.text[cursor.at] !== '"') fail(cursor, expected(cursor, 'a key in double quotes'))
    const { value: key, ...keySpan } = readString(cursor)
    skipSpace(cursor)
    if (cursor.text[cursor.at] !== ':') fail(cursor, expected(cursor, 'a colon after the key'))
    cursor.at++
    entries.push({ key, keySpan, value: readValue(cursor, depth + 1) })
  }
  return { kind: 'map', entries, offset, end: cursor.at }
}

function readList(cursor: Cursor, depth: number): SourceNode {
  const offset = cursor.at++
  const items: SourceNode[] = []
  while (!closes(cursor, ']', items.length > 0)) items.push(readValue(cursor, depth + 1))
  return { kind: 'list', items, offset, end: cursor.at }
}

/** Whether the collection ends here; else steps over the comma that must follow an item. */
function closes(cursor: Cursor, bracket: '}' | ']', hasItems: boolean): boolean {
  skipSpace(cursor)
  if (cursor.text[cursor.at] === bracket) {
    cursor.at++
    return true
  }
  if (!hasItems) return false
  if (cursor.text[cursor.at] !== ',') fail(cursor, expected(cursor, `a comma or ${bracket}`))
  const comma = cursor.at++
  skipSpace(cursor)
  if (cursor.text[cursor.at] === bracket) fail(cursor, `no comma before ${bracket}`, comma)
  return false
}

/** What stands here instead, with the remedy where the mistake is a known one. */
function expected(cursor: Cursor, what: string): string {
  const rest = cursor.text.slice(cursor.at, cursor.at + 16)
  if (rest === '') return `the file ends where ${what} is expected`
  if (rest.startsWith("'")) return 'use double quotes'
  if (/^(?:\/[/*]|#)/.test(rest)) return 'JSON has no comments: remove it, or write the file in YAML'
  return `expected ${what}, found ${JSON.stringify([...rest][0])}`
}

/** A JSON string without escapes is taken as it stands; the escapes are left to JSON.parse, which reads them right. */
function readString(cursor: Cursor): Span & { readonly value: string } {
  const { text } = cursor
  const offset = cursor.at++
  let escaped = false
  for (;;) {
    const code = text.charCodeAt(cursor.at)
    if (Number.isNaN(code)) fail(cursor, 'the text is not closed: a double quote is missing', offset)
    if (code < 0x20) fail(cursor, 'a line break or tab inside a text: write \\n or \\t, or close the quotes')
    cursor.at++
    if (code === 0x22) break
    if (code !== 0x5c) continue
    escaped = true
    const sequence = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(cursor.at, cursor.at + 5))
    if (sequence === null) fail(cursor, 'a backslash that escapes nothing: write \\\\', cursor.at - 1)
    cursor.at += sequence[0].length
  }
  const written = text.slice(offset, cursor.at)
  return { value: escaped ? String(JSON.parse(written)) : written.slice(1, -1), offset, end: cursor.at }
}

const number = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const word = /[\w$+.-]+/y

function readLiteral(cursor: Cursor): SourceNode {
  const { text, at: offset } = cursor
  word.lastIndex = offset
  const found = word.exec(text)?.[0] ?? ''
  if (found === '') fail(cursor, expected(cursor, 'a value'))
  const span = { offset, end: offset + found.length }
  cursor.at = span.end
  if (found === 'true' || found === 'false') return { kind: 'scalar', value: found === 'true', ...span }
  if (found === 'null') return { kind: 'scalar', value: null, ...span }
  number.lastIndex = offset
  if (number.exec(text)?.[0] === found) return { kind: 'scalar', value: Number(found), ...span }
  return fail(
    cursor,
    /^[-+.\d]/.test(found)
      ? `${quoted(found)} is not a JSON number`
      : `${quoted(found)}: text stands in double quotes`,
    offset,
  )
}
