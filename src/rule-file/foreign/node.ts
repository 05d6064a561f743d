/** Lookups in a tree of values with positions. */

import { type SourceEntry, type SourceMap, type SourceNode, type Span, spanOf } from '../source.ts'

export const entriesOf = (node: SourceNode | undefined): readonly SourceEntry[] =>
  node?.kind === 'map' ? node.entries : []

export const itemsOf = (node: SourceNode | undefined): readonly SourceNode[] =>
  node?.kind === 'list' ? node.items : []

/** The value of the first of `keys` that the mapping has. */
export function fieldOf(node: SourceNode | undefined, ...keys: readonly string[]): SourceNode | undefined {
  if (node?.kind !== 'map') return undefined
  const lookup = lookupIn(node)
  for (const key of keys) {
    const value = lookup(key)
    if (value !== undefined) return value
  }
  return undefined
}

type Lookup = (key: string) => SourceNode | undefined

/** A file can look up thousands of names in a mapping of thousands of entries, which would take quadratic time. */
const lookups = new WeakMap<SourceMap, Lookup>()

function lookupIn(map: SourceMap): Lookup {
  const { entries } = map
  if (entries.length <= 16) return (key) => entries.find((entry) => entry.key === key)?.value
  const known = lookups.get(map)
  if (known !== undefined) return known
  // Of a repeated key, the first value counts, as in a short mapping.
  const values = new Map(entries.map(({ key, value }) => [key, value] as const).toReversed())
  const lookup: Lookup = (key) => values.get(key)
  lookups.set(map, lookup)
  return lookup
}

export const hasField = (node: SourceNode | undefined, ...keys: readonly string[]): boolean =>
  fieldOf(node, ...keys) !== undefined

/** The text of a scalar; undefined when it is empty or not text. */
export const textOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' && typeof node.value === 'string' && node.value !== '' ? node.value : undefined

/** The text that a template makes of a scalar; undefined for null, which is no text. */
export const writtenOf = (node: SourceNode | undefined): string | undefined =>
  node?.kind === 'scalar' && node.value !== null ? String(node.value) : undefined

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

/** Every value in the tree, outer ones first. */
export function* nodesIn(node: SourceNode | undefined): Generator<SourceNode> {
  if (node === undefined) return
  yield node
  const inner = node.kind === 'map' ? node.entries.map(({ value }) => value) : itemsOf(node)
  for (const value of inner) yield* nodesIn(value)
}

/** Every mapping in the tree, outer ones first. */
export function* mappingsIn(node: SourceNode | undefined): Generator<SourceMap> {
  for (const inner of nodesIn(node)) if (inner.kind === 'map') yield inner
}
