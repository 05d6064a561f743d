/**
 * From a value with positions, in any vendor's spelling, to a plain document in ours, and from a path in that document
 * back to the place in the text.
 */

import { quoted } from '../text/visible.ts'
import type { ValuePath } from './issue.ts'
import {
  errorAt,
  type Problem,
  type SourceEntry,
  type SourceList,
  type SourceMap,
  type SourceNode,
  type Span,
} from './source.ts'
import { type Fields, fieldOf, fileFields, isSingular, ruleFields, testFields } from './spelling.ts'
import { unknownKeys } from './unknown-key.ts'

/** So many rules of a file are looked at: ten times what anybody stores. */
const maxRulesRead = 1000

export interface RuleDocument {
  /** Plain objects and lists in our spelling. Keys that nobody knows are left out: they are among the problems. */
  readonly value: unknown
  /** How many rules the file has; of very many the value holds the first thousand only. */
  readonly ruleCount: number
  readonly problems: readonly Problem[]
  /** Where the value at `path` stands, or, if it is not there, what it is missing from. */
  locate(path: ValuePath): Span
  /** The same for the key that holds the value. */
  locateKey(path: ValuePath): Span
  /** How the file spells a field. */
  nameOf(field: string): string
}

export function toDocument(root: SourceNode): RuleDocument {
  const problems: Problem[] = []
  // The AWS console shows the rules as a list without anything around it.
  const value = root.kind === 'list' ? { rules: rulesOf(root, problems) } : fileOf(root, problems)
  const rules = ruleListOf(root)
  return {
    value,
    ruleCount: rules?.items.length ?? 0,
    problems,
    locate: (path) => spanOf(follow(root, path).node),
    locateKey(path) {
      const { node, key } = follow(root, path)
      return key ?? spanOf(node)
    },
    nameOf: (field) => spellingOf(root, field),
  }
}

const spanOf = ({ offset, end }: Span): Span => ({ offset, end })

function fileOf(node: SourceNode, problems: Problem[]): unknown {
  if (node.kind !== 'map') return plainOf(node)
  return fieldsOf(node, fileFields, problems, (field, value) => {
    if (field === 'rules') return rulesOf(value, problems)
    return field === 'tests'
      ? listOf(value, (item) => withFields(item, testFields, problems))
      : plainOf(value)
  })
}

function rulesOf(node: SourceNode, problems: Problem[]): unknown {
  const few = node.kind === 'list' ? { ...node, items: node.items.slice(0, maxRulesRead) } : node
  return listOf(few, (item) => withFields(item, ruleFields, problems))
}

const listOf = (node: SourceNode, itemOf: (item: SourceNode) => unknown): unknown =>
  node.kind === 'list' ? node.items.map(itemOf) : plainOf(node)

function withFields(node: SourceNode, fields: Fields, problems: Problem[]): unknown {
  if (node.kind !== 'map') return plainOf(node)
  return fieldsOf(node, fields, problems, (_field, value, key) =>
    isSingular(key) && value.kind === 'scalar' && typeof value.value === 'string'
      ? [value.value]
      : plainOf(value),
  )
}

/** The entries of `node` by field. A key that no spelling knows, and a field that is given twice, is a problem. */
function fieldsOf(
  node: SourceMap,
  fields: Fields,
  problems: Problem[],
  fieldValue: (field: string, value: SourceNode, key: string) => unknown,
): Record<string, unknown> {
  const result: Record<string, unknown> = {}
  const given: Record<string, SourceEntry> = {}
  const unknown: SourceEntry[] = []
  for (const entry of node.entries) {
    const { key, keySpan, value } = entry
    // For editors only.
    if (key === '$schema' && fields === fileFields) continue
    const field = entry.isUnknown === true ? undefined : fieldOf(fields, key)
    if (field === undefined) {
      unknown.push(entry)
      continue
    }
    const first = given[field]
    if (first !== undefined) {
      const also = first.key === key ? '' : ` (as ${first.key})`
      problems.push(
        errorAt(
          keySpan.offset,
          keySpan.end,
          'duplicate-key',
          `${quoted(key)} is given twice${also}: keep one`,
        ),
      )
      continue
    }
    given[field] = entry
    result[field] = fieldValue(field, value, key)
  }
  problems.push(...unknownKeys(unknown, fields, node))
  return result
}

function plainOf(node: SourceNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plainOf)
  // Reached only where a mapping is wrong: its content does not matter, and must not become anybody's prototype.
  return {}
}

/** Walks `path` as far as the text goes along. */
function follow(
  root: SourceNode,
  path: ValuePath,
): { readonly node: SourceNode; readonly key: Span | undefined } {
  let node = root
  let key: Span | undefined
  for (const [depth, step] of path.entries()) {
    // The list of a file that holds nothing else is its rules.
    if (depth === 0 && step === 'rules' && node.kind === 'list') continue
    if (typeof step === 'number') {
      // One value without a list stands for a list of one.
      const item: SourceNode | undefined = node.kind === 'list' ? node.items[step] : undefined
      if (item === undefined) break
      node = item
      continue
    }
    const entry: SourceEntry | undefined =
      node.kind === 'map' ? entryOf(node, step, fieldsAt(path, depth)) : undefined
    if (entry === undefined) break
    node = entry.value
    key = entry.keySpan
  }
  return { node, key }
}

function fieldsAt(path: ValuePath, depth: number): Fields {
  if (depth === 0) return fileFields
  return path[0] === 'tests' ? testFields : ruleFields
}

const entryOf = (node: SourceMap, step: string, fields: Fields): SourceEntry | undefined =>
  node.entries.find(
    ({ key, isUnknown }) => isUnknown !== true && (key === step || fieldOf(fields, key) === step),
  )

function ruleListOf(root: SourceNode): SourceList | undefined {
  const list = root.kind === 'map' ? entryOf(root, 'rules', fileFields)?.value : root
  return list?.kind === 'list' ? list : undefined
}

/** The spelling in use, from the first key of the file that gives it away. */
function spellingOf(root: SourceNode, field: string): string {
  const rules = root.kind === 'map' ? entryOf(root, 'rules', fileFields) : undefined
  const first = ruleListOf(root)?.items[0]
  const keys = [...(rules === undefined ? [] : [rules]), ...(first?.kind === 'map' ? first.entries : [])]
  const fields: Fields = { ...fileFields, ...ruleFields }
  const spellings = fields[field] ?? []
  for (const { key } of keys) {
    const known = Object.values(fields).find(
      (names) => names.includes(key) && names.indexOf(key) === names.lastIndexOf(key),
    )
    const style = known?.indexOf(key)
    if (style !== undefined && spellings.length > 1) return spellings[style] ?? field
  }
  return spellings[0] ?? field
}
