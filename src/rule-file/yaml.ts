/** Reads YAML 1.2 (core schema) with the position of every value: rule files, the config file, the access keys. */

import { type Alias, Composer, isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode } from 'yaml'
import {
  errorAt,
  type Problem,
  problemAt,
  type Source,
  type SourceEntry,
  type SourceNode,
  type Span,
  unreadable,
} from './source.ts'
import { coverageOf } from './yaml-comments.ts'
import { badAlias, maxAliases, syntaxProblems, tooManyAliases, type YamlDocument } from './yaml-errors.ts'
import { readTokens, type YamlComment, type YamlTokens } from './yaml-tokens.ts'

export interface YamlOptions {
  /** Limit of tokens; default: enough for the largest rule file that a person could write. */
  readonly maxTokens?: number
  /** `refuse`: every alias is an error. Default: `follow`, up to 20 times. */
  readonly aliases?: 'follow' | 'refuse'
}

export function readYaml(text: string): Source {
  const source = readYamlTree(text)
  return source.root === undefined
    ? source
    : { ...source, problems: [...source.problems, ...finalNewline(text, source.root)] }
}

/** Reads any YAML. The parsers are recursive and slow on hostile text, so `readTokens` checks it first. */
export function readYamlTree(
  text: string,
  { maxTokens = 20_000, aliases = 'follow' }: YamlOptions = {},
): Source {
  const { tokens, problem, tags, unclosed, ...seen } = readTokens(text, maxTokens)
  if (problem !== undefined) return unreadable(problem)
  const comments = withCoverage(text, seen.comments)
  const [document, second] = compose(tokens, text)
  const errors = syntaxProblems(document, second, text)
  if (unclosed !== undefined)
    return unreadable(...[...tags, ...errors].filter(({ offset }) => offset < unclosed.offset), unclosed)
  if (errors.length > 0 || document === undefined) return unreadable(...tags, ...errors)
  if (
    document.contents === null ||
    (isScalar(document.contents) && document.contents.range[0] === document.contents.range[1])
  )
    return unreadable(
      ...tags,
      errorAt(
        0,
        0,
        'empty-file',
        'the file contains only comments: to remove the rules, delete it or write "rules: []"',
      ),
    )
  const mayFollow = aliases === 'follow' ? maxAliases : 0
  const walk: Walk = { text, anchors: new Map(), aliases: 0, mayFollow, problems: [] }
  const root = toNode(walk, document.contents)
  return {
    // Beyond the limit, values are missing, so findings about the rest would be wrong.
    root: walk.aliases > mayFollow ? undefined : root,
    problems: [...tags, ...walk.problems],
    comments,
  }
}

/** The first two documents. A second one is a mistake, even if it is empty. */
function compose(tokens: YamlTokens['tokens'], text: string): readonly (YamlDocument | undefined)[] {
  // uniqueKeys compares every pair of keys. `document.ts` finds duplicates in linear time.
  const composer = new Composer<ParsedNode>({ version: '1.2', schema: 'core', uniqueKeys: false })
  return composer.compose(tokens, true, text.length).take(2).toArray()
}

interface Walk {
  readonly text: string
  readonly anchors: Map<string, ParsedNode>
  aliases: number
  readonly mayFollow: number
  readonly problems: Problem[]
}

function toNode(walk: Walk, node: ParsedNode | null, fallback: Span = { offset: 0, end: 0 }): SourceNode {
  if (node === null) return { kind: 'scalar', value: null, ...fallback }
  const span = { offset: node.range[0], end: node.range[1] }
  if (isAlias(node)) return followed(walk, node, span)
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node)
  if (isSeq(node)) return { kind: 'list', items: node.items.map((item) => toNode(walk, item, span)), ...span }
  if (isMap(node))
    return { kind: 'map', entries: node.items.flatMap((pair) => toEntry(walk, pair, span)), ...span }
  return { kind: 'scalar', value: scalarValue(node.value), ...span }
}

function toEntry(walk: Walk, pair: Pair<ParsedNode, ParsedNode | null>, owner: Span): SourceEntry[] {
  const { key, value } = pair
  const keySpan = { offset: key.range[0], end: key.range[1] }
  if (!isScalar(key)) {
    walk.problems.push(errorAt(keySpan.offset, keySpan.end, 'wrong-type', 'a key must be plain text'))
    return []
  }
  // A key such as 1 or null is not parsed as text, so its name is the text as written.
  const name = typeof key.value === 'string' ? key.value : walk.text.slice(keySpan.offset, keySpan.end)
  return [{ key: name, keySpan, value: toNode(walk, value, { ...owner, ...keySpan }) }]
}

function followed(walk: Walk, alias: Alias.Parsed, span: Span): SourceNode {
  const nothing: SourceNode = { kind: 'scalar', value: null, ...span }
  const target = walk.anchors.get(alias.source)
  if (target === undefined) {
    // Treated as the text that was meant, so that the rest of the file can be checked too.
    const meant = `*${alias.source}`
    walk.problems.push(badAlias(span, meant))
    return { ...nothing, value: meant }
  }
  walk.aliases++
  if (walk.aliases === walk.mayFollow + 1)
    walk.problems.push(
      walk.mayFollow === 0
        ? errorAt(
            span.offset,
            span.end,
            'yaml-alias-limit',
            'an alias is not allowed here: write the value out',
          )
        : tooManyAliases(span),
    )
  return walk.aliases > walk.mayFollow ? nothing : toNode(walk, target)
}

function scalarValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return value === null || value === undefined ? null : String(value)
}

function withCoverage(text: string, comments: readonly YamlComment[]): Source['comments'] {
  return comments
    .filter(({ text: words }) => /^#+\s*cors-sidecar:/i.test(words))
    .map(({ text: words, offset, end }) => ({
      text: words.replace(/^#+/, ''),
      offset,
      end,
      covers: coverageOf(text, offset),
    }))
}

/**
 * A truncated file can still parse: `https://b.com` cut to `https://b.co` is another valid origin. The missing final
 * line break is the only sign of it, except in flow style, where the closing bracket is missing too.
 */
function finalNewline(text: string, root: SourceNode): Problem[] {
  const isFlow = /[{[]/.test(text[root.offset] ?? '')
  if (text.endsWith('\n') || (isFlow && /[}\]]$/.test(text))) return []
  const message = 'the last line has no line break, perhaps after an interrupted write: end the file with one'
  return [problemAt({ offset: text.length, end: text.length }, 'no-final-newline', message)]
}
