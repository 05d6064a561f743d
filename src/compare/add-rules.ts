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
  const freeId = createFreeIds(content.rules.map(({ id }) => id))
  const rules = added.rules.map((rule) => (rule.id === undefined ? rule : { ...rule, id: freeId(rule.id) }))
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
  const freeId = createFreeIds(rules.items.map((item) => (isMap(item) ? item.get('id') : undefined)))
  for (const rule of newRules.items) {
    const id = isMap(rule) ? rule.get('id') : undefined
    if (isMap(rule) && typeof id === 'string') rule.set('id', freeId(id))
  }
  rules.items.push(...newRules.items)
  rules.flow = false
  const tests = document.get('tests')
  if (isSeq(tests) && isSeq(newTests)) tests.items.push(...newTests.items)
  else if (isSeq(newTests)) document.set('tests', newTests)
  return document.toString({ lineWidth: 0, flowCollectionPadding: false })
}

/** Makes ids unique, because logs and metrics would merge two rules of one id. */
function createFreeIds(present: readonly unknown[]): (id: string) => string {
  const taken = new Set(present)
  return (id) => {
    let free = id
    for (let count = 1; taken.has(free); count++) free = `${id}-suggested${count === 1 ? '' : `-${count}`}`
    taken.add(free)
    return free
  }
}
