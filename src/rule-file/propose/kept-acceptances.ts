/** Finds out whether an edit has lost an acceptance comment, which the values of the file do not show. */

import type { SourceNode, Span } from '../source.ts'
import type { RuleNodes } from './rule-nodes.ts'

/**
 * Whether `after` has every acceptance of `before`, except those that apply to nothing but the values in `removed`.
 * Without an acceptance, a finding that someone has judged would be back.
 */
export function keepsAcceptances(before: RuleNodes, after: RuleNodes, removed: readonly Span[]): boolean {
  const stays = valuesIn(before.root).filter(({ offset }) => !removed.some((span) => contains(span, offset)))
  const left = byText(after)
  return [...byText(before)].every(([text, acceptances]) => {
    const count = left.get(text)?.length ?? 0
    if (count >= acceptances.length) return true
    const needed = acceptances.filter(({ covers }) => stays.some(({ offset }) => contains(covers, offset)))
    return count >= needed.length
  })
}

const byText = ({ comments }: RuleNodes): ReadonlyMap<string, RuleNodes['comments']> =>
  Map.groupBy(
    comments.filter(({ text }) => /^\s*cors-sidecar:/i.test(text)),
    ({ text }) => text,
  )

const contains = ({ offset, end }: Span, at: number): boolean =>
  offset <= at && at < Math.max(end, offset + 1)

function valuesIn(node: SourceNode): readonly Span[] {
  switch (node.kind) {
    case 'scalar':
      return [node]
    case 'list':
      return node.items.flatMap(valuesIn)
    case 'map':
      return node.entries.flatMap(({ value }) => valuesIn(value))
  }
}
