/** The complaints of the yaml package, in words that say what to do. */

import type { Document, ParsedNode, YAMLError } from 'yaml'
import { quoted } from '../cors/entry.ts'
import { errorAt, type Problem, type Span } from './source.ts'

export type YamlDocument = Document.Parsed<ParsedNode>

/** Syntax errors told of one file: what follows the first few is mostly their echo. */
const maxSyntaxErrors = 20

/** What keeps `document` from being read, and that a `second` one follows it. */
export function syntaxProblems(
  document: YamlDocument | undefined,
  second: YamlDocument | undefined,
  text: string,
): Problem[] {
  const byLine = new Map<number, Problem>()
  for (const error of document?.errors ?? []) {
    const problem = toProblem(error, text)
    const line = text.lastIndexOf('\n', problem.offset - 1)
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

const badIndent = 'the indentation does not fit the lines above'

/** The package may quote the text in its message, which can be anything. */
const sentence = (message: string): string =>
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
    case 'BAD_COLLECTION_TYPE':
    case 'BLOCK_IN_FLOW':
      return at('yaml-bad-indent', badIndent)
    case 'BAD_ALIAS':
      return badAlias({ offset, end }, text.slice(offset, end))
    case 'BLOCK_AS_IMPLICIT_KEY':
      return at('yaml-nested-mapping', 'a second ": " on one line: put the value in quotes')
    case 'DUPLICATE_KEY':
      return at('duplicate-key', 'this key is given twice')
    case 'MISSING_CHAR':
      // A key that is indented more than the list it should be in, less than the item.
      if (message.startsWith('Sequence item without')) return at('yaml-bad-indent', badIndent)
      return at('yaml-syntax', sentence(message))
    default:
      return at('yaml-syntax', sentence(message))
  }
}

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
