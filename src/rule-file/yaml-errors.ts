/** Rewords the errors of the yaml package so that they say what to do. */

import type { Document, ParsedNode, YAMLError } from 'yaml'
import { quoted } from '../text/visible.ts'
import type { ErrorCode } from './lint/codes.ts'
import { createLineIndex, errorAt, type Problem, type Span } from './source.ts'

export type YamlDocument = Document.Parsed<ParsedNode>

/** Syntax errors reported per file. Later ones are mostly consequences of the first. */
const maxSyntaxErrors = 20

/** The syntax errors of `document`, except unquoted asterisks, and one error if a `second` document follows. */
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
      'a second document starts here: a file has one document, remove the "---"',
    ),
  ]
}

/** Skipped, because the rest of the file can be read despite an unquoted asterisk. `yaml.ts` reports it. */
const isStarAlias = ({ code, pos }: YAMLError, text: string): boolean =>
  code === 'BAD_ALIAS' && text[pos[0]] === '*'

/** Replacements for the package's messages, found by their start: what to write instead. */
const remedies: readonly (readonly [message: string, remedy: string])[] = [
  ['Plain value cannot start with', 'this character has a meaning in YAML: put the value in quotes'],
  ['Block scalar header', 'this character has a meaning in YAML: put the value in quotes'],
  ['Anchor', 'an & starts an anchor in YAML: put the value in quotes'],
  ['Unexpected block-seq-ind on same line', 'start the list on the next line, below its key'],
  ['Missing , or : between', 'a comma is missing before this'],
  ['Implicit map keys need', 'a key without a value: write a colon and a space after it'],
  ['Implicit keys need', 'a key without a value: write a colon and a space after it'],
  ['Unexpected flow-seq-end', 'this ] closes nothing: remove it'],
  ['Unexpected flow-map-end', 'this } closes nothing: remove it'],
  ['Unexpected', 'unexpected text: remove it, or fix the indentation'],
  [
    'Flow sequence in block',
    'close the list before this line with ], or indent the line deeper than its key',
  ],
  ['Flow map in block', 'close the mapping before this line with }, or indent the line deeper than its key'],
  ['Flow sequence must end', 'close the list with ]'],
  ['Flow map must end', 'close the mapping with }'],
  ['Invalid escape sequence', 'invalid escape: write a backslash as \\\\, or use single quotes'],
]

/** The package's message may quote the text, so it is escaped. */
const sentence = (message: string): string =>
  remedies.find(([start]) => message.startsWith(start))?.[1] ??
  quoted(message.split('\n')[0] ?? '')
    .slice(1, -1)
    .replaceAll('\\"', '"')

function toProblem({ code, message, pos }: YAMLError, text: string): Problem {
  const [offset, end] = pos
  const at = (name: ErrorCode, words: string): Problem =>
    errorAt(offset, Math.max(end, offset + 1), name, words)
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
      return at('duplicate-key', 'this key appears twice')
    case 'MISSING_CHAR':
      // A key that is indented more than its list but less than the item.
      if (message.startsWith('Sequence item without')) return badIndent(offset, text)
      return at('yaml-syntax', sentence(message))
    default:
      return at('yaml-syntax', sentence(message))
  }
}

/** Points to the first word of the line, because underlined spaces are invisible. */
function badIndent(offset: number, text: string): Problem {
  const word = offset + (/^ */.exec(text.slice(offset, offset + 200))?.[0].length ?? 0)
  return errorAt(word, word + 1, 'yaml-bad-indent', 'the indentation does not match the lines above')
}

/** An unclosed quote swallows what follows, so later errors are not reported. */
export const unclosedQuote = (offset: number): Problem =>
  errorAt(offset, offset + 1, 'yaml-syntax', 'this quote is not closed')

/** How often aliases may be expanded in one file. */
export const maxAliases = 20

export const tooManyAliases = ({ offset, end }: Span, limit = `over ${maxAliases}`): Problem =>
  errorAt(offset, end, 'yaml-alias-limit', `too many alias expansions (${limit}): write the values out`)

/** An unquoted `*`, the most frequent mistake. */
export function badAlias({ offset, end }: Span, source: string): Problem {
  const name = source.replace(/[\s,\]}].*$/s, '')
  return errorAt(
    offset,
    Math.max(offset + 1, end),
    'yaml-bad-alias',
    `quote the asterisk: ${quoted(name === '' ? '*' : name)} (an unquoted * starts a YAML alias)`,
  )
}
