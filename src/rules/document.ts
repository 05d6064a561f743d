/**
 * From a value with positions, in any vendor's spelling, to a plain document in ours, and from a path in that document
 * back to the place in the text.
 */

import { quoted } from '../cors/entry.ts'
import type { ValuePath } from '../cors/issue.ts'
import { type Fields, fieldOf, fileFields, isSingular, ruleFields, testFields } from '../cors/spelling.ts'
import { nearest } from '../settings/nearest.ts'
import {
  errorAt,
  type Problem,
  type SourceEntry,
  type SourceMap,
  type SourceNode,
  type Span,
} from './source.ts'

export interface RuleDocument {
  /** Plain objects and lists in our spelling. Keys that nobody knows are left out: they are among the problems. */
  readonly value: unknown
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
  return {
    value,
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

const rulesOf = (node: SourceNode, problems: Problem[]): unknown =>
  listOf(node, (item) => withFields(item, ruleFields, problems))

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
  const given = new Map<string, SourceEntry>()
  for (const entry of node.entries) {
    const { key, keySpan, value } = entry
    // For editors only.
    if (key === '$schema' && fields === fileFields) continue
    const field = fieldOf(fields, key)
    if (field === undefined) problems.push(unknownKey(entry, fields))
    const first = given.get(field ?? key)
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
    given.set(field ?? key, entry)
    if (field !== undefined) result[field] = fieldValue(field, value, key)
  }
  return result
}

/** Keys that stand around or in what the vendors' tools print, and what to do about them. */
const keyHints: Readonly<Record<string, string>> = {
  '<<': 'YAML 1.2 has no merge keys; write the fields out, or use an alias for one value',
  CORSConfiguration: 'put what is inside it at the top of the file',
  Bucket: 'the name of the file is the bucket',
  bucket: 'the name of the file is the bucket',
  allowCredentials: 'credentials are allowed for origins that are named, as the vendors do it; remove it',
}

function unknownKey({ key, keySpan }: SourceEntry, fields: Fields): Problem {
  // A file keeps to one spelling: AlowedOrigins was meant to be AllowedOrigins.
  const isAlike = (name: string): boolean => /^[A-Z]/.test(name) === /^[A-Z]/.test(key)
  const known = Object.values(fields).map((names) => names.find(isAlike) ?? names[0] ?? '')
  const near = nearest(key, known)
  const hint = Object.hasOwn(keyHints, key)
    ? keyHints[key]
    : near !== undefined
      ? `did you mean ${near}?`
      : `known here: ${known.join(', ')}`
  return errorAt(keySpan.offset, keySpan.end, 'unknown-key', `unknown key ${quoted(key)}: ${hint}`)
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
  node.entries.find(({ key }) => (fieldOf(fields, key) ?? key) === step)

/** The spelling in use, from the first key of the file that gives it away. */
function spellingOf(root: SourceNode, field: string): string {
  const rules = root.kind === 'map' ? entryOf(root, 'rules', fileFields) : undefined
  const list = root.kind === 'list' ? root : rules?.value
  const first = list?.kind === 'list' ? list.items[0] : undefined
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
