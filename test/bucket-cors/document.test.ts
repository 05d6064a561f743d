import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CorsRule, corsMethods, type RuleFile } from '../../src/cors/rule.ts'
import { cos } from '../../src/dialect/cos.ts'
import { isVendor, type VendorDialect } from '../../src/dialect/dialect.ts'
import { dialects } from '../../src/dialect/dialects.ts'
import { oss } from '../../src/dialect/oss.ts'
import { s3 } from '../../src/dialect/s3.ts'
import { corsConfiguration } from '../../src/rule-file/print-xml.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { rule, ruleFile } from '../core.ts'

const read = (text: string, name: string): RuleFile | undefined =>
  readRules('cors.xml', Buffer.from(text), name).content

describe.each(dialects.filter(isVendor))('$name', ({ name, bucketCors: { layout } }) => {
  const origin = fc.constantFrom(
    '*',
    'null',
    'https://example.com',
    'https://*.example.org',
    'http://127.0.0.1:8080',
  )
  const header = fc.constantFrom('*', 'x-meta-*', 'Content-Type', "x'y", 'a&b', 'x_y')
  const printable = fc.stringMatching(/^[ -~]{1,40}$/)
  const rules: fc.Arbitrary<CorsRule> = fc.record(
    {
      id: fc
        .oneof(printable, fc.constantFrom('<a>', '&amp;', ']]>', '"\'', 'ü 雲'))
        .filter((id) => id.trim() === id),
      allowedOrigins: fc.uniqueArray(origin, { minLength: 1 }),
      allowedMethods: fc.uniqueArray(fc.constantFrom(...corsMethods), { minLength: 1 }),
      allowedHeaders: fc.uniqueArray(header),
      exposeHeaders: fc.uniqueArray(fc.constantFrom('ETag', "x'y", 'a&b')),
      maxAgeSeconds: fc.nat(86_400),
    },
    { requiredKeys: ['allowedOrigins', 'allowedMethods', 'allowedHeaders', 'exposeHeaders'] },
  )

  test('a written configuration is read back unchanged', () => {
    fc.assert(
      fc.property(fc.array(rules, { minLength: 1, maxLength: 5 }), fc.boolean(), (given, responseVary) => {
        const text = corsConfiguration(layout, ruleFile({ rules: given, responseVary }))
        const content = read(text, name)
        expect(content?.rules).toEqual(given)
        expect(content?.responseVary).toBe(name === 's3' ? false : responseVary)
      }),
      { numRuns: 200 },
    )
  })

  test('values contain no white space from the layout', () => {
    const full = rule({ id: 'a', allowedHeaders: ['*'], exposeHeaders: ['ETag'], maxAgeSeconds: 1 })
    const text = corsConfiguration(layout, ruleFile({ rules: [full, full] }))
    for (const [, leaf = ''] of text.matchAll(
      /<(?:ID|Allowed\w+|ExposeHeader|MaxAgeSeconds|ResponseVary)>([^<]*)</g,
    ))
      expect(leaf).toBe(leaf.trim())
  })
})

test('OSS always writes ResponseVary, COS only if it is set, S3 never', () => {
  const shown = ({ bucketCors }: VendorDialect, responseVary: boolean): string | undefined =>
    /<ResponseVary>(\w+)</.exec(corsConfiguration(bucketCors.layout, ruleFile({ responseVary })))?.[1]
  expect([shown(oss, false), shown(oss, true)]).toEqual(['false', 'true'])
  expect([shown(cos, false), shown(cos, true)]).toEqual([undefined, 'true'])
  expect([shown(s3, false), shown(s3, true)]).toEqual([undefined, undefined])
})

test('S3 has its namespace and one line', () => {
  expect(corsConfiguration(s3.bucketCors.layout, ruleFile())).toBe(
    '<?xml version="1.0" encoding="UTF-8"?>\n<CORSConfiguration xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' +
      '<CORSRule><AllowedOrigin>https://example.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>',
  )
})
