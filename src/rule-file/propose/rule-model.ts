import type { FileFormat } from '../names.ts'
import type { SourceEntry, SourceNode } from '../source.ts'
import { fieldOf, fileFields, ruleFields } from '../spelling.ts'
import { entryOf, ruleNodes } from './rule-nodes.ts'

/** One rule as written, with presets not expanded; `null` for an absent field. */
export interface RuleModel {
  readonly id: string | null
  readonly preset: string | null
  readonly allowedOrigins: readonly string[] | null
  readonly allowedMethods: readonly string[] | null
  readonly allowedHeaders: readonly string[] | null
  readonly exposeHeaders: readonly string[] | null
  readonly maxAgeSeconds: string | null
  /** Every other field of the rule, by its name in the file. */
  readonly others: Readonly<Record<string, unknown>>
}

/** A whole file, so that a comparison also finds changes outside its rules. */
interface FileModel {
  readonly rules: readonly RuleModel[]
  /** Every field of the file except the rules, by its name in the file. */
  readonly others: Readonly<Record<string, unknown>>
}

/** Reads `text` without validating it. `undefined` unless it has a list of rules that are all mappings. */
export function readModel(text: string, format: FileFormat): FileModel | undefined {
  const nodes = ruleNodes(text, format)
  if (nodes === undefined || nodes.list.items.some(({ kind }) => kind !== 'map')) return undefined
  const { root, list } = nodes
  const entries = root.kind === 'map' ? root.entries : []
  return {
    rules: list.items.map(ruleModel),
    others: byKey(entries.filter(({ key }) => fieldOf(fileFields, key) !== 'rules')),
  }
}

const byKey = (entries: readonly SourceEntry[]): Readonly<Record<string, unknown>> =>
  Object.fromEntries(entries.map(({ key, value }) => [key, plain(value)]))

const shownFields: ReadonlySet<string | undefined> = new Set([
  'id',
  'preset',
  'allowedOrigins',
  'allowedMethods',
  'allowedHeaders',
  'exposeHeaders',
  'maxAgeSeconds',
])

function ruleModel(rule: SourceNode): RuleModel {
  const value = (field: string): SourceNode | undefined =>
    rule.kind === 'map' ? entryOf(rule, field)?.value : undefined
  return {
    id: textOf(value('id')),
    preset: textOf(value('preset')),
    allowedOrigins: listOf(value('allowedOrigins')),
    allowedMethods: listOf(value('allowedMethods')),
    allowedHeaders: listOf(value('allowedHeaders')),
    exposeHeaders: listOf(value('exposeHeaders')),
    maxAgeSeconds: textOf(value('maxAgeSeconds')),
    others: byKey(
      rule.kind === 'map' ? rule.entries.filter(({ key }) => !shownFields.has(fieldOf(ruleFields, key))) : [],
    ),
  }
}

const textOf = (node: SourceNode | undefined): string | null =>
  node?.kind === 'scalar' && node.value !== null ? String(node.value) : null

/** Vendors also write a single value without a list. */
function listOf(node: SourceNode | undefined): readonly string[] | null {
  if (node === undefined) return null
  const items = node.kind === 'list' ? node.items : [node]
  return items.map((item) => textOf(item) ?? '')
}

function plain(node: SourceNode): unknown {
  switch (node.kind) {
    case 'scalar':
      return node.value
    case 'list':
      return node.items.map(plain)
    case 'map':
      return node.entries.map(({ key, value }) => [key, plain(value)])
  }
}
