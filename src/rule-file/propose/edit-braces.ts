/** Edits JSON, and YAML in brackets and braces. */

import type { CorsRule } from '../../cors/rule.ts'
import type { SourceEntry, SourceList, SourceMap } from '../source.ts'
import { fieldOrder, type RuleField, type RuleNodes } from './rule-nodes.ts'
import { insertAt, lineEnd, newlineOf, ownIndent, type TextEdit } from './text-edit.ts'

/** Appends printed values to a list in brackets. */
export function appendToBrackets(
  { text }: RuleNodes,
  list: SourceList,
  printed: readonly string[],
): TextEdit[] {
  const last = list.items.at(-1)
  if (last === undefined) return [insertAt(list.offset + 1, printed.join(', '))]
  const indent = ownIndent(text, last.offset)
  if (indent === undefined) {
    const separator = separatorIn(text, list)
    return [insertAt(last.end, printed.map((value) => separator + value).join(''))]
  }
  const end = lineEnd(text, last.end)
  const rest = text.slice(last.end, end)
  const lines = printed.map((value) => `${newlineOf(text)}${indent}${value}`)
  // A comment after the last item stays there.
  if (!/^\s*,?\s*(?:#.*)?$/.test(rest)) return [insertAt(last.end, `,${lines.join(',')}`)]
  return /^\s*,/.test(rest)
    ? [insertAt(end, `${lines.join(',')},`)]
    : [insertAt(last.end, ','), insertAt(end, lines.join(','))]
}

/** The text between two items, if there are two. */
function separatorIn(text: string, { items }: SourceList): string {
  const [first, second] = items
  const between = first === undefined || second === undefined ? ', ' : text.slice(first.end, second.offset)
  return /^,[ \t]*$/.test(between) ? between : ', '
}

/** Inserts a field after `before` in a mapping in braces. */
export function addToBraces(
  { text, format }: RuleNodes,
  before: SourceEntry,
  name: string,
  printed: string,
): TextEdit {
  const indent = ownIndent(text, before.keySpan.offset)
  const space = indent === undefined ? ' ' : `${newlineOf(text)}${indent}`
  const colon = /^:(\s?)/.exec(text.slice(before.keySpan.end))?.[1] ?? ' '
  // Without a space YAML would read the colon as part of the key.
  return insertAt(
    before.value.end,
    `,${space}${format === 'json' ? `"${name}":${colon}` : `${name}: `}${printed}`,
  )
}

/** A rule in braces, on one line if `indent` is `undefined`; otherwise its lines after the first start with `indent`. */
export function ruleInBraces(nodes: RuleNodes, rule: CorsRule, indent: string | undefined): string {
  const { format, nameOf, text } = nodes
  const fields = fieldOrder.flatMap((field) => {
    const value = printedField(rule, field)
    return value === undefined
      ? []
      : [format === 'json' ? `"${nameOf(field)}": ${value}` : `${nameOf(field)}: ${value}`]
  })
  if (indent === undefined) return `{${fields.join(', ')}}`
  const newline = `${newlineOf(text)}${indent}`
  const step = stepOf(nodes, indent)
  return `{${fields.map((field) => `${newline}${step}${field}`).join(',')}${newline}}`
}

/** A field of a new rule as JSON, which is also YAML. */
function printedField(rule: CorsRule, field: RuleField): string | undefined {
  const value = rule[field]
  if (value === undefined || (Array.isArray(value) && value.length === 0)) return undefined
  return Array.isArray(value)
    ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value)
}

/** One level of indentation, taken from the first rule with keys on separate lines. */
function stepOf({ text, list }: RuleNodes, indent: string): string {
  const keys = list.items.flatMap((item) => (item.kind === 'map' ? item.entries.slice(0, 1) : []))
  const inner = keys.map(({ keySpan }) => ownIndent(text, keySpan.offset)).find((own) => own !== undefined)
  return inner?.startsWith(indent) && inner.length > indent.length ? inner.slice(indent.length) : '  '
}

export function insertInBrackets(nodes: RuleNodes, index: number, rule: CorsRule): TextEdit[] {
  const { text, list } = nodes
  const next = list.items[index]
  const near = next ?? list.items.at(-1)
  if (near === undefined) return [insertAt(list.offset + 1, ruleInBraces(nodes, rule, undefined))]
  const indent = ownIndent(text, near.offset)
  const isInLines =
    near.kind === 'map' && near.entries.some(({ keySpan }) => ownIndent(text, keySpan.offset) !== undefined)
  const outer = indent ?? (isInLines ? closingIndent(text, near) : undefined)
  const printed = ruleInBraces(nodes, rule, isInLines ? outer : undefined)
  const separator = indent === undefined ? ', ' : `,${newlineOf(text)}${indent}`
  return next === undefined
    ? [insertAt(near.end, `${separator}${printed}`)]
    : [insertAt(next.offset, `${printed}${separator}`)]
}

/** For `[{` and `}, {`: the closing brace shows how far the rule is indented. */
const closingIndent = (text: string, rule: SourceMap): string => ownIndent(text, rule.end - 1) ?? ''
