/**
 * Converts a parsed value in any vendor's field names to a plain document in our own, and maps paths in that
 * document back to positions in the text.
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
  spanOf,
} from './source.ts'
import { type Fields, fieldOf, fileFields, isSingular, ruleFields, testFields } from './spelling.ts'
import { unknownKeys } from './unknown-key.ts'

/** How many rules are read from a file: ten times what any vendor stores. */
const maxRulesRead = 1000

export interface RuleDocument {
  /** Plain objects and lists with our field names. Unknown keys are omitted; they are among the problems. */
  readonly value: unknown
  /** Number of rules in the file. `value` contains at most the first thousand. */
  readonly ruleCount: number
  readonly problems: readonly Problem[]
  /** Position of the value at `path`, or of its nearest existing parent when it is missing. */
  locate(path: ValuePath): Span
  /** Position of the key of that value. */
  locateKey(path: ValuePath): Span
  /** The field name that the file uses. */
  nameOf(field: string): string
}

export function toDocument(root: SourceNode): RuleDocument {
  const problems: Problem[] = []
  // The AWS console shows the rules as a bare list.
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

/** The entries of `node` by field. Reports unknown keys and repeated fields. */
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
    // Only editors read it.
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
  // Reached only for an invalid mapping. Empty, so that its keys cannot set a prototype.
  return {}
}

/** Follows `path` as far as the text contains it. */
function follow(
  root: SourceNode,
  path: ValuePath,
): { readonly node: SourceNode; readonly key: Span | undefined } {
  let node = root
  let key: Span | undefined
  for (const [depth, step] of path.entries()) {
    // A file that is a bare list has no `rules` key.
    if (depth === 0 && step === 'rules' && node.kind === 'list') continue
    if (typeof step === 'number') {
      // A single value may stand for a list of one.
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

/** The file's name for `field`. The first key that belongs to one format only decides which format the file uses. */
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
