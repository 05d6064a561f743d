import { readdirSync, readFileSync } from 'node:fs'
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { addSchema } from '../../cmd/schema.ts'
import { ruleFileSchema } from '../../src/rule-file/editor-schema.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { runCommand } from './rule-commands.ts'

test('schema prints the JSON Schema that stands beside the example rule files', async () => {
  const { out, err, code } = await runCommand(addSchema, ['schema'])
  expect({ err, code }).toEqual({ err: '', code: 0 })
  expect(JSON.parse(out)).toMatchObject({ $schema: 'https://json-schema.org/draft/2020-12/schema' })
  const beside = readFileSync(new URL('../../rules/schema/rule-file.json', import.meta.url), 'utf8')
  expect(JSON.parse(beside)).toEqual(JSON.parse(out))
})

test('--help says how an editor finds it', async () => {
  expect((await runCommand(addSchema, ['schema', '--help'])).out).toContain(
    '# yaml-language-server: $schema=',
  )
})

describe('an editor with the schema', () => {
  const accepts = new Ajv2020({ strict: false }).compile(ruleFileSchema())
  const rules = new URL('../../rules/', import.meta.url)
  const rule = (fields: Readonly<Record<string, unknown>>): unknown => ({
    rules: [{ allowedOrigins: ['https://a.com'], allowedMethods: ['GET'], ...fields }],
  })

  const examples = readdirSync(rules, { encoding: 'utf8', recursive: true })
  test.each(examples.filter((name) => name.endsWith('.yaml')))('accepts %s', (name) => {
    const text = readFileSync(new URL(name, rules), 'utf8')
    const [, schema = ''] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text) ?? []
    expect(new URL(schema, new URL(name, rules)).href).toBe(new URL('schema/rule-file.json', rules).href)
    expect(accepts(parse(text))).toBe(true)
  })

  test.each<[string, unknown]>([
    ['the AWS console', [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'], ExposeHeaders: [] }]],
    ['the AWS CLI', { CORSRules: [{ ID: 'a', AllowedOrigins: ['*'], AllowedMethods: ['GET'] }] }],
    ['the COS SDK', { CORSRules: [{ AllowedOrigin: ['*'], AllowedMethod: ['GET'], MaxAgeSeconds: '5' }] }],
    ['ali-oss', { rules: [{ allowedOrigin: '*', allowedMethod: ['GET'], maxAgeSeconds: '5' }] }],
    ['a preset', { rules: [{ preset: 'range-read', allowedOrigins: ['*'] }] }],
    [
      'a store that speaks HTTP alone',
      {
        dialect: 'http',
        rules: [
          { allowedOrigins: ['app://.'], allowedMethods: ['PROPFIND', 'OPTIONS'], allowCredentials: true },
        ],
      },
    ],
    ['a web view', rule({ allowedOrigins: ['file://', 'safari-web-extension://A1B2'] })],
    ['a policy', { rules: [], resourcePolicy: 'cross-origin' }],
  ])('accepts the spelling of %s', (_, document) => {
    expect(accepts(document)).toBe(true)
  })

  test.each<[string, unknown]>([
    ['an unknown key', rule({ exposHeaders: ['ETag'] })],
    ['a rule without methods', { rules: [{ allowedOrigins: ['*'] }] }],
    ['an unknown preset', rule({ preset: 'uppy' })],
    ['OPTIONS', rule({ allowedMethods: ['OPTIONS'] })],
    ['PROPFIND without the dialect that knows it', rule({ allowedMethods: ['PROPFIND'] })],
    ['a method in lower case', { ...Object(rule({ allowedMethods: ['get'] })), dialect: 'http' }],
    ['TRACE', { ...Object(rule({ allowedMethods: ['TRACE'] })), dialect: 'http' }],
    ['credentials that the vendor decides', rule({ allowCredentials: true })],
    ['every file', rule({ allowedOrigins: ['file://*'] })],
    ['an origin with a path', rule({ allowedOrigins: ['https://a.com/x'] })],
    ['an origin with a slash at its end', rule({ allowedOrigins: ['https://*.a.com/'] })],
    ['an origin in upper case', rule({ allowedOrigins: ['https://A.com'] })],
    ['an origin with a user', rule({ allowedOrigins: ['https://u@a.com'] })],
    ['an origin with two asterisks', rule({ allowedOrigins: ['https://*.a.*'] })],
    ['two origins in one text', rule({ allowedOrigins: ['https://a.com, https://b.com'] })],
    ['an origin in quotes of print', rule({ allowedOrigins: ['“https://a.com”'] })],
    ['a template', rule({ allowedOrigins: ['https://{{ .Values.host }}'] })],
    ['a file', rule({ allowedOrigins: ['file:///x'] })],
    ['an empty origin', rule({ allowedOrigins: [''] })],
    ['two headers in one text', rule({ allowedHeaders: ['range, if-match'] })],
    ['a header with two asterisks', rule({ allowedHeaders: ['x-*-*'] })],
    ['an exposed asterisk', rule({ exposeHeaders: ['*'] })],
    ['a line break in an exposed header', rule({ exposeHeaders: ['ETag\r\nX: y'] })],
    ['a line break in an id', rule({ id: 'a\nb' })],
    ['seconds below zero', rule({ maxAgeSeconds: -1 })],
    ['a host with a scheme', { rules: [], hosts: ['https://a.example'] }],
    ['a host with a port', { rules: [], hosts: ['a.example:80'] }],
    [
      'more rules than anybody stores',
      { rules: Array.from({ length: 101 }, () => ({ preset: 'public-read', allowedOrigins: ['*'] })) },
    ],
  ])('refuses %s', (_, document) => {
    expect(accepts(document)).toBe(false)
  })

  test('refuses no value that the program loads', () => {
    const letters = [
      ...'aA0*.-_:/?#@[]%{}$,; é~+=!&()|^`<>\\\'"',
      'https://',
      'http*://',
      '*.',
      '::1',
      ':80',
      'null',
    ]
    const value = fc.array(fc.constantFrom(...letters), { maxLength: 8 }).map((parts) => parts.join(''))
    fc.assert(
      fc.property(
        value,
        fc.constantFrom('id', 'allowedOrigins', 'allowedHeaders', 'exposeHeaders', 'hosts'),
        (text, field) => {
          const document =
            field === 'hosts'
              ? { rules: [], hosts: [text] }
              : rule({ [field]: field === 'id' ? text : [text] })
          const { content } = readRules('a.json', new TextEncoder().encode(JSON.stringify(document)), 'cos')
          if (content !== undefined) expect(accepts(document), JSON.stringify(document)).toBe(true)
        },
      ),
      { numRuns: 3000 },
    )
  })
})
