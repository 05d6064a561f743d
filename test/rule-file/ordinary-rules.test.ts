import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { ordinaryRules } from '../../src/rule-file/ordinary-rules.ts'
import { judge, parseRuleFile } from '../../src/rule-file/parse.ts'
import { valueIssues, vendorValues } from '../../src/rule-file/vendor-values.ts'

const anything = fc.constantFrom<unknown>(undefined, null, true, 5, 'text', [], {}, [null], ['a', 5])
const usually = (value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ arbitrary: value, weight: 12 }, { arbitrary: anything, weight: 1 })
const listOf = (...entries: readonly unknown[]): fc.Arbitrary<unknown> =>
  usually(fc.array(usually(fc.constantFrom(...entries)), { maxLength: 3 }))

const rule = usually(
  fc.record(
    {
      id: usually(fc.constantFrom('', ' a ', 'uploads', 'a\u202eb', 'x'.repeat(256))),
      preset: fc.constantFrom('public-read', 'nobody', undefined),
      allowedOrigins: listOf(
        '*',
        'null',
        'https://a.com',
        'https://*.a.com',
        'https://a.com/',
        'https://A.com',
        '',
      ),
      allowedMethods: listOf('GET', 'PUT', 'HEAD', 'PATCH', 'get'),
      allowedHeaders: listOf('*', 'x-*', 'Content-Type', 'a b', '*-*'),
      exposeHeaders: listOf('ETag', 'x-cos-request-id', '*', 'x\r\ny'),
      maxAgeSeconds: usually(
        fc.constantFrom(
          0,
          -0,
          600,
          -1,
          1.5,
          1e21,
          2 ** 53,
          Number.NaN,
          Number.POSITIVE_INFINITY,
          '600',
          '6e2',
        ),
      ),
      more: fc.constant('unknown'),
    },
    { requiredKeys: ['allowedOrigins', 'allowedMethods'] },
  ),
)
const document = usually(
  fc.record(
    {
      rules: usually(fc.array(rule, { maxLength: 3 })),
      dialect: usually(fc.constantFrom('cos', 'gcs')),
      hosts: listOf('assets.example.com', 'https://a.com'),
      more: fc.constant('unknown'),
    },
    { requiredKeys: ['rules'] },
  ),
)

test('rules are recognised as ordinary only when the schema takes them as they are', () => {
  let recognised = 0
  fc.assert(
    fc.property(document, (candidate) => {
      const ordinary = ordinaryRules(candidate)
      if (ordinary === undefined) return
      recognised++
      expect(judge({ rules: ordinary.rules }).data?.rules).toEqual(ordinary.rules)
    }),
    { numRuns: 20_000 },
  )
  expect(recognised).toBeGreaterThan(1000)
})

test('a document is accepted and refused as the schema does it', () => {
  fc.assert(
    fc.property(document, (candidate) => {
      const hasErrors = valueIssues(candidate, vendorValues).some(({ severity }) => severity === 'error')
      expect(parseRuleFile(candidate).content !== undefined).toBe(judge(candidate).success && !hasErrors)
    }),
    { numRuns: 20_000 },
  )
})

const rules = [{ allowedOrigins: ['https://a.com'], allowedMethods: ['GET'] }]

test.each<[string, unknown]>([
  ['a hole in the rules', { rules: Object.assign([], { 1: rules[0] }) }],
  ['a hole in a list', { rules: [{ ...rules[0], allowedMethods: Object.assign([], { 1: 'GET' }) }] }],
  ['a list in place of a rule', { rules: [[]] }],
  ['a key that every object has', { rules: [{ ...rules[0], constructor: 'x' }] }],
  ['an inherited key', { rules: [Object.assign(Object.create({ more: 1 }), rules[0])] }],
])('%s is left to the schema', (_, candidate) => {
  expect(ordinaryRules(candidate)).toBeUndefined()
})

test('a key named __proto__ beside ordinary rules is an unknown key, and nothing is inherited from it', () => {
  const candidate: unknown = JSON.parse(
    `{"__proto__": {"mode": "report"}, "rules": ${JSON.stringify(rules)}}`,
  )
  const { content, issues } = parseRuleFile(candidate)
  expect(content).toBeUndefined()
  expect(issues).toEqual(parseRuleFile({ ...Object(candidate), rules: [] }).issues)
  expect(issues.map(({ code }) => code)).toEqual(['unknown-key'])
})
