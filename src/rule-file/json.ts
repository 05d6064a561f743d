/**
 * Parses JSON. A text that JSON.parse rejects is never read. jsonc-parser adds positions, duplicate keys (JSON.parse
 * silently takes the last one) and the kinds of errors, because the messages of JSON.parse change with Node versions.
 */

import { createScanner, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { quoted } from '../text/visible.ts'
import {
  errorAt,
  maxDepth,
  type Problem,
  type Source,
  type SourceEntry,
  type SourceNode,
  unreadable,
} from './source.ts'

export function readJson(text: string, deepest = maxDepth): Source {
  const deep = tooDeep(text, deepest)
  // The text before that place is parsed all the same: too much nesting may be the consequence of a missing bracket.
  const parsed = deep === undefined ? text : text.slice(0, deep.offset)
  const errors: ParseError[] = []
  const tree = parseTree(parsed, errors, { disallowComments: true })
  const [first] = errors
  if (deep !== undefined && (first === undefined || first.offset >= deep.offset)) return unreadable(deep)
  if (first !== undefined || tree === undefined || !isJson(text))
    return unreadable(first === undefined ? unknownMistake : syntaxProblem(first, text))
  return { root: toNode(tree, text), problems: [], comments: [] }
}

/**
 * jsonc-parser and `toNode` are recursive, so deep nesting would overflow the stack. Counts with the scanner of
 * jsonc-parser, and as its parser does, which goes on after mistakes: only the right bracket closes a list or mapping.
 */
function tooDeep(text: string, deepest: number): Problem | undefined {
  const scanner = createScanner(text, true)
  const closing: string[] = []
  for (scanner.scan(); scanner.getTokenOffset() < text.length; scanner.scan()) {
    const at = scanner.getTokenOffset()
    const character = text[at]
    if (character === '{') closing.push('}')
    else if (character === '[') closing.push(']')
    else if (character === closing.at(-1)) closing.pop()
    if (closing.length > deepest) return errorAt(at, at + 1, 'too-deep', `nesting deeper than ${deepest}`)
  }
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

const unknownMistake = errorAt(0, 1, 'json-syntax', 'this is not JSON (RFC 8259)')

function toNode(node: Node, text: string): SourceNode {
  const { offset, length, children = [] } = node
  const span = { offset, end: offset + length }
  switch (node.type) {
    case 'array':
      return { kind: 'list', items: children.map((child) => toNode(child, text)), ...span }
    case 'object':
      return { kind: 'map', entries: children.map((property) => toEntry(property, text)), ...span }
    default:
      // Parsed by JSON.parse, so that jsonc-parser's reading of numbers and escapes is never used.
      return { kind: 'scalar', value: scalarIn(text.slice(span.offset, span.end)), ...span }
  }
}

function toEntry({ children = [] }: Node, text: string): SourceEntry {
  const [key, value] = children
  if (key === undefined || value === undefined) throw new Error('a property of JSON has a key and a value')
  const keySpan = { offset: key.offset, end: key.offset + key.length }
  return {
    key: String(scalarIn(text.slice(keySpan.offset, keySpan.end))),
    keySpan,
    value: toNode(value, text),
  }
}

function scalarIn(text: string): string | number | boolean | null {
  const value: unknown = JSON.parse(text)
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null
}

/** Keyed by jsonc-parser's name of the error. */
const messages: Readonly<Record<string, string>> = {
  InvalidCommentToken: 'JSON has no comments: remove it, or write the file in YAML',
  UnexpectedEndOfComment: 'JSON has no comments: remove it, or write the file in YAML',
  UnexpectedEndOfString:
    'the text has no closing quote on this line: add a double quote, or write line breaks as \\n',
  InvalidCharacter: 'control character in a text: write a tab as \\t',
  InvalidEscapeCharacter: 'invalid escape: write a backslash as \\\\',
  InvalidUnicode: '\\u needs four hexadecimal digits',
  UnexpectedEndOfNumber: 'the number is incomplete',
  PropertyNameExpected: 'expected a key in double quotes',
  ValueExpected: 'expected a value',
  ColonExpected: 'expected a colon after the key',
  CommaExpected: 'a comma is missing before this',
  CloseBraceExpected: 'expected a comma or }',
  CloseBracketExpected: 'expected a comma or ]',
  EndOfFileExpected: 'text after the end of the document: one document per file',
}

/** Errors that mean an unquoted word, or a number that is not JSON. */
const wordMistakes: ReadonlySet<string> = new Set([
  'InvalidSymbol',
  'InvalidNumberFormat',
  'UnexpectedEndOfNumber',
  'PropertyNameExpected',
  'ValueExpected',
  'CommaExpected',
])

function syntaxProblem({ error, offset, length }: ParseError, text: string): Problem {
  const name = printParseErrorCode(error)
  const rest = text.slice(offset, offset + Math.max(1, length))
  const at = (message: string, from = offset): Problem =>
    errorAt(from, Math.min(from + 1, text.length), 'json-syntax', message)
  const comma = /,\s*$/.exec(text.slice(0, offset))
  if (comma !== null && /^[}\]]/.test(rest)) return at(`remove the comma before ${rest[0]}`, comma.index)
  if (offset >= text.trimEnd().length) return at(`the file ends too early: ${messages[name]}`)
  if (rest.startsWith("'")) return at('use double quotes')
  if (rest.startsWith('#')) return at('JSON has no comments: remove it, or write the file in YAML')
  const before = /[\w$+.-]*$/.exec(text.slice(Math.max(0, offset - 80), offset))?.[0] ?? ''
  const start = offset - before.length
  const word = /^[\w$+.-]+/.exec(text.slice(start, offset + 80))?.[0]
  if (word === undefined || !wordMistakes.has(name))
    return at(messages[name] ?? 'this is not JSON (RFC 8259)')
  return at(
    /^[-+.\d]/.test(word)
      ? `${quoted(word)} is not a JSON number`
      : `${quoted(word)}: text needs double quotes`,
    start,
  )
}
