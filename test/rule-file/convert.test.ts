import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { presetNames, presetOf } from '../../src/cors/presets.ts'
import { type CorsRule, corsMethods, type RuleFile } from '../../src/cors/rule.ts'
import { dialectNames, vendorNames } from '../../src/dialect/named.ts'
import { convert } from '../../src/rule-file/convert.ts'
import { readRules } from '../../src/rule-file/read.ts'

const list = <T>(item: fc.Arbitrary<T>, minLength = 0) => fc.array(item, { minLength, maxLength: 3 })
const header = fc.constantFrom('range', 'Content-Type', 'x-amz-date', "x!#$%&'^_`|~", 'true', 'null', 'no')

/** The fields of a rule without the missing ones, because absent and undefined differ. */
const rule: fc.Arbitrary<CorsRule> = fc.record(
  {
    id: fc.oneof(
      fc.constantFrom(
        'web',
        'true',
        '600',
        'a: b',
        '# x',
        "it's",
        '"q"',
        '<&>',
        'é 🙂',
        '-',
        '~',
        '*a',
        '\\n',
      ),
      fc
        .string({ minLength: 1, unit: fc.constantFrom(...'aé:#"\'\\&<>]{}, -*!|%@`') })
        .map((id) => `x${id.trim()}`),
    ),
    allowedOrigins: list(
      fc.constantFrom(
        '*',
        'https://a.com',
        'https://*.b.com',
        'null',
        'true',
        'http://[::1]:80*',
        'www.aliyun.com',
        '/',
        'n*',
        'it',
      ),
      1,
    ),
    allowedMethods: list(fc.constantFrom(...corsMethods), 1),
    allowedHeaders: list(fc.oneof(header, fc.constantFrom('*', 'x-*'))),
    exposeHeaders: list(header),
    maxAgeSeconds: fc.oneof(fc.nat(), fc.constantFrom(0, Number.MAX_SAFE_INTEGER)),
  },
  { requiredKeys: ['allowedOrigins', 'allowedMethods', 'allowedHeaders', 'exposeHeaders'] },
)

const presetRule: fc.Arbitrary<CorsRule> = fc
  .tuple(
    fc.constantFrom(...presetNames),
    rule,
    fc.subarray(['allowedMethods', 'allowedHeaders', 'exposeHeaders', 'maxAgeSeconds'] as const),
  )
  .map(([preset, given, own]) => {
    const { purpose: _, ...filled } = presetOf(preset) ?? { purpose: '' }
    const fields = Object.fromEntries(
      Object.entries(given).filter(([name]) => own.some((field) => field === name)),
    )
    return {
      preset,
      ...(given.id === undefined ? {} : { id: given.id }),
      allowedHeaders: [],
      exposeHeaders: [],
      allowedMethods: [],
      ...filled,
      ...fields,
      allowedOrigins: given.allowedOrigins,
    }
  })

const anyText = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('a\nb', '\u2028', '\u007f', '\ud800', 'true', '- a', '\ufeff', '\u0085'),
)

/** Files whose tests pass, because a conversion starts from a valid file. */
const file: fc.Arbitrary<RuleFile> = fc.record(
  {
    rules: list(fc.oneof(rule, presetRule)),
    dialect: fc.constantFrom(...dialectNames),
    vary: fc.constantFrom('auto' as const, 'dialect' as const),
    responseVary: fc.boolean(),
    mode: fc.constantFrom('enforce' as const, 'report' as const),
    hosts: list(fc.constantFrom('a.example.com', '10.0.0.1', '[::1]', 'true')),
    resourcePolicy: fc.constant('cross-origin' as const),
    storedBy: fc.constant('api' as const),
    tests: list(
      fc.record({
        // An origin never contains a comma, so all of these are denied.
        origin: anyText.map((text) => `,${text}`),
        method: fc.oneof(anyText, fc.constantFrom(...corsMethods)),
        headers: list(anyText),
        expect: fc.constant('deny' as const),
        actual: fc.boolean(),
      }),
    ),
  },
  { requiredKeys: ['rules', 'vary', 'responseVary', 'mode', 'hosts', 'tests'] },
)

function read(name: string, text: string, dialect = 'cos') {
  const { content, findings } = readRules(name, new TextEncoder().encode(text), dialect)
  const errors = findings.filter(({ severity }) => severity === 'error')
  return { content, errors, codes: findings.map(({ code }) => code) }
}

