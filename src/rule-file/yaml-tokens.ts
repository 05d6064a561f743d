/**
 * Checks the tokens of a YAML text before it is composed into a document: the composer is recursive, and slow on
 * what no rule file contains.
 */

import { CST, Lexer, Parser } from 'yaml'
import { quoted } from '../text/visible.ts'
import { errorAt, maxDepth, type Problem, type Span } from './source.ts'
import { unclosedQuote } from './yaml-errors.ts'

/** Text including its `#`. */
export interface YamlComment extends Span {
  readonly text: string
}

export interface YamlTokens {
  readonly tokens: readonly CST.Token[]
  readonly comments: readonly YamlComment[]
  readonly tags: readonly Problem[]
  /** The first unclosed quote. The composer's errors after it are consequences. */
  readonly unclosed: Problem | undefined
  /** Why the tokens must not be composed. */
  readonly problem: Problem | undefined
}

/** Tokenizes a file in one of our own formats, up to `maxTokens` tokens. */
export function readTokens(text: string, maxTokens: number): YamlTokens {
  const problem = earlyProblem(text)
  return problem === undefined ? boundedTokens(text, maxTokens, maxDepth) : { ...nothingFound(), problem }
}

/** Tokenizes any YAML. The number of tokens is limited, because a token costs far more than its characters. */
export function boundedTokens(text: string, maxTokens: number, deepest: number): YamlTokens {
  const found = nothingFound()
  const parser = new Parser()
  let count = 0
  let isScalar = false
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > maxTokens) return { ...found, problem: tooMany(maxTokens) }
    if (!isScalar) lookAt(lexeme, parser.offset, found)
    isScalar = lexeme === CST.SCALAR
    for (const token of parser.next(lexeme)) found.tokens.push(token)
    // The stack also holds the document and a scalar.
    if (parser.stack.length <= deepest) continue
    const open = parser.stack.filter(CST.isCollection)
    if (open.length > deepest)
      return { ...found, problem: tooDeep(open.at(-1)?.offset ?? parser.offset, deepest) }
  }
  for (const token of parser.end()) found.tokens.push(token)
  return found
}

interface Found extends YamlTokens {
  readonly tokens: CST.Token[]
  readonly comments: YamlComment[]
  readonly tags: Problem[]
  unclosed: Problem | undefined
}

const nothingFound = (): Found => ({
  tokens: [],
  comments: [],
  tags: [],
  unclosed: undefined,
  problem: undefined,
})

const tooMany = (most: number): Problem => errorAt(0, 0, 'file-too-large', `more than ${most} YAML tokens`)

/** Checks a lexeme other than a plain or block scalar. */
function lookAt(lexeme: string, offset: number, found: Found): void {
  const end = offset + lexeme.length
  switch (CST.tokenType(lexeme)) {
    case 'comment':
      found.comments.push({ text: lexeme, offset, end })
      return
    case 'tag':
      found.tags.push(
        errorAt(offset, end, 'yaml-unknown-tag', `the tag ${quoted(lexeme)} is not allowed: remove it`),
      )
      return
    case 'double-quoted-scalar':
    case 'single-quoted-scalar':
      if (!quotedScalar.test(lexeme)) found.unclosed ??= unclosedQuote(offset)
  }
}

const quotedScalar = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')$/s

/** What would make the parser slow, or what other YAML readers understand differently. */
function earlyProblem(text: string): Problem | undefined {
  const lone = /\r(?!\n)/.exec(text)
  if (lone !== null)
    return errorAt(
      lone.index,
      lone.index + 1,
      'yaml-syntax',
      'lone carriage return (old Mac line break): end lines with LF',
    )
  const directive = /^%[^\n]*/m.exec(text)
  if (directive !== null && /^(?:[ \t]*(?:#[^\r\n]*)?\r?\n)*$/.test(text.slice(0, directive.index)))
    return errorAt(
      directive.index,
      directive.index + directive[0].length,
      'yaml-directive',
      'directives change the meaning of what follows and are not allowed: remove the line',
    )
  // A rough check that keeps hopeless text away from a slow parser. The exact depth is counted later.
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x5b || code === 0x7b) depth++
    else if (code === 0x5d || code === 0x7d) depth = Math.max(0, depth - 1)
    if (depth > 4 * maxDepth) return tooDeep(at)
  }
  const compact = /^ *(?:[-?:] +){33}/m.exec(text)
  return compact === null ? undefined : tooDeep(compact.index)
}

const tooDeep = (offset: number, deepest = maxDepth): Problem =>
  errorAt(offset, offset + 1, 'yaml-too-deep', `nesting deeper than ${deepest}`)
