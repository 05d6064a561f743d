import { isMap, isSeq, parseDocument } from 'yaml'
import type { DialectName, RuleFile } from '../cors/rule.ts'
import { convert } from '../rule-file/convert.ts'
import type { FileFormat } from '../rule-file/names.ts'

/**
 * The file `text` with the rules and tests of `added` appended. YAML in our own format keeps its comments; any
 * other file is rewritten from its content, in its format.
 */
export function addRules(
  text: string,
  format: FileFormat,
  content: RuleFile,
  added: RuleFile,
  dialect: DialectName,
): { readonly text: string; readonly lost: readonly string[] } {
  const kept = format === 'yaml' ? intoYaml(text, added) : undefined
  if (kept !== undefined) return { text: kept, lost: [] }
  const ids = new Set(content.rules.map(({ id }) => id))
  // With a duplicate id, logs and metrics would merge the two rules.
  const rules = added.rules.map((rule) => (ids.has(rule.id) ? { ...rule, id: `${rule.id}-suggested` } : rule))
  const whole = { ...content, rules: [...content.rules, ...rules], tests: [...content.tests, ...added.tests] }
  return convert(whole, format, content.dialect ?? dialect)
}

/** `undefined`: the file is not in our own format. */
function intoYaml(text: string, added: RuleFile): string | undefined {
  const document = parseDocument(text)
  const rules = document.get('rules')
  if (document.errors.length > 0 || !isMap(document.contents) || !isSeq(rules)) return undefined
  const fresh = parseDocument(convert(added, 'yaml', 's3').text)
  const [newRules, newTests] = [fresh.get('rules'), fresh.get('tests')]
  if (!isSeq(newRules)) return undefined
  const taken = new Set(rules.items.map((item) => (isMap(item) ? item.get('id') : undefined)))
  for (const rule of newRules.items)
    if (isMap(rule) && taken.has(rule.get('id'))) rule.set('id', `${String(rule.get('id'))}-suggested`)
  rules.items.push(...newRules.items)
  rules.flow = false
  const tests = document.get('tests')
  if (isSeq(tests) && isSeq(newTests)) tests.items.push(...newTests.items)
  else if (isSeq(newTests)) document.set('tests', newTests)
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}
