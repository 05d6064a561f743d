/**
 * A fast reader for the YAML that rule files are mostly written in: block mappings and lists, one-line flow lists and
 * mappings, plain and simply quoted values, comments. It takes some twentieth of the time that the yaml package needs,
 * which is what makes ten thousand buckets start in seconds. Whatever is not beyond doubt (an anchor, a tag, an escape,
 * a value over several lines, any mistake) is left to that package: the answer is then `undefined`. A property test
 * holds the two to the same values at the same places.
 */

import { type Comment, maxDepth, type SourceEntry, type SourceNode } from './source.ts'

interface PlainYaml {
  readonly root: SourceNode
  readonly comments: readonly PlainComment[]
}

/** A comment with its hash sign. */
export type PlainComment = Pick<Comment, 'offset' | 'end' | 'text'>

/** A line that holds more than a comment. `start` and `end` are offsets in the text, without layout and comment. */
interface Line {
  readonly indent: number
  readonly start: number
  readonly end: number
}

/** Not this reader's business; never leaves this file. */
const beyond = Symbol('beyond')

export function readPlainYaml(text: string): PlainYaml | undefined {
  // Tabs and carriage returns are legal in places, and not worth the doubt.
  if (text.includes('\t') || text.includes('\r')) return undefined
  const reader: Reader = { text, lines: [], next: 0, comments: [] }
  try {
    readLines(reader)
    const first = reader.lines[0]
    if (first === undefined || first.indent !== 0) return undefined
    const root = readBlock(reader, first.indent, 0)
    return reader.next === reader.lines.length ? { root, comments: reader.comments } : undefined
  } catch (reason) {
    if (reason === beyond) return undefined
    throw reason
  }
}

interface Reader {
  readonly text: string
  readonly lines: Line[]
  /** Index of the line to be read next. */
  next: number
  readonly comments: PlainComment[]
}

function leave(): never {
  throw beyond
}

function readLines(reader: Reader): void {
  const { text, lines, comments } = reader
  const hasComments = text.includes('#')
  for (let from = 0; from < text.length; ) {
    const feed = text.indexOf('\n', from)
    const to = feed < 0 ? text.length : feed
    let start = from
    while (text.charCodeAt(start) === 0x20) start++
    const hash = hasComments ? commentStart(text, start, to) : to
    if (hash < to) comments.push({ text: text.slice(hash, to), offset: hash, end: to })
    let end = Math.min(hash, to)
    while (end > start && text.charCodeAt(end - 1) === 0x20) end--
    if (end > start) lines.push({ indent: start - from, start, end })
    from = to + 1
  }
}

/** The offset of the `#` that begins a comment in `[start, to)`, else `to`. Quotes are honoured where a value can begin. */
function commentStart(text: string, start: number, to: number): number {
  for (let at = start; at < to; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x23 && (at === start || text.charCodeAt(at - 1) === 0x20)) return at
    if (code !== 0x22 && code !== 0x27) continue
    const close = text.indexOf(code === 0x22 ? '"' : "'", at + 1)
    if (close < 0 || close >= to) leave()
    at = close
  }
  return to
}

function readBlock(reader: Reader, indent: number, depth: number): SourceNode {
  if (depth > maxDepth) leave()
  const line = reader.lines[reader.next]
  if (line === undefined || line.indent !== indent) leave()
  return isItem(reader.text, line)
    ? readItems(reader, indent, depth)
    : readEntries(reader, indent, line, depth)
}

const isItem = (text: string, line: Line): boolean =>
  text.charCodeAt(line.start) === 0x2d &&
  (line.end === line.start + 1 || text.charCodeAt(line.start + 1) === 0x20)

