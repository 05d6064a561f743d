/**
 * Parses any JSON, YAML or XML into values with positions, for files of other products. The parsers of rule files
 * reject what such files may contain (short tags of CloudFormation, other elements).
 */

import { parseXml, XmlElement, XmlError, XmlText } from '@rgrove/parse-xml'
import { isAlias, isMap, isScalar, isSeq, type Node, type ParsedNode, parseDocument } from 'yaml'
import { messageOf } from '../../text/system-error.ts'
import type { SourceEntry, SourceNode, Span } from '../source.ts'
import { type Fault, fault, faultAt } from './fault.ts'
import { readWranglerList } from './wrangler-list.ts'

interface Tree {
  /** Absent when the text is not well-formed; `fault` says why. */
  readonly root: SourceNode | undefined
  readonly fault: Fault | undefined
}

/** Deeper than any template that people write, so deeper text is an attack on the parser. */
const maxDepth = 64

/** Chooses the parser by the first character: XML for `<`, otherwise YAML, which includes JSON. */
export function readTree(text: string): Tree {
  const start = text.replace(/^\uFEFF/, '').trimStart()
  if (start.startsWith('<')) return readXmlTree(text)
  const printed = readWranglerList(text)
  if (printed !== undefined) return { root: printed, fault: undefined }
  return nesting(text) > maxDepth
    ? { root: undefined, fault: faultAt(text, 0, `nested more than ${maxDepth} levels deep`) }
    : readYamlTree(text, /^[[{"]/.test(start))
}

/** An upper bound of the nesting depth, from brackets and indentation. Not recursive. */
function nesting(text: string): number {
  let depth = 0
  let deepest = 0
  for (const character of text) {
    if (character === '[' || character === '{') deepest = Math.max(deepest, ++depth)
    else if (character === ']' || character === '}') depth = Math.max(0, depth - 1)
  }
  const dashes = Math.max(0, ...Array.from(text.matchAll(/^[ -]*/gm), ([run]) => run.split('-').length - 1))
  return Math.max(deepest, dashes)
}

function readYamlTree(text: string, isJson: boolean): Tree {
  if (isJson) {
    const problem = jsonProblem(text)
    if (problem !== undefined) return { root: undefined, fault: problem }
  }
  const document = parseDocument<ParsedNode>(text, {
    version: '1.2',
    schema: 'core',
    uniqueKeys: false,
    logLevel: 'silent',
    customTags: [...intrinsics],
  })
  const [error] = document.errors
  if (error !== undefined)
    return {
      root: undefined,
      fault: faultAt(text, error.pos[0], error.message.split(/ at line | \(/)[0] ?? ''),
    }
  return {
    root: document.contents === null ? undefined : toNode(document.contents, text, 0),
    fault: undefined,
  }
}

/** JSON.parse decides whether JSON is valid, because the YAML parser accepts more. */
function jsonProblem(text: string): Fault | undefined {
  try {
    JSON.parse(text.replace(/^\uFEFF/, ''))
    return undefined
  } catch (error) {
    // A YAML flow collection starts like JSON; the YAML parser checks it.
    return /^[[{]\s*[A-Za-z'#]/.test(text.trimStart())
      ? undefined
      : fault(`not valid JSON: ${messageOf(error)}`)
  }
}

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

function toNode(node: ParsedNode, text: string, depth: number): SourceNode {
  const span = { offset: node.range[0], end: node.range[1] }
  const plain = plainNode(node, span, text, depth)
  const { tag } = node
  if (tag === undefined || !shortNames.includes(tag.slice(1)) || !tag.startsWith('!')) return plain
  return { kind: 'map', entries: [{ key: longName(tag), keySpan: span, value: plain }], ...span }
}

function plainNode(node: ParsedNode, span: Span, text: string, depth: number): SourceNode {
  if (depth > maxDepth || isAlias(node)) return { kind: 'scalar', value: null, ...span }
  if (isSeq(node)) {
    const items = node.items.map((item) => toNode(item as ParsedNode, text, depth + 1))
    return { kind: 'list', items, ...span }
  }
  if (isMap(node)) {
    const entries = node.items.flatMap((pair): SourceEntry[] => {
      const { key, value } = pair as { key: ParsedNode; value: ParsedNode | null }
      if (!isScalar(key)) return []
      const keySpan = { offset: key.range[0], end: key.range[1] }
      const nothing: SourceNode = { kind: 'scalar', value: null, ...keySpan }
      return [
        {
          key: String(key.value),
          keySpan,
          value: value === null ? nothing : toNode(value, text, depth + 1),
        },
      ]
    })
    return { kind: 'map', entries, ...span }
  }
  const { value } = node
  const known = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
  return { kind: 'scalar', value: known ? value : null, ...span }
}

/** Elements become mappings of their children. An element without children becomes its text. */
function readXmlTree(text: string): Tree {
  const doctype = text.indexOf('<!DOCTYPE')
  if (doctype >= 0)
    return {
      root: undefined,
      fault: faultAt(text, doctype, 'a document type declaration: remove the <!DOCTYPE ...>'),
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
