import type { DialectName } from '../../cors/rule.ts'
import { escapeXml } from '../../dialect/xml.ts'
import type { Finding } from '../../plan/finding.ts'
import { formatOf } from '../names.ts'
import { type PlacedRemedy, readRules } from '../read.ts'
import type { SourceEntry, SourceList, SourceNode, Span } from '../source.ts'
import { fieldOf, fileFields } from '../spelling.ts'
import { extendList } from './edit-file.ts'
import { emptyList } from './edit-list.ts'
import { flowList, printedLike } from './edit-yaml.ts'
import { added } from './propose.ts'
import { entryOf, type RuleNodes, ruleNodes } from './rule-nodes.ts'
import {
  applyEdits,
  lastEnd,
  lineEnd,
  lineStart,
  newlineOf,
  ownIndent,
  removeBetween,
  type TextEdit,
} from './text-edit.ts'

/**
 * The file `text` with the remedy of one finding applied; `undefined` when that would not resolve the finding, or
 * would add another error or warning.
 */
export function applyRemedy(
  file: string,
  text: string,
  dialect: DialectName,
  { code, path, remedy }: PlacedRemedy,
): string | undefined {
  const nodes = ruleNodes(text, formatOf(file) ?? 'yaml')
  const target = nodes === undefined ? undefined : targetAt(nodes, path)
  if (nodes === undefined || target === undefined) return undefined
  const edits = editsFor(nodes, target, remedy)
  const next = edits.length === 0 ? undefined : applyEdits(text, edits)
  if (next === undefined) return undefined
  const findingsIn = (content: string): readonly Finding[] =>
    readRules(file, new TextEncoder().encode(content), dialect).findings
  const count = (findings: readonly Finding[]): number =>
    findings.filter((finding) => finding.code === code).length
  const before = findingsIn(text)
  const after = findingsIn(next)
  // An info may appear: localhost is reported only once the entry can match.
  return count(after) < count(before) && added(before, after) === undefined ? next : undefined
}

interface Target {
  readonly rule: SourceNode | undefined
  readonly entry: SourceEntry
  readonly list: SourceList | undefined
  readonly at: number
}

function targetAt({ root, list }: RuleNodes, path: PlacedRemedy['path']): Target | undefined {
  const [top, index, field, at] = path
  if (top === 'rules') {
    const rule = typeof index === 'number' ? list.items[index] : undefined
    const entry =
      rule?.kind === 'map' ? (entryOf(rule, String(field ?? 'allowedOrigins')) ?? rule.entries[0]) : undefined
    return entry === undefined
      ? undefined
      : { rule, entry, list: listIn(entry), at: typeof at === 'number' ? at : 0 }
  }
  const entry =
    root.kind === 'map' ? root.entries.find(({ key }) => fieldOf(fileFields, key) === top) : undefined
  return entry === undefined || typeof index !== 'number'
    ? undefined
    : { rule: undefined, entry, list: listIn(entry), at: index }
}

const listIn = ({ value }: SourceEntry): SourceList | undefined => (value.kind === 'list' ? value : undefined)

function editsFor(nodes: RuleNodes, target: Target, remedy: PlacedRemedy['remedy']): readonly TextEdit[] {
  switch (remedy.kind) {
    case 'add': {
      const { rule } = target
      const entry = rule?.kind === 'map' ? entryOf(rule, remedy.field) : undefined
      if (rule?.kind !== 'map') return []
      // Values from a preset are not in the text, and a remedy does not repeat them.
      if (entry === undefined && entryOf(rule, 'preset') !== undefined) return []
      const present =
        entry === undefined
          ? []
          : [entry.value].flatMap((value) => (value.kind === 'list' ? value.items : [value]))
      const values = present.map((item) => (item.kind === 'scalar' ? String(item.value) : ''))
      return extendList(nodes, rule, remedy.field, values, remedy.values)
    }
    case 'remove':
      return target.list === undefined ? [] : removeItem(nodes, target.entry, target.list, target.at)
    case 'replace':
      return replaceValue(nodes, target, remedy.values)
  }
}

function replaceValue(nodes: RuleNodes, { entry, list, at }: Target, values: readonly string[]): TextEdit[] {
  const { text, format } = nodes
  const item = list === undefined ? entry.value : list.items[at]
  if (item?.kind !== 'scalar' || item.offset < entry.keySpan.end) return []
  const [first = '', ...more] = values
  if (format === 'xml') {
    const others = more.map((value) => `</${entry.key}><${entry.key}>${escapeXml(value)}`).join('')
    return [{ offset: item.offset, end: item.end, text: escapeXml(first) + others }]
  }
  // Max-age in seconds, written without quotes.
  if (list === undefined && /^[0-9]+$/.test(first))
    return [{ offset: item.offset, end: item.end, text: first }]
  if (list === undefined)
    return [
      {
        offset: item.offset,
        end: item.end,
        text: more.length === 0 ? JSON.stringify(first) : flowList(values),
      },
    ]
  const printed = values.map((value) =>
    format === 'json' ? JSON.stringify(value) : printedLike(value, text, { ...list, items: [item] }),
  )
  return [{ offset: item.offset, end: item.end, text: printed.join(separatorAt(text, list, item)) }]
}

/** The separator of two items: a comma in brackets, a new line with a dash in a block. */
function separatorAt(text: string, list: SourceList, item: Span): string {
  if (text[list.offset] === '[') return ', '
  const dash = text.lastIndexOf('-', item.offset - 1)
  return `${newlineOf(text)}${' '.repeat(dash - lineStart(text, dash))}- `
}

function removeItem(
  { text, format }: RuleNodes,
  entry: SourceEntry,
  list: SourceList,
  at: number,
): readonly TextEdit[] {
  const item = list.items[at]
  if (item === undefined || list.offset < entry.keySpan.end - 1 - entry.key.length) return []
  if (format === 'xml') return [xmlElement(text, entry.key, item)]
  if (text[list.offset] === '[') {
    const edit = removeBetween(text, list.items[at - 1], item, list.items[at + 1])
    return edit === undefined ? [] : [edit]
  }
  if (list.items.length === 1) return emptyList(text, entry)
  const dash = text.lastIndexOf('-', item.offset - 1)
  const end = lineEnd(text, lastEnd(text, item))
  return [{ offset: lineStart(text, dash), end: end + newlineOf(text).length, text: '' }]
}

function xmlElement(text: string, name: string, item: Span): TextEdit {
  const start = text.lastIndexOf(`<${name}`, item.offset)
  const end = text.indexOf('>', text.indexOf('</', item.end)) + 1
  const own = ownIndent(text, start) !== undefined && lineEnd(text, end) === end && start > 0
  return own
    ? { offset: lineStart(text, start), end: end + newlineOf(text).length, text: '' }
    : { offset: start, end, text: '' }
}
