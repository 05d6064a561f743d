/** Lookups in a tree of values with positions. */

import { type SourceEntry, type SourceMap, type SourceNode, type Span, spanOf } from '../source.ts'

export const entriesOf = (node: SourceNode | undefined): readonly SourceEntry[] =>
  node?.kind === 'map' ? node.entries : []

export const itemsOf = (node: SourceNode | undefined): readonly SourceNode[] =>
  node?.kind === 'list' ? node.items : []

/** The value of the first of `keys` that the mapping has. */
export function fieldOf(node: SourceNode | undefined, ...keys: readonly string[]): SourceNode | undefined {
  for (const key of keys) {
    const found = entriesOf(node).find((entry) => entry.key === key)
    if (found !== undefined) return found.value
  }
  return undefined
}

export const hasField = (node: SourceNode | undefined, ...keys: readonly string[]): boolean =>
  fieldOf(node, ...keys) !== undefined

/** The text of a scalar; undefined when it is empty or not text. */
export const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : undefined

export const isNothing = (node: SourceNode): boolean =>
  (node.kind === 'scalar' && (node.value === null || node.value === '')) ||
  (node.kind === 'list' && node.items.length === 0) ||
  (node.kind === 'map' && node.entries.length === 0)

/** The mappings of a list. A single mapping counts as a list of one. */
export const mappingsOf = (node: SourceNode | undefined): readonly SourceMap[] =>
  (node?.kind === 'map' ? [node] : itemsOf(node)).filter((item) => item.kind === 'map')

export const scalarAt = (value: string | number, at: Span): SourceNode => ({
  kind: 'scalar',
  value,
  ...spanOf(at),
})

export const listAt = (items: readonly SourceNode[], at: Span): SourceNode => ({
  kind: 'list',
  items,
  ...spanOf(at),
})

/** Every mapping in the tree, outer ones first. */
export function* mappingsIn(node: SourceNode | undefined): Generator<SourceMap> {
  if (node?.kind === 'map') yield node
  const inner = node?.kind === 'map' ? node.entries.map(({ value }) => value) : itemsOf(node)
  for (const value of inner) yield* mappingsIn(value)
}
