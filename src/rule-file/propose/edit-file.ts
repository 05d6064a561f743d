import type { CorsRule, RuleFile } from '../../cors/rule.ts'
import type { ListField } from '../issue.ts'
import type { FileFormat } from '../names.ts'
import type { SourceMap } from '../source.ts'
import { addToBraces, appendToBrackets, insertInBrackets } from './edit-braces.ts'
import { extendXmlList, insertXmlRule } from './edit-xml.ts'
import { extendYamlList, insertYamlRule } from './edit-yaml.ts'
import type { Additions, RuleChange } from './rule-change.ts'
import { entryBefore, entryOf, type RuleNodes, ruleNodes } from './rule-nodes.ts'
import { applyEdits, type TextEdit } from './text-edit.ts'

/**
 * `text` after `change`, in its own format; `undefined` when it has no rules that can be edited. `file` is the
 * content of `text`. The caller must check the result, because an alias can stand for several values.
 */
export function editText(
  text: string,
  format: FileFormat,
  file: RuleFile,
  change: RuleChange,
): string | undefined {
  const nodes = ruleNodes(text, format)
  if (nodes === undefined) return undefined
  const edits =
    change.kind === 'insert' ? insertRule(nodes, change.index, change.rule) : extendRule(nodes, file, change)
  return edits.length === 0 ? undefined : applyEdits(text, edits)
}

/** Inserts `rule` before rule `index`, or after the last rule. Returns no edits for XML without rules, because there is no rule whose layout could be copied. */
export function insertRule(nodes: RuleNodes, index: number, rule: CorsRule): TextEdit[] {
  switch (nodes.format) {
    case 'yaml':
      return insertYamlRule(nodes, index, rule)
    case 'json':
      return insertInBrackets(nodes, index, rule)
    case 'xml':
      return insertXmlRule(nodes, index, rule)
  }
}

const listFields = ['allowedOrigins', 'allowedMethods', 'allowedHeaders', 'exposeHeaders'] as const

function extendRule(
  nodes: RuleNodes,
  file: RuleFile,
  { index, added }: { readonly index: number; readonly added: Additions },
): TextEdit[] {
  const node = nodes.list.items[index]
  const rule = file.rules[index]
  if (node?.kind !== 'map' || rule === undefined) return []
  return listFields
    .filter((field) => added[field].length > 0)
    .flatMap((field) => extendList(nodes, node, field, rule[field], added[field]))
}

export function extendList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  present: readonly string[],
  added: readonly string[],
): TextEdit[] {
  switch (nodes.format) {
    case 'yaml':
      return extendYamlList(nodes, rule, field, present, added)
    case 'json':
      return extendJsonList(nodes, rule, field, present, added)
    case 'xml':
      return extendXmlList(nodes, rule, field, added)
  }
}

function extendJsonList(
  nodes: RuleNodes,
  rule: SourceMap,
  field: ListField,
  present: readonly string[],
  added: readonly string[],
): TextEdit[] {
  const whole = `[${[...present, ...added].map((value) => JSON.stringify(value)).join(', ')}]`
  const entry = entryOf(rule, field)
  if (entry?.value.kind === 'list')
    return appendToBrackets(
      nodes,
      entry.value,
      added.map((value) => JSON.stringify(value)),
    )
  if (entry !== undefined) return [{ offset: entry.value.offset, end: entry.value.end, text: whole }]
  const before = entryBefore(rule, field)
  return before === undefined ? [] : [addToBraces(nodes, before, nodes.nameOf(field), whole)]
}
