/** Reads YAML 1.2 (core schema): the plain kind quickly, everything else with the yaml package. */

import { type Alias, Composer, isAlias, isMap, isScalar, isSeq, type Pair, type ParsedNode } from 'yaml'
import {
  errorAt,
  type Problem,
  type Source,
  type SourceEntry,
  type SourceNode,
  type Span,
  unreadable,
} from './source.ts'
import { coverageOf } from './yaml-comments.ts'
import { badAlias, syntaxProblems, type YamlDocument } from './yaml-errors.ts'
import { type PlainComment, readPlainYaml } from './yaml-plain.ts'
import { readTokens, type YamlTokens } from './yaml-tokens.ts'

/** How often an alias may be followed in one file. */
const maxAliases = 20

export function readYaml(text: string): Source {
  const simple = readPlainYaml(text)
  if (simple === undefined) return readAnyYaml(text)
  const { root, comments } = simple
  return { root, problems: finalNewline(text, root), comments: withCoverage(text, comments) }
}

/** The general reader. Exported for the test that holds the quick one to it. */
export function readAnyYaml(text: string): Source {
  const { tokens, problem, tags, unclosed, ...seen } = readTokens(text)
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
        'the file has no content besides comments: to remove the rules delete it, or write "rules: []"',
      ),
    )
  const walk: Walk = { text, anchors: new Map(), aliases: 0, problems: [] }
  const root = toNode(walk, document.contents)
  return {
    // Beyond the limit values are missing, and nothing is worth saying of what is left.
    root: walk.aliases > maxAliases ? undefined : root,
    problems: [...tags, ...walk.problems, ...finalNewline(text, root)],
    comments,
  }
}

/** The first two documents; a second one is a mistake, whatever is in it. */
function compose(tokens: YamlTokens['tokens'], text: string): readonly (YamlDocument | undefined)[] {
  // uniqueKeys compares every key with every other; the same is found in linear time when the rules are read.
  const composer = new Composer<ParsedNode>({ version: '1.2', schema: 'core', uniqueKeys: false })
  return composer.compose(tokens, true, text.length).take(2).toArray()
}

interface Walk {
  readonly text: string
  readonly anchors: Map<string, ParsedNode>
  aliases: number
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
  // A key such as 1 or null is no text, and no field either: its name is what is written.
  const name = typeof key.value === 'string' ? key.value : walk.text.slice(keySpan.offset, keySpan.end)
  return [{ key: name, keySpan, value: toNode(walk, value, { ...owner, ...keySpan }) }]
}

function followed(walk: Walk, alias: Alias.Parsed, span: Span): SourceNode {
  const nothing: SourceNode = { kind: 'scalar', value: null, ...span }
  const target = walk.anchors.get(alias.source)
  if (target === undefined) {
    // Taken for the text that was meant, so that the rest of the file can be judged as well.
    const meant = `*${alias.source}`
    walk.problems.push(badAlias(span, meant))
    return { ...nothing, value: meant }
  }
  walk.aliases++
  if (walk.aliases === maxAliases + 1)
    walk.problems.push(
      errorAt(
        span.offset,
        span.end,
        'yaml-alias-limit',
        `too many alias expansions (over ${maxAliases}): write the values out`,
      ),
    )
  return walk.aliases > maxAliases ? nothing : toNode(walk, target)
}

function scalarValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value
  return value === null || value === undefined ? null : String(value)
}

function withCoverage(text: string, comments: readonly PlainComment[]): Source['comments'] {
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
 * A write that was cut off still parses: `https://b.com` cut to `https://b.co` is another site. Nothing but the final
 * line end can show it; flow style shows it by its closing bracket.
 */
function finalNewline(text: string, root: SourceNode): Problem[] {
  const isFlow = /[{[]/.test(text[root.offset] ?? '')
  if (text.endsWith('\n') || (isFlow && /[}\]]$/.test(text))) return []
  const message = 'the last line has no line end, as after a write that was cut off: end the file with one'
  return [{ ...errorAt(text.length, text.length, 'no-final-newline', message), severity: 'warning' }]
}
