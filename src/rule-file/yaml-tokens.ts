/**
 * The tokens of a YAML text, looked at before the text is composed into a document: the composer is recursive and takes
 * long over what no rule file holds.
 */

import { CST, Lexer, Parser } from 'yaml'
import { quoted } from './entry.ts'
import { errorAt, maxDepth, type Problem, type Span } from './source.ts'
import { unclosedQuote } from './yaml-errors.ts'

/** Text with its `#`. */
export interface YamlComment extends Span {
  readonly text: string
}

/** What is known of a text before it is composed. */
export interface YamlTokens {
  readonly tokens: readonly CST.Token[]
  readonly comments: readonly YamlComment[]
  readonly tags: readonly Problem[]
  /** The first quote that does not close; what the composer says of the text behind it is an echo. */
  readonly unclosed: Problem | undefined
  /** Why the tokens must not be composed. */
  readonly problem: Problem | undefined
}

/** Reads the tokens of `text`, at most `mostTokens`, because each of them costs far more than its letters. */
export function readTokens(text: string, mostTokens: number): YamlTokens {
  const early = earlyProblem(text)
  if (early !== undefined) return hopeless(early)
  const tokens = parseTokens(text, mostTokens)
  return tokens === undefined ? hopeless(tooMany(mostTokens)) : { tokens, ...survey(tokens) }
}

const hopeless = (problem: Problem): YamlTokens => ({
  tokens: [],
  comments: [],
  tags: [],
  unclosed: undefined,
  problem,
})

const tooMany = (most: number): Problem => errorAt(0, 0, 'file-too-large', `more than ${most} YAML tokens`)

/** `undefined` when there are too many. */
function parseTokens(text: string, most: number): CST.Token[] | undefined {
  const parser = new Parser()
  const tokens: CST.Token[] = []
  let count = 0
  for (const lexeme of new Lexer().lex(text)) {
    if (++count > most) return undefined
    tokens.push(...parser.next(lexeme))
  }
  return [...tokens, ...parser.end()]
}

/** What the parser would take long over, or read otherwise than other readers do. */
function earlyProblem(text: string): Problem | undefined {
  const lone = /\r(?!\n)/.exec(text)
  if (lone !== null)
    return errorAt(
      lone.index,
      lone.index + 1,
      'yaml-syntax',
      'lone carriage return (old Mac line end): end lines with LF',
    )
  const directive = /^%[^\n]*/m.exec(text)
  if (directive !== null && /^(?:[ \t]*(?:#[^\n]*)?\r?\n)*$/.test(text.slice(0, directive.index)))
    return errorAt(
      directive.index,
      directive.index + directive[0].length,
      'yaml-directive',
      'directives change the meaning of what follows and are not allowed: remove the line',
    )
  // The exact depth is counted later; this keeps what is hopeless away from a parser that takes long over it.
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

const tooDeep = (offset: number): Problem =>
  errorAt(offset, offset + 1, 'yaml-too-deep', `nesting deeper than ${maxDepth}`)

interface Survey {
  readonly comments: YamlComment[]
  readonly tags: Problem[]
  unclosed: Problem | undefined
  problem: Problem | undefined
}

/** Walks the tokens without recursion: depth and number are not known to be harmless yet. */
function survey(tokens: readonly CST.Token[]): Survey {
  const seen: Survey = { comments: [], tags: [], unclosed: undefined, problem: undefined }
  const open: { readonly token: unknown; readonly depth: number }[] = tokens
    .toReversed()
    .map((token) => ({ token, depth: 0 }))
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next
    if (Array.isArray(token)) {
      for (const inner of token.toReversed()) open.push({ token: inner, depth })
      continue
    }
    if (typeof token !== 'object' || token === null) continue
    if (isToken(token)) lookAt(token, seen)
    const inside = depth + (isToken(token) && CST.isCollection(token) ? 1 : 0)
    if (inside > maxDepth && isToken(token)) {
      seen.problem = tooDeep(token.offset)
      return seen
    }
    // Last first, as the last to be pushed is the next to be seen.
    for (const part of ['end', 'items', 'value', 'sep', 'key', 'start', 'props'] as const)
      if (Object.hasOwn(token, part)) open.push({ token: Reflect.get(token, part), depth: inside })
  }
  return seen
}

const isToken = (token: object): token is CST.Token => 'type' in token && 'offset' in token

function lookAt(token: CST.Token, seen: Survey): void {
  if (token.type === 'comment') {
    const { source, offset } = token
    seen.comments.push({ text: source, offset, end: offset + source.length })
  } else if (token.type === 'tag') {
    const { source, offset } = token
    seen.tags.push(
      errorAt(
        offset,
        offset + source.length,
        'yaml-unknown-tag',
        `tags such as ${quoted(source)} are not allowed: remove it`,
      ),
    )
  } else if (token.type === 'double-quoted-scalar' || token.type === 'single-quoted-scalar') {
    const { source, offset } = token
    if (!quotedScalar.test(source) && offset < (seen.unclosed?.offset ?? Number.POSITIVE_INFINITY))
      seen.unclosed = unclosedQuote(offset)
  }
}

const quotedScalar = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')$/s
