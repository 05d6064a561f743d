import type { ListField } from '../issue.ts'
import { readJson } from '../json.ts'
import type { FileFormat } from '../names.ts'
import type { Source, SourceEntry, SourceList, SourceMap, SourceNode } from '../source.ts'
import { fieldOf, fileFields, ruleFields } from '../spelling.ts'
import { readXml } from '../xml.ts'
import { readYaml } from '../yaml.ts'

/** The rules of a text, with the positions for edits. */
export interface RuleNodes {
  readonly text: string
  readonly format: FileFormat
  readonly root: SourceNode
  readonly list: SourceList
  readonly comments: Source['comments']
  /** The file's name for a field of a rule. */
  nameOf(field: RuleField): string
}

export type RuleField = ListField | 'id' | 'maxAgeSeconds' | 'allowCredentials'

const readers = { yaml: readYaml, json: readJson, xml: readXml }

/** `undefined` when the text has no list of rules. */
export function ruleNodes(text: string, format: FileFormat): RuleNodes | undefined {
  // JSON has no byte order mark. A space in its place keeps every offset.
  const { root, comments } = readers[format](format === 'json' ? text.replace(/^\uFEFF/, ' ') : text)
  if (root === undefined) return undefined
  const list = root.kind === 'map' ? rulesEntry(root)?.value : root
  if (list?.kind !== 'list') return undefined
  const style = styleOf(root, list, format)
  return { text, format, root, list, comments, nameOf: (field) => ruleFields[field][style] ?? field }
}

const rulesEntry = ({ entries }: SourceMap): SourceEntry | undefined =>
  entries.find(({ key }) => fieldOf(fileFields, key) === 'rules')

export const entryOf = (rule: SourceMap, field: string): SourceEntry | undefined =>
  rule.entries.find(({ key }) => fieldOf(ruleFields, key) === field)

/** The index of the file's format in the tables of spelling.ts, judged by its keys. */
function styleOf(root: SourceNode, list: SourceList, format: FileFormat): number {
  if (format === 'xml') return 2
  const keys = list.items.flatMap((item) => (item.kind === 'map' ? item.entries : [])).map(({ key }) => key)
  const style = [0, 1, 2, 3].find((at) => keys.some((key) => isSpelling(key, at)))
  if (style !== undefined) return style
  const ours = root.kind === 'map' && rulesEntry(root)?.key === 'rules'
  return ours || format === 'yaml' ? 0 : 1
}

/** Only the names of a rule's lists differ between all formats. */
const isSpelling = (key: string, style: number): boolean =>
  ruleFields.allowedOrigins[style] === key || ruleFields.allowedMethods[style] === key

/** Fields of a rule in the order in which they are written. */
export const fieldOrder = [
  'id',
  'allowedOrigins',
  'allowedMethods',
  'allowedHeaders',
  'exposeHeaders',
  'maxAgeSeconds',
  'allowCredentials',
] as const satisfies readonly RuleField[]

/** The last entry of `rule` that precedes `field` in that order; its last entry if none does. */
export function entryBefore(rule: SourceMap, field: RuleField): SourceEntry | undefined {
  const before = fieldOrder.slice(0, fieldOrder.indexOf(field)).toReversed()
  return before.map((name) => entryOf(rule, name)).find((entry) => entry !== undefined) ?? rule.entries.at(-1)
}