function readItems(reader: Reader, indent: number, depth: number): SourceNode {
  const { text, lines } = reader
  const offset = lines[reader.next]?.start ?? 0
  const items: SourceNode[] = []
  for (;;) {
    const line = lines[reader.next]
    if (line === undefined || line.indent !== indent || !isItem(text, line)) break
    let start = line.start + 1
    while (start < line.end && text.charCodeAt(start) === 0x20) start++
    // An item that begins on a later line, or is itself a list, is rare enough.
    if (start >= line.end) leave()
    const rest: Line = { indent: indent + start - line.start, start, end: line.end }
    if (isItem(text, rest)) leave()
    if (keyEnd(text, rest.start) >= 0) items.push(readEntries(reader, rest.indent, rest, depth + 1))
    else items.push(readValueOfLine(reader, rest, start, indent, depth + 1))
  }
  return { kind: 'list', items, offset, end: items.at(-1)?.end ?? offset }
}

/** Reads the mapping whose first line is `first`: the line itself, or what follows the dash on it. */
function readEntries(reader: Reader, indent: number, first: Line, depth: number): SourceNode {
  if (depth > maxDepth) leave()
  const { text, lines } = reader
  const entries: SourceEntry[] = []
  for (
    let line: Line | undefined = first;
    line !== undefined && line.indent === indent;
    line = lines[reader.next]
  ) {
    const colon = keyEnd(text, line.start)
    if (colon < 0) leave()
    const keySpan = { offset: line.start, end: colon }
    let start = colon + 1
    while (start < line.end && text.charCodeAt(start) === 0x20) start++
    const value =
      start < line.end
        ? readValueOfLine(reader, line, start, indent, depth + 1)
        : readBelow(reader, indent, depth + 1)
    entries.push({ key: text.slice(line.start, colon), keySpan, value })
  }
  return {
    kind: 'map',
    entries,
    offset: first.start,
    end: entries.at(-1)?.value.end ?? first.start,
  }
}

/** What stands below a key: a deeper block, or a list that is no deeper than its key. */
function readBelow(reader: Reader, indent: number, depth: number): SourceNode {
  reader.next++
  const below = reader.lines[reader.next]
  // A key without a value is null, or an oversight: not this reader's to tell.
  if (below === undefined || below.indent < indent) leave()
  if (below.indent === indent && !isItem(reader.text, below)) leave()
  return readBlock(reader, below.indent, depth)
}

function readValueOfLine(
  reader: Reader,
  line: Line,
  start: number,
  indent: number,
  depth: number,
): SourceNode {
  const cursor: Cursor = { text: reader.text, at: start, end: line.end }
  const value = readValue(cursor, depth, false)
  if (cursor.at !== line.end) leave()
  reader.next++
  const following = reader.lines[reader.next]
  // A deeper line would go on with this value, or be a mistake.
  if (following !== undefined && following.indent > indent) leave()
  return value
}

interface Cursor {
  readonly text: string
  readonly end: number
  at: number
}

/** For each ASCII character whether `pattern` matches it. A table takes a fraction of the time of an expression. */
const characters = (pattern: RegExp): Uint8Array =>
  Uint8Array.from({ length: 128 }, (_, code) => Number(pattern.test(String.fromCharCode(code))))

const keyStart = characters(/[A-Za-z$_]/)
const keyPart = characters(/[A-Za-z0-9$_-]/)

/** The offset of the colon that ends the key at `start`, -1 when there is no such key. */
function keyEnd(text: string, start: number): number {
  if (keyStart[text.charCodeAt(start)] !== 1) return -1
  let at = start + 1
  while (keyPart[text.charCodeAt(at)] === 1) at++
  if (text.charCodeAt(at) !== 0x3a) return -1
  const after = text.charCodeAt(at + 1)
  return after === 0x20 || after === 0x0a || at + 1 === text.length ? at : -1
}

function readValue(cursor: Cursor, depth: number, inFlow: boolean): SourceNode {
  if (depth > maxDepth) leave()
  switch (cursor.text[cursor.at]) {
    case '[':
      return readFlowList(cursor, depth)
    case '{':
      return readFlowMap(cursor, depth)
    case '"':
    case "'":
      return readQuoted(cursor)
    default:
      return readPlain(cursor, inFlow)
  }
}

function readFlowList(cursor: Cursor, depth: number): SourceNode {
  const offset = cursor.at++
  const items: SourceNode[] = []
  while (!closes(cursor, ']', items.length > 0)) items.push(readValue(cursor, depth + 1, true))
  return { kind: 'list', items, offset, end: cursor.at }
}

