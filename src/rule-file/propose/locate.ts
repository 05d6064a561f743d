import type { FileFormat } from '../names.ts'
import { createLineIndex, type Span } from '../source.ts'
import { fieldOf, ruleFields } from '../spelling.ts'
import { type RuleNodes, ruleNodes } from './rule-nodes.ts'

/** The part of a rule file that a position belongs to; rules and entries are counted from 0. */
interface FormPlace {
  readonly rule?: number
  readonly field?: string
  readonly entry?: number
}

interface Stretch extends FormPlace {
  readonly from: number
  readonly to: number
}

/** Finds the field of the form that a line and column of the file belong to. */
export function formPlaces(text: string, format: FileFormat): (line: number, column: number) => FormPlace {
  const nodes = ruleNodes(text, format)
  if (nodes === undefined) return () => ({})
  const stretches = stretchesOf(nodes)
  return (line, column) => {
    const at = rank({ line, column })
    // Outer stretches come before inner ones, so the last match is the narrowest.
    const found = stretches.findLast(({ from, to }) => from <= at && at <= to)
    if (found === undefined) return {}
    const { from: _from, to: _to, ...place } = found
    return place
  }
}

const rank = ({ line, column }: { readonly line: number; readonly column: number }): number =>
  line * 1_000_000 + column

function stretchesOf({ text, list }: RuleNodes): readonly Stretch[] {
  const placeOf = createLineIndex(text)
  const stretch = ({ offset, end }: Span, place: FormPlace): Stretch => ({
    from: rank(placeOf(offset)),
    to: rank(placeOf(Math.max(offset, end - 1))),
    ...place,
  })
  return list.items.flatMap((item, rule) => {
    const entries = item.kind === 'map' ? item.entries : []
    return [
      stretch(item, { rule }),
      ...entries.flatMap(({ key, keySpan, value }) => {
        const field = fieldOf(ruleFields, key)
        if (field === undefined) return []
        const items = value.kind === 'list' ? value.items : []
        return [
          stretch({ offset: keySpan.offset, end: Math.max(keySpan.end, value.end) }, { rule, field }),
          ...items.map((span, entry) => stretch(span, { rule, field, entry })),
        ]
      }),
    ]
  })
}
