/** Edits of a rule file, one field or one rule at a time, as the form of the console makes them. */

import type { ListField } from '../issue.ts'
import type { FileFormat } from '../names.ts'
import type { SourceEntry, SourceMap, Span } from '../source.ts'
import { fieldOf, fileFields } from '../spelling.ts'
import { insertRule } from './edit-file.ts'
import { emptyList, type Part, rewriteList } from './edit-list.ts'
import { addFirstXmlRule, moveXmlRule, removeXmlRule, setXmlList, setXmlText } from './edit-xml-rule.ts'
import { addFieldAfter, entryEnd, flowList, printedLike } from './edit-yaml.ts'
import { keepsAcceptances } from './kept-acceptances.ts'
import { type RuleModel, readModel } from './rule-model.ts'
import { entryBefore, entryOf, type RuleNodes, ruleNodes } from './rule-nodes.ts'
import {
  applyEdits,
  breakAt,
  insertAt,
  lineStart,
  newlineOf,
  ownIndent,
  removeBetween,
  type TextEdit,
  withComments,
} from './text-edit.ts'

type TextField = 'id' | 'preset' | 'maxAgeSeconds'

/** Rules are counted from 0. An empty list or text removes the field. */
export type RuleEdit =
  | {
      readonly kind: 'list'
      readonly rule: number
      readonly field: ListField
      readonly values: readonly string[]
    }
  | { readonly kind: 'text'; readonly rule: number; readonly field: TextField; readonly value: string }
  | { readonly kind: 'add' }
  | { readonly kind: 'remove'; readonly rule: number }
  | { readonly kind: 'move'; readonly rule: number; readonly to: number }

/**
 * Applies `edit` and leaves every other byte alone. `undefined` when that is impossible, for example because of an
 * alias, or of a comment within the replaced text; the file must then be edited as text.
 */
export function editRule(text: string, format: FileFormat, edit: RuleEdit): string | undefined {
  const nodes = ruleNodes(text, format)
  const before = readModel(text, format)
  if (nodes === undefined || before === undefined) return undefined
  const edits = editsOf(nodes, edit)
  if (edits === undefined) return undefined
  const edited = applyEdits(text, edits)
  const after = readModel(edited, format)
  const expected = { ...before, rules: changedRules(before.rules, edit, format) }
  const now = ruleNodes(edited, format)
  if (now === undefined || JSON.stringify(after) !== JSON.stringify(expected)) return undefined
  return keepsAcceptances(nodes, now, removedBy(nodes, edit)) ? edited : undefined
}

/** The values that `edit` removes. */
function removedBy({ list }: RuleNodes, edit: RuleEdit): readonly Span[] {
  if (edit.kind === 'add' || edit.kind === 'move') return []
  const rule = list.items[edit.rule]
  if (rule?.kind !== 'map') return []
  if (edit.kind === 'remove') return [rule]
  const value = entryOf(rule, edit.field)?.value
  if (value === undefined) return []
  if (edit.kind === 'text') return edit.value === '' ? [value] : []
  const items = value.kind === 'list' ? value.items : [value]
  return items.filter((item) => item.kind !== 'scalar' || !edit.values.includes(String(item.value)))
}

/** The rules that `edit` should produce, to compare with those of the edited text. */
function changedRules(rules: readonly RuleModel[], edit: RuleEdit, format: FileFormat): readonly RuleModel[] {
  const put = (index: number, part: Partial<RuleModel>): RuleModel[] =>
    rules.map((rule, at) => (at === index ? { ...rule, ...part } : rule))
  switch (edit.kind) {
    case 'list': {
      // XML has no empty lists.
      const keeps = edit.values.length > 0 || (isRequired(edit.field) && format !== 'xml')
      return put(edit.rule, { [edit.field]: keeps ? edit.values : null })
    }
    case 'text':
      return put(edit.rule, { [edit.field]: edit.value === '' ? null : edit.value })
    case 'add':
      return [...rules, { ...emptyRule, allowedMethods: startMethods, maxAgeSeconds: String(startMaxAge) }]
    case 'remove':
      return rules.toSpliced(edit.rule, 1)
    case 'move':
      return moved(rules, edit.rule, edit.to)
  }
}

