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

  test('a note about the name of a bucket points to the name, not to an equal word before it', () => {
    const [bucket] = converted(
      "Listing CORS rules for bucket 'rules for'...\nallowed_origins:  https://a.example\nallowed_methods:  GET\n",
    )
    expect(bucket?.bucket).toBe('rules for')
    expect(bucket?.notes.map(({ line, column }) => [line, column])).toEqual([[1, 32]])
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
    expect(found[0]?.notes[0]?.message).toContain('the rule file is called a-2, so rename it')
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

/** A template of CloudFormation with one bucket. */
const template = (rules: string, top = ''): string => `${top}
Resources:
  B:
    Type: AWS::S3::Bucket
    Properties:
      BucketName: b-1
      CorsConfiguration: {CorsRules: ${rules}}
`

/** The rules of the only bucket, its notes, and the codes of its errors. */
const outcome = (text: string) => {
  const [bucket] = converted(text)
  return {
    rules: bucket?.content?.rules,
    notes: bucket?.notes.map(({ message }) => message),
    errors: bucket?.findings.filter(({ severity }) => severity === 'error').map(({ code }) => code),
  }
}

const rule = '{AllowedOrigins: ["https://a.example"], AllowedMethods: [GET]}'
const readRule = {
  allowedOrigins: ['https://a.example'],
  allowedMethods: ['GET'],
  allowedHeaders: [],
  exposeHeaders: [],
}

describe('YAML aliases', () => {
  test.each<readonly [string, string, string, object]>([
    [
      'a list and a number',
      'X: [&headers [range], &age 60]',
      '{AllowedOrigins: ["https://a.example"], AllowedMethods: [GET], AllowedHeaders: *headers, MaxAge: *age}',
      { ...readRule, allowedHeaders: ['range'], maxAgeSeconds: 60 },
    ],
    ['a rule', `X: &rule ${rule}`, '*rule', readRule],
    [
      'a key',
      'X: {&key AllowedHeaders : x}',
      '{AllowedOrigins: ["https://a.example"], AllowedMethods: [GET], *key : [range]}',
      { ...readRule, allowedHeaders: ['range'] },
    ],
    [
      'an item',
      'X: &origin "https://a.example"',
      '{AllowedOrigins: [*origin], AllowedMethods: [GET]}',
      readRule,
    ],
    [
      'the latest anchor of a name',
      'X: [&x "https://wrong.example", &x "https://a.example"]',
      '{AllowedOrigins: [*x], AllowedMethods: [GET]}',
      readRule,
    ],
    [
      'a value with a tag',
      'X: &origin !Join ["", ["https://", a.example]]',
      '{AllowedOrigins: [*origin], AllowedMethods: [GET]}',
      readRule,
    ],
    [
      'a mapping to merge, whose entries the own ones replace',
      'X: &rule {AllowedOrigins: ["*"], AllowedMethods: [GET], MaxAge: 5}',
      '{<<: *rule, AllowedOrigins: ["https://a.example"]}',
      { ...readRule, maxAgeSeconds: 5 },
    ],
    [
      'several mappings to merge, of which the first decides',
      'X: [&one {AllowedOrigins: ["https://a.example"]}, &two {AllowedOrigins: ["*"], AllowedMethods: [GET]}]',
      '{<<: [*one, *two]}',
      readRule,
    ],
  ])('%s is read where its alias is', (_, top, item, expected) => {
    expect(outcome(template(`[${item}]`, top))).toEqual({ rules: [expected], notes: [], errors: [] })
  })

  test('an anchor of the list of rules is followed for another bucket', () => {
    const second = template('*rules')
      .replace('Resources:\n', '')
      .replace('  B:', '  C:')
      .replace('b-1', 'c-1')
    const buckets = converted(template(`&rules [${rule}]`) + second)
    expect(buckets.map(({ bucket, content }) => [bucket, content?.rules])).toEqual([
      ['b-1', [readRule]],
      ['c-1', [readRule]],
    ])
  })

  test.each([
    ['an alias without an anchor', template(`[*rule]`), 'quote the asterisk: "*rule"'],
    [
      'an unquoted variable, which is a key',
      '- s3_cors: {name: b, rules: {{ rules }}}\n',
      'a key must be plain text',
    ],
    ['a second document', `${template(`[${rule}]`)}---\n${template(`[${rule}]`)}`, 'a second document'],
  ])('%s is refused, because it would be left out without a note', (_, text, words) => {
    expect(convertForeign('given', text, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { message: expect.stringContaining(words) },
    })
  })
})

describe('what stands for a rule that the file does not have', () => {
  const variable = `"\${file(x.yml):rule}"`
  const serverless = (cors: string): string =>
    `service: s\nprovider: {s3: {b: {name: b-1, corsConfiguration: ${cors}}}}\n`
  test.each([
    ['a variable beside a rule', template(`[${rule}, ${variable}]`), 'computed-value'],
    ['nothing but variables', template(`[${variable}]`), 'computed-value'],
    ['a list beside a rule', template(`[${rule}, [${rule}]]`), 'wrong-type'],
    ['an item of serverless', serverless(`{CorsRules: [${rule}, ${variable}]}`), 'computed-value'],
    ['the whole configuration of serverless', serverless(variable), 'computed-value'],
    [
      'the whole configuration of CloudFormation',
      template('x').replace('{CorsRules: x}', `!If [IsProd, {CorsRules: [${rule}]}, !Ref AWS::NoValue]`),
      'computed-value',
    ],
    [
      'an item of Ansible',
      '- s3_cors: {name: b, rules: [{allowed_origins: ["https://a.example"], allowed_methods: [GET]}, "{{ rule }}"]}\n',
      'computed-value',
    ],
    ['the arguments of an Ansible task', '- s3_cors: "{{ cors }}"\n', 'computed-value'],
    [
      'the rules of Pulumi',
      `resources: {b: {type: "aws:s3:Bucket", properties: {bucket: b-1, corsRules: "\${rules}"}}}\n`,
      'computed-value',
    ],
    [
      'an item of Pulumi',
      `resources: {b: {type: "aws:s3:Bucket", properties: {bucket: b-1, corsRules: ["\${rule}"]}}}\n`,
      'computed-value',
    ],
  ])('%s is an error', (_, text, code) => {
    expect(outcome(text)).toMatchObject({ rules: undefined, errors: [code] })
  })

  test('an empty item is no rule', () => {
    expect(outcome(template(`[${rule}, null]`))).toEqual({ rules: [readRule], notes: [], errors: [] })
  })

  test('is mentioned when other rules of the bucket are used', () => {
    const task = (rules: string): string => `- s3_cors: {name: b, rules: ${rules}}\n`
    const item = '{allowed_origins: ["https://a.example"], allowed_methods: [GET]}'
    expect(outcome(task(`[${item}, "{{ rule }}"]`) + task(`[${item}]`)).notes).toEqual([
      'these rules are left out: the file has other rules for bucket b, and those are used',
    ])
  })
})

describe('values that a template computes', () => {
  const parameters = 'Parameters: {Domain: {Default: wrong.example}, Page: {Default: "https://a.example"}}'
  const origin = (written: string, top = parameters) =>
    outcome(template(`[{AllowedOrigins: [${written}], AllowedMethods: [GET]}]`, top))
  const usesDefault = (name: string): string =>
    `the default of "${name}" is used: check that the deployment sets no other value`

  test.each([
    ['!Ref Page', ['Page']],
    [`!Sub "\${Page}"`, ['Page']],
    [`!Sub ["\${Own}", {Own: !Ref Page}]`, ['Page']],
    ['!Join ["", [!Ref Page]]', ['Page']],
    [`!Sub ["https://\${Domain}", {Domain: a.example}]`, []],
  ])('%s is replaced, and each default is a note', (written, names) => {
    expect(origin(written)).toEqual({ rules: [readRule], notes: names.map(usesDefault), errors: [] })
  })

  test.each([
    [
      'a variable that is computed hides a parameter',
      `!Sub ["https://\${Domain}", {Domain: !GetAtt Cdn.DomainName}]`,
    ],
    ['a variable that is null hides a parameter', `!Sub ["https://\${Domain}", {Domain: null}]`],
    ['null is no text', '!Join ["", ["https://", null, a.example]]'],
    ['null is no separator', '!Join [null, ["https://", a.example]]'],
  ])('%s: %s is an error', (_, written) => {
    expect(origin(written)).toMatchObject({ rules: undefined, errors: ['computed-value'] })
  })

  test.each([
    [`!Sub ["https://\${Own}a.example", {Own: ""}]`, 'https://a.example'],
    [`!Sub ["http://a.example:\${Port}", {Port: 8080}]`, 'http://a.example:8080'],
  ])('%s has the value of its variable', (written, expected) => {
    expect(
      origin(written, 'Parameters: {Own: {Default: x}, Port: {Default: 1}}').rules?.[0]?.allowedOrigins,
    ).toEqual([expected])
  })

  test('a parameter is noted once for each bucket, and only where it is used', () => {
    const used = template(`[{AllowedOrigins: [!Ref Page], AllowedMethods: [GET]}, ${rule}]`, parameters)
    const twice = used.replace(rule, '{AllowedOrigins: [!Ref Page], AllowedMethods: [PUT]}')
    const other = template(`[${rule}]`)
      .replace('Resources:\n', '')
      .replace('  B:', '  C:')
      .replace('b-1', 'c-1')
    expect(converted(twice + other).map(({ notes }) => notes.map(({ message }) => message))).toEqual([
      [usesDefault('Page')],
      [],
    ])
  })

  test('the note of a bucket name that is not one is not the only note', () => {
    const text = template(`[${rule}]`, 'Parameters: {Name: {Default: a b}}').replace('b-1', '!Ref Name')
    expect(outcome(text).notes).toEqual([
      usesDefault('Name'),
      expect.stringContaining('is not a bucket name'),
    ])
  })

  test.each([
    ["opt:h, 'range,content-type'", ['range', 'content-type'], ['opt:h']],
    ['opt:h, "range,content-type"', ['range', 'content-type'], ['opt:h']],
    ["opt:h, env:H, 'range'", ['range'], ['opt:h']],
    ['env:H, self:custom.h', ['if-match'], ['env:H']],
    ["self:custom.h, 'range'", ['if-match'], []],
    ["self:custom.x, 'range'", ['range'], ['self:custom.x']],
    ['self:custom.d', ['x-dev'], ['opt:stage']],
  ])('%s of serverless has the value of its first source that is known', (written, allowedHeaders, names) => {
    const headers = JSON.stringify(`\${${written}}`)
    const text = `service: s
custom: {h: if-match, d: "x-\${opt:stage, 'dev'}"}
provider:
  s3:
    b:
      name: b-1
      corsConfiguration:
        CorsRules: [{AllowedOrigins: ["https://a.example"], AllowedMethods: [GET], AllowedHeaders: ${headers}}]
`
    expect(outcome(text)).toEqual({
      rules: [{ ...readRule, allowedHeaders }],
      notes: names.map(usesDefault),
      errors: [],
    })
  })
})

describe('hostile text', () => {
  test.each([
    ['a document type declaration', '<!DOCTYPE a [<!ENTITY b "c">]><CorsConfig>&b;</CorsConfig>'],
    ['XML that is cut off', '<CorsConfig><Cors>'],
    ['JSON that is cut off', '{"cors": [{"origin": ["https://a.example"'],
    ['deep elements', `${'<a>'.repeat(20_000)}`],
  ])('%s is refused with a place', (_, text) => {
    expect(convertForeign('given', text, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { line: expect.any(Number), column: expect.any(Number), message: expect.stringMatching(/./) },
    })
  })

  const deep: readonly (readonly [string, string])[] = [
    ['brackets', '['.repeat(60_000)],
    ['brackets between brackets in texts', `# cors\n["${']",["'.repeat(12_000)}`],
    ['JSON with brackets in texts', `{"cors":${'["]",'.repeat(10_000)}1${']'.repeat(10_000)}}`],
    ['dashes', `# cors\n${'- '.repeat(30_000)}x`],
    ['explicit keys', `# cors\n${'? '.repeat(30_000)}x`],
    ['explicit keys with values', `# cors\n${'? : '.repeat(15_000)}x`],
    [
      'mappings in mappings',
      `# cors\n${Array.from({ length: 350 }, (_, indent) => `${' '.repeat(indent)}a:\n`).join('')}`,
    ],
  ]

  test.each(deep)('deep %s are refused at the level that is too deep', (_, text) => {
    expect(convertForeign('given', text, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { message: 'nesting deeper than 64' },
    })
  })

  test.each(deep)('deep %s in a rules directory are one finding', (_, text) => {
    const { content, findings } = readRules(nameFor(text), Buffer.from(text), 's3')
    expect(content).toBeUndefined()
    expect(findings.map(({ message }) => message)).toEqual(['nesting deeper than 32'])
  })

  test.each(['yaml', 'json'])('64 levels are read as %s', (format) => {
    const nested = `${'['.repeat(62)}${']'.repeat(62)}`
    const text = `{"cors": [{"origin": ["https://a.example"], "method": ["GET"]}], "x": ${nested}}`
    expect(converted(format === 'json' ? text : `# a comment\n${text}`)).toHaveLength(1)
  })

  test('YAML of too many tokens is refused', () => {
    expect(convertForeign('given', `cors: [${'a,'.repeat(100_000)}]`, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { message: 'more than 250000 YAML tokens' },
    })
  })

  test.each([
    ['that grow', 'a: &a [x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a]\nc: [*b, *b, *b]\n'],
    ['inside their own anchor', 'a: &a [x, *a]\n'],
    ['inside their own merge', 'a: &a {b: 1, <<: *a}\n'],
  ])('aliases %s are not expanded without end', (_, text) => {
    expect(
      convertForeign('given', `${text}cors: [{origin: ["https://a.example"], method: [GET]}]\n`, 's3'),
    ).toEqual({
      kind: 'unreadable',
      fault: expect.objectContaining({
        message: 'too many alias expansions (over 20): write the values out',
      }),
    })
  })

  test('aliases of too many values are refused', () => {
    const text = `x: &x [${'a,'.repeat(60_000)}]\ny: [*x, *x, *x, *x, *x]\ncors: []\n`
    expect(convertForeign('given', text, 's3')).toMatchObject({
      fault: { message: 'too many alias expansions (over 250000 values): write the values out' },
    })
  })

  test('an alias as a key inside its own anchor is refused', () => {
    const text = `a: &a ${'[? '.repeat(60)}*a ${']'.repeat(60)}\n`
    expect(convertForeign('given', text, 's3')).toMatchObject({
      kind: 'unreadable',
      fault: { message: 'too many alias expansions (over 20): write the values out' },
    })
  })

  const repeated = (text: string, times: number): string =>
    `{"Fn::Sub": ["${`\${x}`.repeat(times)}", {"x": ${text}}]}`
  test.each([
    ['a variable', repeated(repeated(`"${'x'.repeat(15_000)}"`, 5000), 8)],
    ['an empty variable', repeated('""', 15_000)],
    [
      'a separator',
      `{"Fn::Join": [{"Fn::Join": ["${'x'.repeat(10_000)}", [${'"a",'.repeat(9000)}"a"]]}, [${'"a",'.repeat(9)}"a"]]}`,
    ],
  ])('a text that %s makes longer than any value is not computed', (_, origin) => {
    const rules = `[{"AllowedOrigins": [${origin}], "AllowedMethods": ["GET"]}]`
    const text = `{"Resources": {"B": {"Properties": {"BucketName": "b", "CorsConfiguration": {"CorsRules": ${rules}}}}}}`
    expect(outcome(text)).toMatchObject({ rules: undefined, errors: ['computed-value'] })
  })

  test('a text with unclosed variables is not computed', () => {
    expect(
      outcome(template(`[{AllowedOrigins: [!Sub "${'${'.repeat(30_000)}"], AllowedMethods: [GET]}]`)),
    ).toMatchObject({
      rules: undefined,
    })
  })

  const names = (item: (index: number) => string): string =>
    Array.from({ length: 1_000_000 / item(99_999).length }, (_, index) => item(index)).join(',')
  test.each([
    [
      'Pulumi',
      `{"resources": {${names((index) => `"a${index}":{}`)}, "z": {"properties": {"corsRules": [{"allowedOrigins": ["https://a.example"], "allowedMethods": ["GET"]}]}}}}`,
    ],
    [
      'Terraform',
      `{"resource": {"t": {${names((index) => `"a${index}":{}`)}, "z": {"cors_rule": [{"allowed_origins": ["https://a.example"], "allowed_methods": ["GET"]}]}}}}`,
    ],
    [
      'CloudFormation',
      `{"Parameters": {${names((index) => `"p${index}":{}`)}}, "Resources": {"B": {"Properties": {"CorsConfiguration": {"CorsRules": [{"AllowedOrigins": [${names((index) => `{"Ref":"q${index}"}`)}], "AllowedMethods": ["GET"]}]}}}}}`,
    ],
  ])('a megabyte of names of %s takes no quadratic time', (_, text) => {
    expect(converted(text)).toHaveLength(1)
  })

  test('20 aliases are followed', () => {
    const text = (count: number): string =>
      `x: &x 1\ny: [${'*x,'.repeat(count)}]\ncors: [{origin: ["https://a.example"], method: [GET]}]\n`
    expect(converted(text(20))).toHaveLength(1)
    expect(convertForeign('given', text(21), 's3').kind).toBe('unreadable')
  })

  test('a note shows control characters as escapes', () => {
    const rule = { AllowedOrigins: 'https://a.example', AllowedMethods: 'GET', MaxAgeInSeconds: 1 }
    const [bucket] = converted(JSON.stringify([rule, { ...rule, Service: '\u009b2Jqueue' }]))
    expect(bucket?.notes[0]?.message).toContain('the rule of the \\u009b2Jqueue service')
  })
})
