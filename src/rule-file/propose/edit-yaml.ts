/** Edits YAML in block and flow style. Unchanged parts keep their bytes, comments and order. */

import type { CorsRule } from '../../cors/rule.ts'
import type { ListField } from '../issue.ts'
import type { SourceEntry, SourceList, SourceMap } from '../source.ts'
import { addToBraces, appendToBrackets, insertInBrackets, ruleInBraces } from './edit-braces.ts'
import { entryBefore, entryOf, fieldOrder, type RuleNodes } from './rule-nodes.ts'
import {
  dashBefore,
  insertAt,
  lastEnd,
  lineEnd,
  lineStart,
  newlineOf,
  type TextEdit,
  withComments,
} from './text-edit.ts'

/** Adds `added` to the list `field` of `rule`. `present` is its current content, which may come from a preset. */
export function extendYamlList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  present: readonly string[],
  added: readonly string[],
): TextEdit[] {
  const { text } = nodes
  const entry = entryOf(rule, field)
  if (entry === undefined) return addField(nodes, rule, field, flowList([...present, ...added]))
  const { value, keySpan } = entry
  if (value.offset < keySpan.end || value.kind !== 'list')
    return replaceValue(nodes, entry, [...present, ...added])
  const printed = added.map((item) => printedLike(item, text, value))
  return text[value.offset] === '['
    ? appendToBrackets(nodes, value, printed)
    : appendToBlock(text, value, printed)
}

/** Replaces an alias, or a single value, by a list. */
function replaceValue(
  { text }: RuleNodes,
  { keySpan, value }: SourceEntry,
  values: readonly string[],
): TextEdit[] {
  const alias = /^\s*:\s+(\*[^\s,\]}]+)/.exec(text.slice(keySpan.end))
  if (value.offset >= keySpan.end) return [{ offset: value.offset, end: value.end, text: flowList(values) }]
  if (alias === null) return []
  const end = keySpan.end + alias[0].length
  return [{ offset: end - (alias[1] ?? '').length, end, text: flowList(values) }]
}

function appendToBlock(text: string, list: SourceList, printed: readonly string[]): TextEdit[] {
  const last = list.items.at(-1)
  const dash = last === undefined ? -1 : dashBefore(text, last)
  if (last === undefined || dash < 0) return []
  const lead = `${newlineOf(text)}${' '.repeat(dash - lineStart(text, dash))}- `
  return [insertAt(lineEnd(text, lastEnd(text, last)), printed.map((value) => lead + value).join(''))]
}

function addField(nodes: RuleNodes, rule: SourceMap, field: ListField, printed: string): TextEdit[] {
  const before = entryBefore(rule, field)
  return before === undefined ? [] : [addFieldAfter(nodes, rule, before, nodes.nameOf(field), printed)]
}

/** Adds a field after the entry `before`, inside its braces or on a new line. */
export function addFieldAfter(
  nodes: RuleNodes,
  rule: SourceMap,
  before: SourceEntry,
  name: string,
  printed: string,
): TextEdit {
  const { text } = nodes
  if (text[rule.offset] === '{') return addToBraces(nodes, before, name, printed)
  const column = before.keySpan.offset - lineStart(text, before.keySpan.offset)
  return insertAt(entryEnd(text, before), `${newlineOf(text)}${' '.repeat(column)}${name}: ${printed}`)
}

/** The end of the line on which an entry ends; an alias stands where its key does. */
export const entryEnd = (text: string, { keySpan, value }: SourceEntry): number =>
  lineEnd(text, Math.max(keySpan.end, value.offset < keySpan.end ? 0 : lastEnd(text, value)))

export function insertYamlRule(nodes: RuleNodes, index: number, rule: CorsRule): TextEdit[] {
  const { text, list, root } = nodes
  const newline = newlineOf(text)
  if (text[list.offset] === '[') {
    const hasComment = text.slice(list.offset, list.end).includes('#')
    if (list.items.length > 0 || hasComment || text[root.offset] === '{')
      return insertInBrackets(nodes, index, rule)
    const indent = root.kind === 'map' ? '  ' : ''
    const lines = blockRule(nodes, rule, indent).join(newline)
    // Without the space after the colon, which would otherwise end the line.
    const offset = list.offset - (/[ \t]*$/.exec(text.slice(0, list.offset))?.[0].length ?? 0)
    return [{ offset, end: list.end, text: indent === '' ? lines : `${newline}${lines}` }]
  }
  const near = list.items[index] ?? list.items.at(-1)
  const dash = near === undefined ? -1 : dashBefore(text, near)
  if (near === undefined || dash < 0) return []
  const column = dash - lineStart(text, dash)
  const isFlow = text[near.offset] === '{'
  const lines = isFlow
    ? [`${' '.repeat(column)}- ${ruleInBraces(nodes, rule, undefined)}`]
    : blockRule(nodes, rule, ' '.repeat(column))
  if (index >= list.items.length)
    return [insertAt(lineEnd(text, lastEnd(text, near)), lines.map((line) => newline + line).join(''))]
  return [insertAt(withComments(text, lineStart(text, dash)), lines.map((line) => line + newline).join(''))]
}

function blockRule({ nameOf }: RuleNodes, rule: CorsRule, indent: string): string[] {
  const lines = fieldOrder.flatMap((field) => {
    const value = rule[field]
    if (value === undefined || (Array.isArray(value) && value.length === 0)) return []
    return [
      `${nameOf(field)}: ${Array.isArray(value) ? flowList(value) : typeof value === 'string' ? yamlScalar(value) : value}`,
    ]
  })
  return lines.map((line, at) => `${indent}${at === 0 ? '- ' : '  '}${line}`)
}

export const flowList = (values: readonly string[]): string => `[${values.map(yamlScalar).join(', ')}]`

/** Unquoted if every YAML reader, 1.1 included, reads it as text; otherwise as JSON, which is valid YAML. */
const yamlScalar = (text: string): string =>
  /^[A-Za-z][A-Za-z0-9-]*$/.test(text) && !/^(?:true|false|null|yes|no|on|off|y|n)$/i.test(text)
    ? text
    : JSON.stringify(text)

/** Quoted like the last item of the list. */
export function printedLike(value: string, text: string, { items }: SourceList): string {
  const last = items.at(-1)
  const mark = last === undefined ? '"' : text[last.offset]
  if (mark === "'" && !value.includes("'")) return `'${value}'`
  if (mark === '"') return JSON.stringify(value)
  return /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9.-]+(?::[0-9]+)?$/.test(value) ? value : yamlScalar(value)
}
