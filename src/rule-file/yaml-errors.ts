/** The complaints of the yaml package, in words that say what to do. */

import type { Document, ParsedNode, YAMLError } from 'yaml'
import { quoted } from '../text/visible.ts'
import { createLineIndex, errorAt, type Problem, type Span } from './source.ts'

export type YamlDocument = Document.Parsed<ParsedNode>

/** Syntax errors told of one file: what follows the first few is mostly their echo. */
const maxSyntaxErrors = 20

/** What keeps `document` from being read, unquoted asterisks left out, and that a `second` one follows it. */
export function syntaxProblems(
  document: YamlDocument | undefined,
  second: YamlDocument | undefined,
  text: string,
): Problem[] {
  const lineOf = createLineIndex(text)
  const byLine = new Map<number, Problem>()
  for (const error of document?.errors ?? []) {
    if (isStarAlias(error, text)) continue
    const problem = toProblem(error, text)
    const { line } = lineOf(problem.offset)
    if (!byLine.has(line)) byLine.set(line, problem)
    if (byLine.size === maxSyntaxErrors) break
  }
  const found = [...byLine.values()]
  if (second === undefined) return found
  const offset = second.range[0]
  const marker = text.lastIndexOf('---', offset)
  const from = marker < 0 ? offset : marker
  return [
    ...found,
    errorAt(
      from,
      from + 3,
      'yaml-multiple-documents',
      'a second document begins here: one document per file, remove the "---"',
    ),
  ]
}

/** An asterisk that is no alias does not keep the rest from being read: it is told of where it is met. */
const isStarAlias = ({ code, pos }: YAMLError, text: string): boolean =>
  code === 'BAD_ALIAS' && text[pos[0]] === '*'

/** What the package says, by the start of its message, and what to write instead. */
const remedies: readonly (readonly [message: string, remedy: string])[] = [
  ['Plain value cannot start with', 'this character has a meaning in YAML: put the value in quotes'],
  ['Block scalar header', 'this character has a meaning in YAML: put the value in quotes'],
  ['Anchor', 'an & begins an anchor in YAML: put the value in quotes'],
  ['Unexpected block-seq-ind on same line', 'a list begins on the next line, below its key'],
  ['Missing , or : between', 'a comma is missing before this'],
  ['Implicit map keys need', 'a key without a value: write a colon and a space after it'],
  ['Implicit keys need', 'a key without a value: write a colon and a space after it'],
  ['Unexpected flow-seq-end', 'this ] closes nothing: remove it'],
  ['Unexpected flow-map-end', 'this } closes nothing: remove it'],
  ['Unexpected', 'only a comment can follow on this line: remove it, or mend the indentation'],
  [
    'Flow sequence in block',
    'close the list before this line with ], or indent the line deeper than its key',
  ],
  ['Flow map in block', 'close the mapping before this line with }, or indent the line deeper than its key'],
  ['Flow sequence must end', 'close the list with ]'],
  ['Flow map must end', 'close the mapping with }'],
  ['Invalid escape sequence', 'a backslash that escapes nothing: write \\\\, or use single quotes'],
]

/** The package may quote the text in its message, which can be anything. */
const sentence = (message: string): string =>
  remedies.find(([start]) => message.startsWith(start))?.[1] ??
  quoted(message.split('\n')[0] ?? '')
    .slice(1, -1)
    .replaceAll('\\"', '"')

function toProblem({ code, message, pos }: YAMLError, text: string): Problem {
  const [offset, end] = pos
  const at = (name: string, words: string): Problem => errorAt(offset, Math.max(end, offset + 1), name, words)
  switch (code) {
    case 'TAB_AS_INDENT':
      return at('yaml-tab-indent', 'tabs cannot indent YAML: use spaces')
    case 'BAD_INDENT':
      if (message.startsWith('Flow')) return at('yaml-syntax', sentence(message))
      return badIndent(offset, text)
    case 'BAD_COLLECTION_TYPE':
    case 'BLOCK_IN_FLOW':
      return badIndent(offset, text)
    case 'BLOCK_AS_IMPLICIT_KEY':
      return at('yaml-nested-mapping', 'a second ": " on one line: put the value in quotes')
    case 'DUPLICATE_KEY':
      return at('duplicate-key', 'this key is given twice')
    case 'MISSING_CHAR':
      // A key that is indented more than the list it should be in, less than the item.
      if (message.startsWith('Sequence item without')) return badIndent(offset, text)
      return at('yaml-syntax', sentence(message))
    default:
      return at('yaml-syntax', sentence(message))
  }
}

/** The place is that of the first word of the line: nobody sees spaces underlined. */
function badIndent(offset: number, text: string): Problem {
  const word = offset + (/^ */.exec(text.slice(offset, offset + 200))?.[0].length ?? 0)
  return errorAt(word, word + 1, 'yaml-bad-indent', 'the indentation does not fit the lines above')
}

/** A quote that opens and does not close takes in what follows, so that nothing behind it is worth telling. */
export const unclosedQuote = (offset: number): Problem =>
  errorAt(offset, offset + 1, 'yaml-syntax', 'this quote is not closed')

/** An unquoted `*`, the mistake that is made most. */
export function badAlias({ offset, end }: Span, source: string): Problem {
  const name = source.replace(/[\s,\]}].*$/s, '')
  return errorAt(
    offset,
    Math.max(offset + 1, end),
    'yaml-bad-alias',
    `quote the asterisk: ${quoted(name === '' ? '*' : name)} (an unquoted * starts a YAML alias)`,
  )
}
