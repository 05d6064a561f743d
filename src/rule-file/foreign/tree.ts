/**
 * Parses any JSON, YAML or XML into values with positions, for files of other products. The parsers of rule files
 * reject what such files may contain (short tags of CloudFormation, other elements).
 */

import { parseXml, XmlElement, XmlError, XmlText } from '@rgrove/parse-xml'
import { type Alias, Composer, isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode } from 'yaml'
import { readJson } from '../json.ts'
import { errorAt, type Problem, type SourceEntry, type SourceNode, type Span } from '../source.ts'
import { badAlias, maxAliases, tooManyAliases } from '../yaml-errors.ts'
import { boundedTokens } from '../yaml-tokens.ts'
import { type Fault, faultAt } from './fault.ts'
import { entriesOf } from './node.ts'
import { readWranglerList } from './wrangler-list.ts'

interface Tree {
  /** Absent when the text is not well-formed; `fault` says why. */
  readonly root: SourceNode | undefined
  readonly fault: Fault | undefined
}

/** Deeper than any template that people write, so deeper text is an attack on the parser. */
const maxDepth = 64

/** A CloudFormation template of the largest size, 1 MB, has about 200 000 tokens. */
const maxYamlTokens = 250_000

/** Chooses the parser by the first characters. */
export function readTree(text: string): Tree {
  const start = text.replace(/^\uFEFF/, '').trimStart()
  if (start.startsWith('<')) return readXmlTree(text)
  const printed = readWranglerList(text)
  if (printed !== undefined) return { root: printed, fault: undefined }
  // A YAML flow collection starts like JSON.
  const isJson = /^[[{"]/.test(start) && !/^[[{]\s*[A-Za-z'#]/.test(start)
  return isJson ? readJsonTree(text) : readYamlTree(text)
}

function readJsonTree(text: string): Tree {
  const { root, problems } = readJson(text.replace(/^\uFEFF/, ' '), maxDepth)
  const [problem] = problems
  return problem === undefined ? { root, fault: undefined } : unreadable(text, problem)
}

function readYamlTree(text: string): Tree {
  const { tokens, problem } = boundedTokens(text, maxYamlTokens, maxDepth)
  if (problem !== undefined) return unreadable(text, problem)
  const composer = new Composer<ParsedNode>({
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: [...intrinsics],
  })
  const [document, second] = composer.compose(tokens, true, text.length)
  const contents = document?.contents ?? undefined
  const [error] = document?.errors ?? []
  if (error !== undefined)
    return { root: undefined, fault: faultAt(text, error.pos[0], error.message.split(' (')[0] ?? '') }
  if (second !== undefined)
    return { root: undefined, fault: faultAt(text, second.range[0], 'a second document: convert each alone') }
  const walk: Walk = { anchors: new Map(), open: new Set(), aliases: 0, values: 0, problem: undefined }
  const root = contents === undefined ? undefined : toNode(walk, contents)
  return walk.problem === undefined ? { root, fault: undefined } : unreadable(text, walk.problem)
}

const unreadable = (text: string, { offset, message }: Problem): Tree => ({
  root: undefined,
  fault: faultAt(text, offset, message),
})

/** Short tags of CloudFormation, equivalent to mappings: `!Ref X` is `{Ref: X}`. */
const shortNames = [
  'Ref',
  'Condition',
  ...['Sub', 'GetAtt', 'Join', 'ImportValue', 'If', 'FindInMap', 'Select', 'Split', 'Base64', 'GetAZs'],
  ...['Cidr', 'Transform', 'And', 'Equals', 'Not', 'Or'],
]

const intrinsics = shortNames.flatMap((name) => [
  { tag: `!${name}`, resolve: (value: string) => value },
  { tag: `!${name}`, collection: 'seq' as const, resolve: (value: Node) => value },
  { tag: `!${name}`, collection: 'map' as const, resolve: (value: Node) => value },
])

const longName = (tag: string): string => {
  const name = tag.slice(1)
  return name === 'Ref' || name === 'Condition' ? name : `Fn::${name}`
}

interface Walk {
  readonly anchors: Map<string, ParsedNode>
  /** The values that an alias stands for, while they are read. */
  readonly open: Set<ParsedNode>
  aliases: number
  values: number
  /** The first place where a value is missing in the tree. A field that is missing would be left out without a note. */
  problem: Problem | undefined
}

/** A file without aliases has fewer values than tokens. */
const maxValues = maxYamlTokens

function toNode(walk: Walk, node: ParsedNode): SourceNode {
  const span = { offset: node.range[0], end: node.range[1] }
  if (isAlias(node)) return followed(walk, node.source, span)
  if (node.anchor !== undefined) walk.anchors.set(node.anchor, node)
  walk.values++
  const plain = plainNode(walk, node, span)
  const { tag } = node
  if (tag === undefined || !shortNames.includes(tag.slice(1)) || !tag.startsWith('!')) return plain
  return { kind: 'map', entries: [{ key: longName(tag), keySpan: span, value: plain }], ...span }
}

function followed(walk: Walk, name: string, span: Span): SourceNode {
  const target = walk.anchors.get(name)
  if (target === undefined) walk.problem ??= badAlias(span, `*${name}`)
  // An alias inside its own anchor would be followed without end, and deeper than the stack.
  else if (walk.open.has(target) || ++walk.aliases > maxAliases) walk.problem ??= tooManyAliases(span)
  // A single alias can stand for most of a large file.
  else if (walk.values > maxValues) walk.problem ??= tooManyAliases(span, `over ${maxValues} values`)
  if (target === undefined || walk.problem !== undefined) return { kind: 'scalar', value: null, ...span }
  walk.open.add(target)
  const node = toNode(walk, target)
  walk.open.delete(target)
  return node
}

function plainNode(walk: Walk, node: Exclude<ParsedNode, Alias.Parsed>, span: Span): SourceNode {
  if (isSeq(node))
    return { kind: 'list', items: node.items.map((item) => toNode(walk, item as ParsedNode)), ...span }
  if (isMap(node)) {
    const pairs = node.items as readonly { key: ParsedNode; value: ParsedNode | null }[]
    return { kind: 'map', entries: merged(pairs.flatMap((pair) => toEntry(walk, pair))), ...span }
  }
  const { value } = node
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return { kind: 'scalar', value: known ? value : null, ...span }
}

interface MergeableEntry extends SourceEntry {
  readonly isMerge: boolean
}

function toEntry(
  walk: Walk,
  { key, value }: { readonly key: ParsedNode; readonly value: ParsedNode | null },
): readonly MergeableEntry[] {
  const keySpan = { offset: key.range[0], end: key.range[1] }
  const name = toNode(walk, key)
  // An unquoted {{ variable }} is a mapping with a mapping as its key.
  if (name.kind !== 'scalar') {
    walk.problem ??= errorAt(keySpan.offset, keySpan.end, 'wrong-type', 'a key must be plain text')
    return []
  }
  const nothing: SourceNode = { kind: 'scalar', value: null, ...keySpan }
  return [
    {
      key: String(name.value),
      keySpan,
      value: value === null ? nothing : toNode(walk, value),
      isMerge: isScalar(key) && key.type === 'PLAIN' && key.value === '<<',
    },
  ]
}

/** `<<: *base` adds the entries of another mapping, or of several, whose keys the mapping itself does not have. */
function merged(written: readonly MergeableEntry[]): readonly SourceEntry[] {
  const entries: SourceEntry[] = []
  const merges: (readonly SourceNode[])[] = []
  for (const { isMerge, ...entry } of written) {
    const given = entry.value.kind === 'list' ? entry.value.items : [entry.value]
    if (isMerge && given.every(({ kind }) => kind === 'map')) merges.push(given)
    else entries.push(entry)
  }
  const names = new Set(entries.map(({ key }) => key))
  for (const entry of merges.flat().flatMap(entriesOf)) {
    if (names.has(entry.key)) continue
    names.add(entry.key)
    entries.push(entry)
  }
  return entries
}

/** Elements become mappings of their children. An element without children becomes its text. */
function readXmlTree(text: string): Tree {
  const doctype = text.indexOf('<!DOCTYPE')
  if (doctype >= 0)
    return {
      root: undefined,
      fault: faultAt(text, doctype, 'document type declarations are not allowed: remove the <!DOCTYPE ...>'),
    }
  try {
    const { root } = parseXml(text, { includeOffsets: true })
    if (root === null) return { root: undefined, fault: faultAt(text, 0, 'no root element') }
    const span = { offset: root.start, end: root.end }
    const entry = { key: localName(root), keySpan: span, value: elementNode(root, 0) }
    return { root: { kind: 'map', entries: [entry], ...span }, fault: undefined }
  } catch (error) {
    if (error instanceof XmlError)
      return { root: undefined, fault: faultAt(text, error.pos, error.message.split('\n')[0] ?? '') }
    // A recursive parser overflows the stack on hostile nesting.
    if (error instanceof RangeError)
      return { root: undefined, fault: faultAt(text, 0, 'nested too deep to be read') }
    throw error
  }
}

const localName = ({ name }: XmlElement): string => name.slice(name.indexOf(':') + 1)

function elementNode(element: XmlElement, depth: number): SourceNode {
  const span = { offset: element.start, end: element.end }
  const children = element.children.filter((child) => child instanceof XmlElement)
  if (children.length === 0 || depth > maxDepth) {
    const [first] = element.children.filter((child) => child instanceof XmlText)
    const place = first === undefined ? span : { offset: first.start, end: first.end }
    return { kind: 'scalar', value: element.text.trim(), ...place }
  }
  const entries = children.map((child) => ({
    key: localName(child),
    keySpan: { offset: child.start, end: child.start + child.name.length + 1 },
    value: elementNode(child, depth + 1),
  }))
  return { kind: 'map', entries, ...span }
}
