/** XML edits for the console's rule form. Comments directly above an element are moved or deleted with it. */

import type { CorsRule } from '../../cors/rule.ts'
import type { ListField } from '../issue.ts'
import type { SourceEntry, SourceMap, SourceNode, Span } from '../source.ts'
import { prefixAt, printed } from './edit-xml.ts'
import { entryBefore, entryOf, fieldOrder, type RuleNodes } from './rule-nodes.ts'
import { insertAt, lineEnd, lineStart, newlineOf, ownIndent, type TextEdit } from './text-edit.ts'

type Edits = readonly TextEdit[] | undefined

/** Adds `rule` to a document without rules. */
export function addFirstXmlRule({ text, root, nameOf }: RuleNodes, rule: CorsRule): Edits {
  const close = text.lastIndexOf('</', root.end)
  if (close <= root.offset) return undefined
  const prefix = prefixAt(text, root)
  const fields = fieldOrder.flatMap((field) =>
    [rule[field] ?? []].flat().map((value) => `  ${printed(prefix + nameOf(field), String(value))}`),
  )
  const lines = [`<${prefix}CORSRule>`, ...fields, `</${prefix}CORSRule>`].map(
    (line) => `  ${line}${newlineOf(text)}`,
  )
  const isLine = ownIndent(text, close) !== undefined
  return [
    insertAt(isLine ? lineStart(text, close) : close, `${isLine ? '' : newlineOf(text)}${lines.join('')}`),
  ]
}

export function removeXmlRule({ text, list }: RuleNodes, index: number): Edits {
  const rule = list.items[index]
  return rule && [{ ...blockOf(text, rule), text: '' }]
}

export function moveXmlRule({ text, list }: RuleNodes, index: number, to: number): Edits {
  const [rule, target] = [list.items[index], list.items[to]]
  if (rule === undefined || target === undefined || index === to) return undefined
  const [block, place] = [blockOf(text, rule), blockOf(text, target)]
  const moved = text.slice(block.offset, block.end)
  return [insertAt(to > index ? place.end : place.offset, moved), { ...block, text: '' }]
}

/** Elements that stay keep their bytes and their comments. */
export function setXmlList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  values: readonly string[],
): Edits {
  const { text } = nodes
  const entry = entryOf(rule, field)
  if (entry?.value.kind !== 'list') return addXmlElements(nodes, rule, field, values)
  const elements = elementsOf(text, entry)
  const [first] = elements
  if (first === undefined) return undefined
  const blocks = elements.map((element) => blockOf(text, element))
  const unused = new Map(entry.value.items.entries())
  const pieces = values.map((wanted) => {
    const found = [...unused].find(([, item]) => item.kind === 'scalar' && item.value === wanted)
    const block = found && blocks[found[0]]
    if (found === undefined || block === undefined)
      return newElement(text, first, nameIn(text, entry), wanted)
    unused.delete(found[0])
    return text.slice(block.offset, block.end)
  })
  return [
    insertAt(blocks[0]?.offset ?? first.offset, pieces.join('')),
    ...blocks.map((block) => ({ ...block, text: '' })),
  ]
}

export function setXmlText(
  nodes: RuleNodes,
  rule: SourceMap,
  field: 'id' | 'maxAgeSeconds',
  value: string,
): Edits {
  const { text } = nodes
  const entry = entryOf(rule, field)
  if (entry === undefined) return addXmlElements(nodes, rule, field, value === '' ? [] : [value])
  const [element] = elementsOf(text, entry)
  if (element === undefined) return undefined
  return value === ''
    ? [{ ...blockOf(text, element), text: '' }]
    : [{ ...element, text: printed(nameIn(text, entry), value) }]
}

function addXmlElements(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField | 'id' | 'maxAgeSeconds',
  values: readonly string[],
): Edits {
  const { text, nameOf } = nodes
  const near = field === 'id' ? rule.entries[0] : entryBefore(rule, field)
  const elements = near === undefined ? [] : elementsOf(text, near)
  const element = field === 'id' ? elements[0] : elements.at(-1)
  if (near === undefined || element === undefined) return undefined
  const prefix = prefixAt(text, near.keySpan)
  const added = values.map((value) => newElement(text, element, prefix + nameOf(field), value)).join('')
  const block = blockOf(text, element)
  return [insertAt(field === 'id' ? block.offset : block.end, added)]
}

/** On a line of its own if `sibling` is. */
function newElement(text: string, sibling: Span, name: string, value: string): string {
  const element = printed(name, value)
  return isAlone(text, sibling)
    ? `${ownIndent(text, sibling.offset) ?? ''}${element}${newlineOf(text)}`
    : element
}

/** The name of an element as written, with its namespace prefix. */
const nameIn = (text: string, { keySpan }: SourceEntry): string => text.slice(keySpan.offset + 1, keySpan.end)

/** The whole elements of a field. Empty if the end of one cannot be found. */
function elementsOf(text: string, entry: SourceEntry): readonly Span[] {
  const leaves: readonly SourceNode[] = entry.value.kind === 'list' ? entry.value.items : [entry.value]
  const name = nameIn(text, entry)
  const spans = leaves.flatMap(({ offset, end }) => {
    const close = /[^<>]*(?:\/>|(?:>\s*|\]\]>\s*)?<\/([^<>\s]+)\s*>)/y
    close.lastIndex = end
    const found = close.exec(text)
    if (found === null || (found[1] ?? name) !== name) return []
    return [{ offset: text.lastIndexOf(`<${name}`, offset), end: close.lastIndex }]
  })
  return spans.length === leaves.length ? spans : []
}

const isAlone = (text: string, { offset, end }: Span): boolean =>
  ownIndent(text, offset) !== undefined && /^[ \t]*$/.test(text.slice(end, lineEnd(text, end)))

/** The lines of an element with the comments directly above it, or the element alone if it shares its line. */
function blockOf(text: string, element: Span): Span {
  if (!isAlone(text, element)) return element
  let offset = lineStart(text, element.offset)
  for (;;) {
    const above = text.slice(0, offset).trimEnd()
    const open = above.endsWith('-->') ? above.lastIndexOf('<!--') : -1
    if (open < 0 || !/^[ \t]*\r?\n$/.test(text.slice(above.length, offset))) break
    if (ownIndent(text, open) === undefined) break
    offset = lineStart(text, open)
  }
  const end = lineEnd(text, element.end)
  return { offset, end: end + (/^\r?\n/.exec(text.slice(end, end + 2))?.[0].length ?? 0) }
}