/** A new rule allows reading, with the max-age that the COS console shows as its example. */
const startMethods = ['GET', 'HEAD'] as const
const startMaxAge = 600

const emptyRule: RuleModel = {
  id: null,
  preset: null,
  allowedOrigins: null,
  allowedMethods: null,
  allowedHeaders: null,
  exposeHeaders: null,
  maxAgeSeconds: null,
  others: {},
}

const moved = <Item>(items: readonly Item[], from: number, to: number): Item[] => {
  const rest = items.toSpliced(from, 1)
  return rest.toSpliced(to, 0, ...items.slice(from, from + 1))
}

const isRequired = (field: ListField): boolean => field === 'allowedOrigins' || field === 'allowedMethods'

function editsOf(nodes: RuleNodes, edit: RuleEdit): readonly TextEdit[] | undefined {
  const { list } = nodes
  switch (edit.kind) {
    case 'add':
      return addRule(nodes)
    case 'remove':
      if (nodes.format === 'xml') return removeXmlRule(nodes, edit.rule)
      return rearrangeRules(nodes, [...list.items.keys()].toSpliced(edit.rule, 1))
    case 'move':
      if (nodes.format === 'xml') return moveXmlRule(nodes, edit.rule, edit.to)
      return rearrangeRules(nodes, moved([...list.items.keys()], edit.rule, edit.to))
    case 'list':
    case 'text': {
      const rule = list.items[edit.rule]
      if (rule?.kind !== 'map') return undefined
      if (nodes.format === 'xml') return setXml(nodes, rule, edit)
      return edit.kind === 'list'
        ? setList(nodes, rule, edit.field, edit.values)
        : setText(nodes, rule, edit.field, edit.value)
    }
  }
}

function addRule(nodes: RuleNodes): readonly TextEdit[] | undefined {
  const rule = {
    allowedOrigins: [],
    allowedMethods: startMethods,
    allowedHeaders: [],
    exposeHeaders: [],
    maxAgeSeconds: startMaxAge,
  }
  const index = nodes.list.items.length
  return nodes.format === 'xml' && index === 0 ? addFirstXmlRule(nodes, rule) : insertRule(nodes, index, rule)
}

/** Presets are not part of the vendors' XML. */
function setXml(
  nodes: RuleNodes,
  rule: SourceMap,
  edit: Extract<RuleEdit, { readonly kind: 'list' | 'text' }>,
): readonly TextEdit[] | undefined {
  if (edit.kind === 'list') return setXmlList(nodes, rule, edit.field, edit.values)
  return edit.field === 'preset' ? undefined : setXmlText(nodes, rule, edit.field, edit.value)
}

function rearrangeRules(nodes: RuleNodes, order: readonly number[]): readonly TextEdit[] | undefined {
  const { text, list, root } = nodes
  if (order.length > 0) return optional(rewriteList(text, list, order))
  const entry =
    root.kind === 'map' ? root.entries.find(({ key }) => fieldOf(fileFields, key) === 'rules') : undefined
  return entry === undefined ? undefined : emptyList(text, entry)
}

const optional = (edit: TextEdit | undefined): readonly TextEdit[] | undefined => edit && [edit]

function setList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  values: readonly string[],
): readonly TextEdit[] | undefined {
  const { text, format } = nodes
  const entry = entryOf(rule, field)
  const whole = format === 'json' ? JSON.stringify(values).replaceAll('","', '", "') : flowList(values)
  if (entry === undefined) return values.length === 0 ? [] : addEntry(nodes, rule, field, whole)
  const { keySpan, value } = entry
  // The value of an alias is elsewhere in the file.
  if (value.offset < keySpan.end) return undefined
  if (values.length === 0) return isRequired(field) ? emptyList(text, entry) : removeEntry(nodes, rule, entry)
  if (value.kind !== 'list' || value.items.length === 0) {
    const hasComment = value.kind === 'list' && text.slice(value.offset, value.end).includes('#')
    return hasComment ? undefined : [{ offset: value.offset, end: value.end, text: whole }]
  }
  const unused = new Map(value.items.entries())
  const parts = values.map((wanted): Part => {
    const found = [...unused].find(([, item]) => item.kind === 'scalar' && item.value === wanted)
    if (found === undefined)
      return format === 'json' ? JSON.stringify(wanted) : printedLike(wanted, text, value)
    unused.delete(found[0])
    return found[0]
  })
  return optional(rewriteList(text, value, parts))
}

