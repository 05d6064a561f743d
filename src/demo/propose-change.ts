import { isMap, isSeq, parse, parseDocument } from 'yaml'

/**
 * The rule file `text` with the change that an explanation proposes: `change` is its YAML, either one rule that takes
 * the place of the rule `label`, or a whole file for a bucket without rules. Comments and order of `text` are kept.
 * `undefined` when the file has no such rule, or is no rule file in our own spelling.
 */
export function proposeChange(text: string, label: string | undefined, change: string): string | undefined {
  const wanted: unknown = parse(change)
  if (label === undefined) return isRecord(wanted) && 'rules' in wanted ? change : undefined
  const rule: unknown = Array.isArray(wanted) ? wanted[0] : undefined
  if (!isRecord(rule)) return undefined
  const document = parseDocument(text)
  const rules = document.get('rules')
  if (document.errors.length > 0 || !isSeq(rules)) return undefined
  const index = rules.items.findIndex(
    (item, position) => isMap(item) && String(item.get('id') ?? position + 1) === label,
  )
  if (index < 0) return undefined
  for (const [field, value] of Object.entries(rule))
    if (JSON.stringify(document.getIn(['rules', index, field])) !== JSON.stringify(value))
      document.setIn(['rules', index, field], document.createNode(value, { flow: Array.isArray(value) }))
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
