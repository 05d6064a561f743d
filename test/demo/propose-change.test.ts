import { describe, expect, test } from 'vitest'
import { decide } from '../../src/cors/decide.ts'
import { explain } from '../../src/cors/explain.ts'
import { readPreflight } from '../../src/cors/request.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { exampleRules } from '../../src/demo/example-data.ts'
import { proposeChange } from '../../src/demo/propose-change.ts'
import { readRules } from '../../src/rule-file/read.ts'

const origin = 'http://127.0.0.1:5180'
const { photos, reports } = exampleRules([origin, 'http://localhost:5180'])

/** What the sidecar explains of a preflight under the rules of `text`. */
function explained(text: string, method: string, headers: string) {
  const { content } = readRules('b.yaml', Buffer.from(text), 'cos')
  const compiled = compileRules(content?.rules ?? [])
  const question = readPreflight({
    method: 'OPTIONS',
    origin,
    requestedMethod: method,
    requestedHeaders: headers,
  })
  if ('what' in question) throw new Error(question.what)
  return explain({ bucket: 'b', rules: compiled.rules, decision: decide(compiled, question), question })
}

test.each(Object.entries({ photos, reports }))('the example rules of %s are clean', (bucket, text) => {
  const { findings } = readRules(`${bucket}.yaml`, Buffer.from(text), 'cos')
  expect(findings.filter(({ severity }) => severity !== 'info')).toEqual([])
})

describe('the proposed change', () => {
  test.each([
    ['a method', reports, 'PUT', 'content-type'],
    ['a header', photos, 'PUT', 'content-type,x-secret'],
    ['a method and headers', reports, 'DELETE', 'x-a,x-b'],
  ])('makes a file that lacks %s let the request in', (_what, text, method, headers) => {
    const before = explained(text, method, headers)
    const after = proposeChange(text, before.rule, before.change ?? '') ?? ''
    expect(before.decision).toBe('deny')
    expect(explained(after, method, headers).decision).toBe('allow')
  })

  test('touches nothing else of the file', () => {
    const { rule, change } = explained(reports, 'PUT', 'content-type')
    const after = proposeChange(reports, rule, change ?? '') ?? ''
    expect(after).toBe(reports.replace('[GET, HEAD]', '[GET, HEAD, PUT]'))
  })

  test('finds a rule without id by its number, and keeps comments', () => {
    const text = '# first\nrules:\n  # second\n  - allowedOrigins: ["*"] # third\n    allowedMethods: [GET]\n'
    const { rule, change } = explained(text, 'PUT', '')
    expect(rule).toBe('1')
    expect(proposeChange(text, rule, change ?? '')).toBe(text.replace('[GET]', '[GET, PUT]'))
  })

  test('is a whole file for a bucket without rules', () => {
    const change = '# rules/b.yaml\nrules:\n  - allowedOrigins: ["*"]\n    allowedMethods: [GET]\n'
    expect(proposeChange('', undefined, change)).toBe(change)
  })

  test.each([
    ['has no such rule', reports, 'other', '- id: other\n  allowedMethods: [GET]\n'],
    ['is no YAML', 'rules: [', 'page-reads', '- id: page-reads\n  allowedMethods: [GET]\n'],
    ['has another spelling', 'CORSRules: []\n', '1', '- allowedMethods: [GET]\n'],
    ['meets a change that is no rule', reports, 'page-reads', 'text'],
    ['meets a change that is no file', reports, undefined, '- id: page-reads\n'],
  ])('does not exist for a file that %s', (_what, text, rule, change) => {
    expect(proposeChange(text, rule, change)).toBeUndefined()
  })
})
