/**
 * The tokens of a YAML text, looked at before the text is composed into a document: the composer is recursive and takes
 * long over what no rule file holds.
 */

import { CST, Parser } from 'yaml'
import { quoted } from '../cors/entry.ts'
import { errorAt, maxDepth, type Problem } from './source.ts'
import type { PlainComment } from './yaml-plain.ts'

/** Tokens of the largest file that somebody could write by hand; composing a million of them blocks the process. */
const maxTokens = 25_000

/** What is known of a text before it is composed. */
export interface YamlTokens {
  readonly tokens: readonly CST.Token[]
  readonly comments: readonly PlainComment[]
  readonly tags: readonly Problem[]
  /** Why the tokens must not be composed. */
  readonly problem: Problem | undefined
}

/** Reads the tokens of `text`, unless it is hopeless already. */
export function readTokens(text: string): YamlTokens {
  const early = earlyProblem(text)
  if (early !== undefined) return { tokens: [], comments: [], tags: [], problem: early }
  const tokens = [...new Parser().parse(text)]
  return { tokens, ...survey(tokens) }
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
  readonly comments: PlainComment[]
  readonly tags: Problem[]
  problem: Problem | undefined
}

/** Walks the tokens without recursion: depth and number are not known to be harmless yet. */
function survey(tokens: readonly CST.Token[]): Survey {
  const seen: Survey = { comments: [], tags: [], problem: undefined }
  const open: { readonly token: unknown; readonly depth: number }[] = tokens
    .toReversed()
    .map((token) => ({ token, depth: 0 }))
  let count = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { token, depth } = next
    if (Array.isArray(token)) {
      for (const inner of token.toReversed()) open.push({ token: inner, depth })
      continue
    }
    if (typeof token !== 'object' || token === null) continue
    if (isToken(token)) {
      if (++count > maxTokens) {
        seen.problem = errorAt(0, 0, 'file-too-large', `more than ${maxTokens} YAML tokens`)
        return seen
      }
      lookAt(token, seen)
    }
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
  }
}
