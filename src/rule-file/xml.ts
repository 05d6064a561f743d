/**
 * Reads the `<CORSConfiguration>` XML of COS, OSS and S3. The elements come from {@link readElements}; here they get
 * their meaning: which are lists, which are leaves, and that nothing stands between or inside them that another reader
 * of the same file could take for something else.
 */

import {
  errorAt,
  type Problem,
  type Source,
  type SourceEntry,
  type SourceMap,
  type SourceNode,
  unreadable,
} from './source.ts'
import { type Element, isLayout, readElements } from './xml-elements.ts'

/** Elements that may be repeated; each kind becomes one list. */
const repeated = new Set(['CORSRule', 'AllowedOrigin', 'AllowedMethod', 'AllowedHeader', 'ExposeHeader'])
const containers = new Set(['CORSConfiguration', 'CORSRule'])
const leaves = new Set(
  ['ID', 'MaxAgeSeconds', 'ResponseVary', ...repeated].filter((name) => !containers.has(name)),
)

export function readXml(text: string): Source {
  const { root, problems, comments } = readElements(text)
  if (root === undefined) return unreadable(...problems)
  if (root.name !== 'CORSConfiguration')
    return unreadable(
      ...problems,
      errorAt(
        root.offset,
        root.offset + root.name.length + 1,
        'xml-wrong-root',
        `the root element is ${root.name}, not CORSConfiguration${root.name.includes(':') ? ' (write it without a prefix)' : ''}`,
      ),
    )
  const found: Problem[] = [...problems]
  const node = withRules(readContainer(root, found))
  return { root: node, problems: found, comments }
}

/** A configuration without a CORSRule is one without rules, not one that forgot to say so. */
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

function readContainer(element: Element, problems: Problem[]): SourceMap {
  checkAttributes(element, problems)
  if (element.textSpan !== undefined && !isLayout(element.text))
    problems.push(
      errorAt(
        element.textSpan.offset,
        element.textSpan.end,
        'xml-mixed-content',
        `text between the elements of ${element.name}`,
      ),
    )
  const byName = Map.groupBy(element.children, ({ name }) => name)
  const entries = [...byName].flatMap(([name, children]): SourceEntry[] => {
    const values = children.map((child) => ({
      key: name,
      keySpan: { offset: child.offset, end: child.offset + name.length + 1 },
      value: readElement(child, problems),
      ...(containers.has(name) || leaves.has(name) ? {} : { isUnknown: true as const }),
    }))
    const [first] = values
    if (!repeated.has(name) || first === undefined) return values
    const { offset, end } = first.value
    return [{ ...first, value: { kind: 'list', items: values.map(({ value }) => value), offset, end } }]
  })
  return { kind: 'map', entries, offset: element.offset, end: element.end }
}

function readElement(element: Element, problems: Problem[]): SourceNode {
  if (containers.has(element.name)) return readContainer(element, problems)
  if (leaves.has(element.name)) return readLeaf(element, problems)
  // What is in an unknown element is nobody's business: its name is told, or it is left out as a whole.
  return { kind: 'scalar', value: null, offset: element.offset, end: element.end }
}

function readLeaf(element: Element, problems: Problem[]): SourceNode {
  checkAttributes(element, problems)
  const inside = element.children[0] ?? element.comment
  if (inside !== undefined)
    problems.push(
      errorAt(
        inside.offset,
        inside.end,
        'xml-mixed-content',
        // Readers that drop it join what stands around it: https://a.com<!-- -->.evil.com
        `${'name' in inside ? 'an element' : 'a comment'} inside the value of ${element.name}`,
      ),
    )
  const span = element.textSpan ?? { offset: element.offset, end: element.offset + element.name.length + 1 }
  return { kind: 'scalar', value: element.text, ...span }
}

function checkAttributes(element: Element, problems: Problem[]): void {
  for (const { name, offset, end } of element.attributes)
    if (name !== 'xmlns' && !name.startsWith('xmlns:'))
      problems.push(
        errorAt(offset, end, 'xml-attribute', `attribute ${name}: elements have no attributes but xmlns`),
      )
}
