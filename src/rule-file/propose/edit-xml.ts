import type { CorsRule } from '../../cors/rule.ts'
import { escapeXml } from '../../dialect/xml.ts'
import type { ListField } from '../issue.ts'
import type { SourceMap, SourceNode, Span } from '../source.ts'
import { entryBefore, entryOf, fieldOrder, type RuleNodes } from './rule-nodes.ts'
import { insertAt, newlineOf, ownIndent, type TextEdit } from './text-edit.ts'

/** An element without attributes. */
export const printed = (name: string, value: string): string => `<${name}>${escapeXml(value)}</${name}>`

/** Adds an element for each of `added` after those of the same name, or after the fields that precede them. */
export function extendXmlList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  added: readonly string[],
): TextEdit[] {
  const { text, nameOf } = nodes
  const entry = entryOf(rule, field) ?? entryBefore(rule, field)
  const last = entry?.value.kind === 'list' ? entry.value.items.at(-1) : entry?.value
  if (entry === undefined || last === undefined) return []
  const prefix = prefixAt(text, entry.keySpan)
  const start = text.lastIndexOf(`<${prefix}${entry.key}`, last.offset)
  const indent = ownIndent(text, start)
  const lead = indent === undefined ? '' : `${newlineOf(text)}${indent}`
  const end = endOfElement(text, last)
  return end === undefined
    ? []
    : [insertAt(end, added.map((value) => lead + printed(prefix + nameOf(field), value)).join(''))]
}

/** The namespace prefix of the element that starts at `offset`, with its colon; empty without one. */
export const prefixAt = (text: string, { offset }: Span): string =>
  /^<([^\s<>/:]+:)/.exec(text.slice(offset, offset + 300))?.[1] ?? ''

function endOfElement(text: string, leaf: SourceNode): number | undefined {
  const close = text.indexOf('</', leaf.end)
  const end = close < 0 ? -1 : text.indexOf('>', close)
  return end < 0 ? undefined : end + 1
}

/** Inserts `rule` before rule `index`, or after the last rule. */
export function insertXmlRule({ text, list, nameOf }: RuleNodes, index: number, rule: CorsRule): TextEdit[] {
  const next = list.items[index]
  const near = next ?? list.items.at(-1)
  if (near?.kind !== 'map') return []
  const indent = ownIndent(text, near.offset)
  const inner = near.entries
    .map(({ keySpan }) => ownIndent(text, keySpan.offset))
    .find((own) => own !== undefined)
  const lead = inner === undefined ? '' : newlineOf(text) + inner
  const prefix = prefixAt(text, near)
  const fields = fieldOrder.flatMap((field) => {
    const value = rule[field]
    return value === undefined
      ? []
      : [value].flat().map((item) => lead + printed(prefix + nameOf(field), String(item)))
  })
  const close = inner === undefined ? '' : newlineOf(text) + (indent ?? '')
  const whole = `<${prefix}CORSRule>${fields.join('')}${close}</${prefix}CORSRule>`
  const between = indent === undefined ? '' : newlineOf(text) + indent
  return next === undefined ? [insertAt(near.end, between + whole)] : [insertAt(next.offset, whole + between)]
}
