/**
 * Reads the `<CORSConfiguration>` XML of COS, OSS and S3. {@link readXmlDocument} parses it; this file knows which
 * elements are lists and which are leaves, and rejects content that another reader could understand differently.
 */

import { XmlComment, XmlElement } from '@rgrove/parse-xml'
import { quoted } from '../text/visible.ts'
import {
  errorAt,
  type Problem,
  type Source,
  type SourceEntry,
  type SourceMap,
  type SourceNode,
  type Span,
  unreadable,
} from './source.ts'
import { childElements, ownText, readXmlDocument, spanOf } from './xml-document.ts'

/** Elements that may be repeated; each kind becomes a list. */
const repeated = new Set(['CORSRule', 'AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader'])
const containers = new Set(['CORSConfiguration', 'CORSRule'])
const leaves = new Set(
  ['ID', 'MaxAgeSeconds', 'ResponseVary', ...repeated].filter((name) => !containers.has(name)),
)

export function readXml(text: string): Source {
  const { root, problems, comments } = readXmlDocument(text)
  if (root === undefined) return unreadable(...problems)
  const prefix = prefixOf(root)
  if (root.name !== `${prefix}CORSConfiguration`) {
    const { offset, end } = nameSpan(root)
    const hint = root.name.includes(':') ? ' (write it without a prefix)' : ''
    const message = `the root element is ${shown(root.name)}, not CORSConfiguration${hint}`
    return unreadable(...problems, errorAt(offset, end, 'xml-wrong-root', message))
  }
  const found: Problem[] = [...problems]
  const node = withRules(readContainer({ element: root, text, prefix, problems: found }))
  return { root: node, problems: found, comments }
}

interface Reading {
  readonly element: XmlElement
  /** The whole document. */
  readonly text: string
  /** The namespace prefix with its colon; empty without one. */
  readonly prefix: string
  readonly problems: Problem[]
}

/**
 * The namespace prefix with its colon, if every element has it, as XML libraries write it; otherwise empty. With a
 * prefix on the root only, the rules would be in another namespace, where vendors do not find them.
 */
function prefixOf(root: XmlElement): string {
  const [, prefix = ''] = /^([A-Za-z_][\w.-]*:)CORSConfiguration$/.exec(root.name) ?? []
  const isEverywhere = (element: XmlElement): boolean =>
    element.name.startsWith(prefix) && childElements(element).every(isEverywhere)
  return isEverywhere(root) ? prefix : ''
}

const localName = ({ name }: XmlElement, { prefix }: Reading): string =>
  name.startsWith(prefix) ? name.slice(prefix.length) : name

/** The span of `<` and the name. */
const nameSpan = ({ start, name }: XmlElement): Span => ({ offset: start, end: start + name.length + 1 })

const shown = (name: string): string => (/^[\w.:-]{1,80}$/.test(name) ? name : quoted(name))

/** Adds an empty list if there is no CORSRule, so that the finding is "no rules" and not a missing key. */
function withRules(node: SourceMap): SourceMap {
  if (node.entries.some(({ key }) => key === 'CORSRule')) return node
  const { offset, end } = node
  const rules: SourceEntry = {
    key: 'CORSRule',
    keySpan: { offset, end },
    value: { kind: 'list', items: [], offset, end },
  }
  return { ...node, entries: [rules, ...node.entries] }
}

function readContainer(reading: Reading): SourceMap {
  const { element, text, problems } = reading
  checkAttributes(reading)
  const { span } = ownText(element, text)
  if (span !== undefined)
    problems.push(
      errorAt(span.offset, span.end, 'xml-mixed-content', `text between the elements of ${element.name}`),
    )
  const byName = Map.groupBy(childElements(element), (child) => localName(child, reading))
  const entries = [...byName].flatMap(([name, children]): SourceEntry[] => {
    const values = children.map((child) => ({
      key: name,
      keySpan: nameSpan(child),
      value: readElement({ ...reading, element: child }),
      ...(containers.has(name) || leaves.has(name) ? {} : { isUnknown: true as const }),
    }))
    const [first] = values
    if (!repeated.has(name) || first === undefined) return values
    const { offset, end } = first.value
    return [{ ...first, value: { kind: 'list', items: values.map(({ value }) => value), offset, end } }]
  })
  return { kind: 'map', entries, ...spanOf(element) }
}

function readElement(reading: Reading): SourceNode {
  const { element } = reading
  const name = localName(element, reading)
  if (containers.has(name)) return readContainer(reading)
  if (leaves.has(name)) return readLeaf(reading)
  // The content of an unknown element does not matter: the element is reported, or ignored as a whole.
  return { kind: 'scalar', value: null, ...spanOf(element) }
}

function readLeaf(reading: Reading): SourceNode {
  const { element, text, problems } = reading
  checkAttributes(reading)
  const inside = childElements(element)[0] ?? element.children.find((node) => node instanceof XmlComment)
  if (inside !== undefined)
    problems.push(
      errorAt(
        inside.start,
        inside.end,
        'xml-mixed-content',
        // Readers that drop it join the text around it: https://a.com<!-- -->.evil.com
        `${inside instanceof XmlElement ? 'an element' : 'a comment'} inside the value of ${element.name}`,
      ),
    )
  const own = ownText(element, text)
  // Vendors accept an ID that is wrapped over several lines, so each line break becomes a space.
  const value =
    localName(element, reading) === 'ID' ? own.text.replace(/(?<! ) *[\t\r\n]\s*/g, ' ') : own.text
  return { kind: 'scalar', value, ...(own.span ?? nameSpan(element)) }
}

function checkAttributes({ element, text, problems }: Reading): void {
  const start = nameSpan(element).end
  for (const name of Object.keys(element.attributes)) {
    if (name === 'xmlns' || name.startsWith('xmlns:')) continue
    // An equal text in quotes may precede it; then the position is a few characters early.
    const offset = text.indexOf(name, start)
    const message = `attribute ${shown(name)} is not allowed (only xmlns is): remove it`
    problems.push(errorAt(offset, offset + name.length, 'xml-attribute', message))
  }
}
