import { describe, expect, test } from 'vitest'
import type { RuleFile, RuleTest } from '../../../src/cors/rule.ts'
import { convert } from '../../../src/rule-file/convert.ts'
import { failedExpectations } from '../../../src/rule-file/expectations.ts'
import { convertForeign } from '../../../src/rule-file/foreign/convert.ts'
import { foreignFormats } from '../../../src/rule-file/foreign/formats.ts'
import { readRules } from '../../../src/rule-file/read.ts'
import { shapes } from './shapes.ts'

const expectation = (line: string, expect: 'allow' | 'deny'): RuleTest => {
  const [method = '', origin = '', ...headers] = line.split(' ')
  return { method, origin, headers, expect, actual: false }
}

const converted = (text: string, from?: string) => {
  const file = convertForeign('given', text, 's3', from)
  if (file.kind !== 'buckets') throw new Error(`not recognised: ${JSON.stringify(file)}`)
  return file.buckets
}

/** The file's content after it was written and read again. */
const written = (content: RuleFile): RuleFile | undefined => {
  const { text } = convert(content, 'yaml', 's3')
  const read = readRules('bucket.yaml', Buffer.from(text), 's3')
  expect(read.findings.filter(({ severity }) => severity === 'error')).toEqual([])
  return read.content
}