function setText(
  nodes: RuleNodes,
  rule: SourceMap,
  field: TextField,
  value: string,
): readonly TextEdit[] | undefined {
  const entry = entryOf(rule, field)
  if (value === '') return entry === undefined ? [] : removeEntry(nodes, rule, entry)
  const printed = printedText(nodes, field, value)
  if (entry === undefined) return addEntry(nodes, rule, field, printed)
  return entry.value.offset < entry.keySpan.end
    ? undefined
    : [{ offset: entry.value.offset, end: entry.value.end, text: printed }]
}

function printedText({ format }: RuleNodes, field: TextField, value: string): string {
  if (field === 'maxAgeSeconds' && /^(?:0|[1-9]\d{0,14})$/.test(value)) return value
  return format === 'json' ? JSON.stringify(value) : flowList([value]).slice(1, -1)
}

function addEntry(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField | TextField,
  printed: string,
): readonly TextEdit[] | undefined {
  const { text, nameOf } = nodes
  const name = field === 'preset' ? field : nameOf(field)
  const [first] = rule.entries
  const before =
    field === 'id' ? undefined : field === 'preset' ? entryOf(rule, 'id') : entryBefore(rule, field)
  if (first === undefined) return undefined
  if (before !== undefined) return [addFieldAfter(nodes, rule, before, name, printed)]
  const start = lineStart(text, first.keySpan.offset)
  const column = first.keySpan.offset - start
  const key = nodes.format === 'json' ? JSON.stringify(name) : name
  const isFlow = text[rule.offset] === '{'
  // Below a dash that stands alone, where comments of the first key may follow.
  if (!isFlow && ownIndent(text, first.keySpan.offset) !== undefined)
    return [insertAt(withComments(text, start), `${' '.repeat(column)}${key}: ${printed}${newlineOf(text)}`)]
  const between = isFlow ? ', ' : `${newlineOf(text)}${' '.repeat(column)}`
  return [insertAt(first.keySpan.offset, `${key}: ${printed}${between}`)]
}

function removeEntry(
  { text }: RuleNodes,
  rule: SourceMap,
  entry: SourceEntry,
): readonly TextEdit[] | undefined {
  const index = rule.entries.indexOf(entry)
  const [before, next] = [rule.entries[index - 1], rule.entries[index + 1]]
  // Nothing would be left of the rule.
  if (before === undefined && next === undefined) return undefined
  if (text[rule.offset] === '{')
    return optional(removeBetween(text, before && wholeOf(before), wholeOf(entry), next && wholeOf(next)))
  // A comment behind the field, on its line, is about the field and goes with it. A comment on a line of its own below
  // is about the next field, and may be an acceptance for it, so it stays.
  const start = entry.keySpan.offset
  const end = entryEnd(text, entry)
  if (before !== undefined || ownIndent(text, start) !== undefined)
    return [{ offset: lineStart(text, start), end: end + breakAt(text, end), text: '' }]
  // The first key is on the line of the rule's dash, which must stay.
  const below = next?.keySpan.offset ?? end
  if (!text.slice(end, below).includes('#')) return [{ offset: start, end: below, text: '' }]
  // The dash keeps the line alone: a comment moved up behind it would apply to the whole rule.
  const space = /[ \t]*$/.exec(text.slice(lineStart(text, start), start))?.[0].length ?? 0
  return [{ offset: start - space, end, text: '' }]
}

/** The value of an alias is elsewhere in the file, before its key. */
const wholeOf = ({ keySpan, value }: SourceEntry): Span => ({
  offset: keySpan.offset,
  end: Math.max(keySpan.end, value.end),
})