function readFlowMap(cursor: Cursor, depth: number): SourceNode {
  const offset = cursor.at++
  const entries: SourceEntry[] = []
  while (!closes(cursor, '}', entries.length > 0)) {
    const colon = keyEnd(cursor.text, cursor.at)
    if (colon < 0 || colon + 1 >= cursor.end) leave()
    const keySpan = { offset: cursor.at, end: colon }
    cursor.at = colon + 1
    skipSpaces(cursor)
    const value = readValue(cursor, depth + 1, true)
    entries.push({ key: cursor.text.slice(keySpan.offset, keySpan.end), keySpan, value })
  }
  return { kind: 'map', entries, offset, end: cursor.at }
}

function closes(cursor: Cursor, bracket: ']' | '}', hasItems: boolean): boolean {
  skipSpaces(cursor)
  if (cursor.at >= cursor.end) leave()
  if (cursor.text[cursor.at] === bracket) {
    cursor.at++
    return true
  }
  if (!hasItems) return false
  if (cursor.text[cursor.at] !== ',') leave()
  cursor.at++
  skipSpaces(cursor)
  // A comma before the bracket is legal in YAML.
  if (cursor.text[cursor.at] === bracket) leave()
  return false
}

function skipSpaces(cursor: Cursor): void {
  while (cursor.at < cursor.end && cursor.text.charCodeAt(cursor.at) === 0x20) cursor.at++
}

function readQuoted(cursor: Cursor): SourceNode {
  const { text, at: offset } = cursor
  const quote = text[offset] ?? ''
  const close = text.indexOf(quote, offset + 1)
  if (close < 0 || close >= cursor.end) leave()
  const value = text.slice(offset + 1, close)
  // Escapes, and a quoted key.
  if ((quote === '"' && value.includes('\\')) || text[close + 1] === quote || text[close + 1] === ':') leave()
  cursor.at = close + 1
  return { kind: 'scalar', value, offset, end: cursor.at }
}

/** Nothing here has a meaning in YAML, but for a colon, which has none unless a space or the end follows. */
const plainStart = characters(/[A-Za-z0-9_/]/)
const plainPart = characters(/[A-Za-z0-9._/+*~-]/)
const plainAfterColon = characters(/[A-Za-z0-9._/*-]/)

/** The end of the plain text that begins at `start`; `start` itself when there is none. */
function plainEnd(text: string, start: number): number {
  if (plainStart[text.charCodeAt(start)] !== 1) return start
  for (let at = start + 1; ; at++) {
    const code = text.charCodeAt(at)
    const isPart = plainPart[code] === 1 || (code === 0x3a && plainAfterColon[text.charCodeAt(at + 1)] === 1)
    if (!isPart) return at
  }
}

const decimal = /^(?:0|[1-9][0-9]{0,14})$/

function readPlain(cursor: Cursor, inFlow: boolean): SourceNode {
  const { text, at: offset } = cursor
  const end = plainEnd(text, offset)
  if (end === offset) leave()
  const after = text.charCodeAt(end)
  if (end < cursor.end && !(inFlow && (after === 0x20 || after === 0x2c || after === 0x5d || after === 0x7d)))
    leave()
  cursor.at = end
  if (inFlow) skipSpaces(cursor)
  return { kind: 'scalar', value: resolve(text.slice(offset, end)), offset, end }
}

/** YAML 1.2.2 core schema, section 10.3.2: what could be more than text is decided only when it is plainly so. */
function resolve(text: string): string | number | boolean | null {
  const code = text.charCodeAt(0)
  if (code >= 0x30 && code <= 0x39) {
    if (decimal.test(text)) return Number(text)
    // 0o17, 0x1f, 0600, 1e3, 1.5: the package knows. An address or a date is text.
    return /^(?:0[ox].*|[0-9]+\.?[0-9]*(?:[eE][-+]?[0-9]+)?)$/.test(text) ? leave() : text
  }
  if (text.length > 'false'.length) return text
  if (text === 'true' || text === 'false') return text === 'true'
  if (text === 'null') return null
  return /^(?:true|false|null)$/i.test(text) ? leave() : text
}