const nameFor = (text: string): string =>
  text.startsWith('<') ? 'photos.xml' : /^[[{]/.test(text) ? 'photos.json' : 'photos.yaml'

describe('a CORS configuration of another product', () => {
  test.each(shapes)('$format: $about', ({ text, buckets }) => {
    const actual = converted(text)
    expect(actual.map(({ bucket }) => bucket)).toEqual(buckets.map(({ bucket }) => bucket))
    for (const [index, { allow, deny, exposes = [], notes = [], errors = [] }] of buckets.entries()) {
      const found = actual[index]
      const errorCodes = found?.findings
        .filter(({ severity }) => severity === 'error')
        .map(({ code }) => code)
      expect(errorCodes).toEqual(errors)
      expect(found?.notes.map(({ message }) => message)).toEqual(
        notes.map((words) => expect.stringContaining(words)),
      )
      if (errors.length > 0) {
        expect(found?.content).toBeUndefined()
        continue
      }
      const content = found?.content === undefined ? undefined : written(found.content)
      if (content === undefined) throw new Error('nothing was converted')
      const tests = [
        ...allow.map((line) => expectation(line, 'allow')),
        ...deny.map((line) => expectation(line, 'deny')),
      ]
      expect(failedExpectations({ ...content, tests })).toEqual([])
      for (const name of exposes)
        expect(content.rules.flatMap(({ exposeHeaders }) => exposeHeaders)).toContain(name)
    }
  })

  test.each(shapes)('$format: $about is one finding in a rules directory', ({ format, text }) => {
    const name = nameFor(text)
    const { content, findings } = readRules(name, Buffer.from(text), 's3')
    const title = foreignFormats.find(({ id }) => id === format)?.title ?? ''
    expect(content).toBeUndefined()
    expect(findings).toEqual([
      {
        file: name,
        line: 1,
        column: 1,
        severity: 'error',
        code: 'foreign-format',
        message: `a CORS configuration of ${title}: convert it with "cors-sidecar convert ${name}${name.endsWith('.yaml') ? ' --to json' : ''} --out .", then remove this file`,
      },
    ])
  })

  test.each(
    foreignFormats.map(({ id }) => id),
  )('%s has shapes in these tests, and --from reads them', (id) => {
    const own = shapes.filter(({ format }) => format === id)
    expect(own.length).toBeGreaterThan(0)
    for (const { text, buckets } of own) expect(converted(text, id)).toHaveLength(buckets.length)
  })

  test('a file that names another format with --from is not recognised', () => {
    expect(convertForeign('given', shapes[0]?.text ?? '', 's3', 'b2')).toEqual({ kind: 'unknown' })
  })

  test('notes and findings have their position in the given file', () => {
    const [bucket] = converted(
      '[\n  {"origin": ["https://a.example/"],\n   "method": ["GET", "OPTIONS"]}\n]\n',
    )
    expect(bucket?.findings.map(({ line, column, code }) => [line, column, code])).toContainEqual([
      2,
      15,
      'origin-has-path',
    ])
    expect(bucket?.notes.map(({ line, column }) => [line, column])).toEqual([[3, 22]])
  })

  test('a duration in words becomes seconds', () => {
    const [bucket] = converted(
      '{"cors": {"allowOrigins": ["https://a.example"], "allowMethods": ["GET"], "maxAge": "2 hours"}}',
    )
    expect(bucket?.content?.rules[0]?.maxAgeSeconds).toBe(7200)
  })

  test('PATCH stays where the dialect has it', () => {
    const file = convertForeign(
      'given',
      '[{"origin": ["https://a.example"], "method": ["GET", "PATCH"]}]',
      'http',
    )
    if (file.kind !== 'buckets') throw new Error('not recognised')
    expect(file.buckets[0]?.content?.rules[0]?.allowedMethods).toEqual(['GET', 'PATCH'])
    expect(file.buckets[0]?.notes).toEqual([])
  })

  test('invented bucket names never equal another name', () => {
    const resource = (name: string, values: object) => ({
      type: 't',
      name,
      values: { cors_rule: [rule], ...values },
    })
    const rule = { allowed_origins: ['https://a.example'], allowed_methods: ['GET'] }
    const resources = [
      resource('a', {}),
      resource('x', { bucket: 'a' }),
      resource('a', {}),
      resource('é', {}),
    ]
    const found = converted(JSON.stringify({ values: { root_module: { resources } } }))
    expect(found.map(({ bucket }) => bucket)).toEqual(['a-2', 'a', 'a-3', 'bucket-4'])
    expect(found[0]?.notes[0]?.message).toContain('named after a-2, rename it')
  })

  test('variables that refer to themselves are not expanded without end', () => {
    const text = `service: s\ncustom: {a: "\${self:custom.b}\${self:custom.b}", b: "\${self:custom.a}\${self:custom.a}"}\nprovider:\n  s3:\n    one:\n      name: "\${self:custom.a}"\n      corsConfiguration: {CorsRules: [{AllowedOrigins: ["https://a.example"], AllowedMethods: [GET]}]}\n`
    expect(converted(text).map(({ bucket }) => bucket)).toEqual(['one'])
  })

  test('a field without a counterpart is named', () => {
    const [bucket] = converted('[{"origin": ["https://a.example"], "method": ["GET"], "speed": 3}]')
    expect(bucket?.notes.map(({ message }) => message)).toEqual([
      '"speed" is left out: a rule has no such field',
    ])
  })
})

describe('hostile text', () => {
  test.each([
    ['a document type declaration', '<!DOCTYPE a [<!ENTITY b "c">]><CorsConfig>&b;</CorsConfig>'],
    ['XML that is cut off', '<CorsConfig><Cors>'],
    ['JSON that is cut off', '{"cors": [{"origin": ["https://a.example"'],
    ['deep brackets', `${'['.repeat(50_000)}`],
    ['deep dashes', `${'- '.repeat(5000)}x`],
    ['deep elements', `${'<a>'.repeat(20_000)}`],
  ])('%s is refused with a place', (_, text) => {
    expect(convertForeign('given', text, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { line: expect.any(Number), column: expect.any(Number), message: expect.stringMatching(/./) },
    })
  })

  test('aliases are not expanded', () => {
    const bomb = `a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b, *b, *b, *b]\ncors:\n  - {origin: ["https://a.example"], method: [GET]}\n`
    expect(converted(bomb)).toHaveLength(1)
  })
})