describe('what is converted', () => {
  test.each(['yaml', 'json'] as const)('to %s gives the same rules when it is read again', (to) => {
    fc.assert(
      fc.property(file, (before) => {
        const { text, refusal } = convert(before, to, 'cos')
        const { content, errors, codes } = read(`a.${to}`, text)
        expect(errors, text).toEqual([])
        expect(content).toEqual(before)
        expect(refusal).toBeUndefined()
        expect(codes).not.toContain('no-final-newline')
      }),
      { numRuns: 400 },
    )
  })

  const httpRule: fc.Arbitrary<CorsRule> = fc
    .tuple(
      rule,
      fc.uniqueArray(fc.constantFrom('GET', 'PROPFIND', 'PATCH', 'x-a'), { minLength: 1 }),
      fc.boolean(),
    )
    .map(([given, allowedMethods, allowCredentials]) => ({ ...given, allowedMethods, allowCredentials }))

  test.each(['yaml', 'json'] as const)('to %s keeps what dialect http alone has', (to) => {
    fc.assert(
      fc.property(file, list(httpRule, 1), (given, rules) => {
        const before = { ...given, dialect: 'http', rules }
        const { content, errors } = read(`a.${to}`, convert(before, to, 'cos').text)
        expect(errors).toEqual([])
        expect(content).toEqual(before)
      }),
      { numRuns: 100 },
    )
  })

  test.each(vendorNames)('to the XML of %s keeps the rules, and names what it loses', (dialect) => {
    fc.assert(
      fc.property(file, (before) => {
        const { text, lost, refusal } = convert(before, 'xml', dialect)
        expect(refusal === undefined).toBe(before.rules.length > 0)
        if (refusal !== undefined) return
        const { content, errors } = read('a.xml', text, dialect)
        expect(errors, text).toEqual([])
        expect(content).toEqual({
          rules: before.rules.map(({ preset: _, ...fields }) => fields),
          vary: 'auto',
          responseVary: dialect === 's3' ? false : before.responseVary,
          mode: 'enforce',
          hosts: [],
          tests: [],
        })
        const names = [
          ...(before.dialect === undefined ? [] : ['dialect']),
          ...(before.vary === 'auto' ? [] : ['vary']),
          ...(before.mode === 'enforce' ? [] : ['mode']),
          ...(before.hosts.length === 0 ? [] : ['hosts']),
          ...(before.resourcePolicy === undefined ? [] : ['resourcePolicy']),
          ...(before.storedBy === undefined ? [] : ['storedBy']),
          ...(before.tests.length === 0 ? [] : ['tests']),
          ...(before.responseVary && dialect === 's3' ? ['responseVary'] : []),
          ...before.rules.flatMap(({ preset }, index) =>
            preset === undefined ? [] : [`rule ${index + 1}:`],
          ),
        ]
        expect(
          lost.map((sentence) =>
            sentence
              .split(' ')
              .slice(0, sentence.startsWith('rule ') ? 2 : 1)
              .join(' '),
          ),
        ).toEqual(names)
      }),
      { numRuns: 300 },
    )
  })

  const plain: RuleFile = {
    rules: [
      {
        id: 'web',
        allowedOrigins: ['https://a.com'],
        allowedMethods: ['GET'],
        allowedHeaders: ['x-amz-*'],
        exposeHeaders: [],
      },
    ],
    vary: 'auto',
    responseVary: false,
    mode: 'enforce',
    hosts: [],
    tests: [],
  }

  test('to YAML is what a person would write', () => {
    expect(convert(plain, 'yaml', 'cos').text).toBe(`rules:
  - id: web
    allowedOrigins: ["https://a.com"]
    allowedMethods: [GET]
    allowedHeaders: ["x-amz-*"]
`)
  })

  test('to JSON is what the AWS CLI takes', () => {
    expect(convert(plain, 'json', 'cos')).toMatchObject({ lost: [] })
    expect(JSON.parse(convert(plain, 'json', 'cos').text)).toEqual({
      CORSRules: [
        {
          ID: 'web',
          AllowedOrigins: ['https://a.com'],
          AllowedMethods: ['GET'],
          AllowedHeaders: ['x-amz-*'],
        },
      ],
    })
  })

  test('is refused if the vendor would not store it', () => {
    const [rule] = plain.rules
    const many = {
      ...plain,
      rules: Array.from({ length: 21 }, () => rule).filter((one) => one !== undefined),
    }
    expect(convert(many, 'xml', 'oss').refusal).toBe('oss stores at most 20 rules, this file has 21')
    expect(convert(many, 'xml', 's3').refusal).toBeUndefined()
    const large = {
      ...plain,
      rules: [
        {
          ...plain.rules[0],
          allowedMethods: ['GET'],
          allowedHeaders: [],
          exposeHeaders: [],
          allowedOrigins: Array.from({ length: 400 }, (_, i) => `https://${i}.example.com`),
        },
      ],
    } satisfies RuleFile
    expect(convert(plain, 'xml', 'http').refusal).toBe(
      "dialect http has no XML form: choose a vendor's, for example --dialect s3",
    )
    expect(convert(large, 'xml', 'oss').refusal).toMatch(/^oss stores at most 16384 bytes, this XML has \d+$/)
  })
})
