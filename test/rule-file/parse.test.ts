import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isSerializedOrigin } from '../../src/cors/pattern.ts'
import { presetNames, presets } from '../../src/cors/presets.ts'
import { ruleFileSchema } from '../../src/rule-file/editor-schema.ts'
import { hostProblem, idProblem } from '../../src/rule-file/entry.ts'
import { originProblem } from '../../src/rule-file/origin-entry.ts'
import { parseRuleFile } from '../../src/rule-file/parse.ts'
import { quoted } from '../../src/text/visible.ts'

const rule = { allowedOrigins: ['https://a.com'], allowedMethods: ['GET'] }

describe('a document', () => {
  test('is read with its defaults', () => {
    expect(parseRuleFile({ rules: [rule] })).toEqual({
      issues: [],
      content: {
        rules: [{ ...rule, allowedHeaders: [], exposeHeaders: [] }],
        vary: 'auto',
        responseVary: false,
        mode: 'enforce',
        hosts: [],
        tests: [],
      },
    })
  })

  test('shows every mistake at once, each with its path', () => {
    const { content, issues } = parseRuleFile({
      rules: [{ allowedOrigins: ['https://a.com/', 5], maxAgeSeconds: -1, x: 1 }, null, 'text'],
      vary: 'never',
      tests: [{}],
      more: {},
    })
    expect(content).toBeUndefined()
    expect(issues.map(({ code, path }) => `${path.join('.')} ${code}`).toSorted()).toEqual([
      'more unknown-key',
      'rules.0 missing-key',
      'rules.0.allowedOrigins.0 origin-has-path',
      'rules.0.allowedOrigins.1 wrong-type',
      'rules.0.maxAgeSeconds maxage-out-of-range',
      'rules.0.x unknown-key',
      'rules.1 wrong-type',
      'rules.2 wrong-type',
      'tests.0 missing-key',
      'tests.0 missing-key',
      'tests.0 missing-key',
      'vary unsupported-value',
    ])
    expect(issues.every(({ severity }) => severity === 'error')).toBe(true)
  })

  test.each<[string, unknown]>([
    ['null', null],
    ['a list', []],
    ['text', 'rules'],
    ['nothing in it', {}],
  ])('that is %s is refused at the top', (_, document) => {
    const { content, issues } = parseRuleFile(document)
    expect(content).toBeUndefined()
    expect(issues.map(({ path }) => path)).toEqual([[]])
  })

  test('of any kind gives content or issues', () => {
    return fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true, withMap: true }), (document) => {
        for (const candidate of [
          document,
          { rules: document },
          { rules: [document] },
          { rules: [{ ...rule, id: document, maxAgeSeconds: document }] },
        ]) {
          const { content, issues } = parseRuleFile(candidate)
          expect(content === undefined).toBe(issues.length > 0)
        }
      }),
    )
  })

  test.each<[unknown, number]>([
    [0, 0],
    ['600', 600],
    ['0600', 600],
    [Number.MAX_VALUE, Number.MAX_SAFE_INTEGER],
    ['9'.repeat(400), Number.MAX_SAFE_INTEGER],
  ])('with %j seconds keeps a number that is written in digits', (maxAgeSeconds, expected) => {
    expect(parseRuleFile({ rules: [{ ...rule, maxAgeSeconds }] }).content?.rules[0]?.maxAgeSeconds).toBe(
      expected,
    )
  })

  test('with an empty id has none', () => {
    for (const id of ['', '  '])
      expect(parseRuleFile({ rules: [{ ...rule, id }] }).content?.rules[0]).not.toHaveProperty('id')
    expect(parseRuleFile({ rules: [{ ...rule, id: ' a ' }] }).content?.rules[0]?.id).toBe('a')
  })
})

describe('an origin', () => {
  test.each<[string, string]>([
    ['', 'origin-empty'],
    [`https://${'a'.repeat(330)}`, 'origin-too-long'],
    [`https://${'a.'.repeat(128)}com`, 'origin-too-long'],
    ['https://a.com\r\nSet-Cookie: x=1', 'origin-control-character'],
    ['https://a.com\0', 'origin-control-character'],
    ['https://a.com\t', 'origin-control-character'],
    ['https://www.éxample.com', 'origin-not-ascii'],
    ['https://exаmple.com', 'origin-not-ascii'],
    ['https://a.com\u200b', 'origin-not-ascii'],
    ['https://a.com\u0085', 'origin-not-ascii'],
    ['“https://a.com”', 'origin-not-ascii'],
    ['https://a.com,https://b.com', 'origin-list-in-one-value'],
    ['https://a.com, https://b.com', 'origin-list-in-one-value'],
    [' https://a.com', 'origin-whitespace'],
    ['https://a.com ', 'origin-whitespace'],
    ['https://a.com https://b.com', 'origin-whitespace'],
    ['**', 'origin-more-than-one-wildcard'],
    ['https://*.*.a.com', 'origin-more-than-one-wildcard'],
    ['*://*', 'origin-more-than-one-wildcard'],
    ['https://a.com/', 'origin-has-path'],
    ['https://*.a.com/', 'origin-has-path'],
    ['https://a.com/*', 'origin-has-path'],
    ['https://a.com/x?y', 'origin-has-path'],
    ['https://a.com?x=1&y', 'origin-has-query-or-fragment'],
    ['https://a.com#x', 'origin-has-query-or-fragment'],
    ['https://exa?ple.com', 'origin-has-query-or-fragment'],
    ['https://u@a.com', 'origin-has-userinfo'],
    ['https://u:p@a.com', 'origin-has-userinfo'],
    ['https://', 'origin-without-host'],
    ['https://:8443', 'origin-without-host'],
    ['HTTPS://a.com', 'origin-upper-case'],
    ['https://A.com', 'origin-upper-case'],
    ['http://[::FFFF]', 'origin-upper-case'],
    ['https://a..com', 'origin-empty-label'],
    ['https://.a.com', 'origin-empty-label'],
    ['https://a.com..', 'origin-empty-label'],
    ['https://.', 'origin-empty-label'],
    ['https://*..com', 'origin-empty-label'],
    ['https://a.com:', 'origin-bad-port'],
    ['https://a.com:0', 'origin-bad-port'],
    ['https://a.com:0443', 'origin-bad-port'],
    ['https://a.com:70000', 'origin-bad-port'],
    ['https://a.com:abc', 'origin-bad-port'],
    ['https://a.com:-1', 'origin-bad-port'],
    ['https://*.a.com:0', 'origin-bad-port'],
    ['https://a.com:443', 'origin-default-port'],
    ['https://*.a.com:443', 'origin-default-port'],
    ['http://a.com:80', 'origin-default-port'],
    ['http://127.1', 'origin-ipv4-not-canonical'],
    ['https://0x7f.1', 'origin-ipv4-not-canonical'],
    ['http://0177.0.0.1', 'origin-ipv4-not-canonical'],
    ['http://2130706433', 'origin-ipv4-not-canonical'],
    ['http://1.2.3.256', 'origin-ipv4-not-canonical'],
    ['http://a.1', 'origin-ipv4-not-canonical'],
    ['http://[0:0:0:0:0:0:0:1]:80', 'origin-ipv6-not-compressed'],
    ['http://[::ffff:1.2.3.4]', 'origin-ipv6-not-compressed'],
    ['http://[::1', 'origin-invalid-character'],
    ['http://[:::1]', 'origin-invalid-character'],
    ['http://::1', 'origin-invalid-character'],
    ['FILE://', 'origin-file-prohibited'],
    ['file:///x', 'origin-file-prohibited'],
    ['file://*', 'origin-file-prohibited'],
    ['{{ .Values.origin }}', 'origin-invalid-character'],
    ['\u0024{ORIGIN}', 'origin-invalid-character'],
    ['https://[a-z]+.com', 'origin-invalid-character'],
    ['/https://.*/', 'origin-invalid-character'],
    ['^https://a\\.com$', 'origin-invalid-character'],
    ['https://a%2ecom', 'origin-invalid-character'],
    ['https://a.com;https://b.com', 'origin-has-path'],
    ['blob:https://a.com', 'origin-invalid-character'],
    ['://a.com', 'origin-invalid-character'],
    ['(a|b)', 'origin-invalid-character'],
  ])('%j is refused as %s', (entry, code) => {
    expect(originProblem(entry)?.code).toBe(code)
  })

  test.each([
    '*',
    'null',
    'https://a.com',
    'https://a.com.',
    'https://a_b.com',
    'https://a.com:8443',
    'http://[::1]:8080',
    'http://[2001:db8::1]',
    'http://127.0.0.1',
    'https://*.a.com',
    'https://*',
    'https://*:8443',
    'http://localhost:*',
    'https://a.com:80*',
    'h*',
    '*://a.com',
    'http*://a.com',
    'https://a*',
    'https://a*a.com',
    'http://10.0.0.*',
    'http://[*]:8080',
    'chrome-extension://abcdefgh',
    'capacitor://localhost',
    '/',
    'www.aliyun.com',
    '*suffix',
    'prefix*',
    'start*end',
    'n*',
    'localhost:4566',
    'EXAMPLE.com',
    'a.com/path',
    'https://xn--rsum-bpad.com',
  ])('%s is stored by some vendor, and loaded', (entry) => {
    expect(originProblem(entry)).toBeUndefined()
  })

  test('without wildcard and with "://" is loaded exactly when a browser could send it', () => {
    const part = fc.constantFrom(
      'https',
      'http',
      '://',
      'a',
      'A',
      '.',
      '-',
      '_',
      ':',
      '443',
      '80',
      '0',
      '8443',
      '[',
      ']',
      '::1',
      '1.2.3.4',
      '/',
      '@',
      ' ',
      'é',
      '?',
      '%',
      '\n',
      'x.com',
    )
    const entry = fc.oneof(
      fc.array(part, { maxLength: 6 }).map((parts) => `https://${parts.join('')}`),
      fc.array(part, { maxLength: 8 }).map((parts) => parts.join('')),
    )
    return fc.assert(
      fc.property(entry, (candidate) => {
        if (!candidate.includes('://')) return
        const url = URL.parse(candidate)
        const isSent = url !== null && url.origin === candidate
        const isOpaque =
          url !== null && url.origin === 'null' && isSerializedOrigin(candidate) && url.protocol !== 'file:'
        expect(originProblem(candidate) === undefined, candidate).toBe(
          (isSent || isOpaque) && isSerializedOrigin(candidate),
        )
      }),
      { numRuns: 5000 },
    )
  })

  test.each<[string, string]>([
    ['https://A.com:443/', 'https://a.com'],
    ['https://résumé.com', 'https://xn--rsum-bpad.com'],
    ['HTTPS://*.A.com/', 'https://*.a.com'],
    ['https://.a.com', 'https://*.a.com'],
    ['http://[0:0:0:0:0:0:0:1]:80', 'http://[::1]'],
  ])('%s is corrected to %s in one step', (entry, better) => {
    expect(originProblem(entry)?.message).toContain(`write "${better}"`)
    expect(originProblem(better)).toBeUndefined()
  })
})

describe('other values', () => {
  test.each([
    'a\nb',
    'a\u202eb',
    'a\u2028b',
    'a\u0000',
    'a\ud800',
    'a\u200bb',
    'a\uffff',
  ])('the id %j is refused', (id) => {
    expect(idProblem(id)?.code).toBe('id-invalid')
  })

  test.each(['web-app', 'Büro 7', '上传', '🙂', 'a"b'])('the id %s is valid', (id) => {
    expect(idProblem(id)).toBeUndefined()
  })

  test.each([
    'a.example.com',
    'localhost',
    '10.0.0.1',
    '[::1]',
    'a_b.example',
  ])('the host %s is valid', (host) => {
    expect(hostProblem(host)).toBeUndefined()
  })

  test.each([
    '',
    'a.example.',
    'a..b',
    '*.a.example',
    'https://a.example',
    'a.example:80',
    'a b',
    'é.example',
    `${'a'.repeat(64)}.example`,
    'a/b',
  ])('the host %j is refused', (host) => {
    expect(hostProblem(host)?.code).toBe('host-invalid')
  })

  test('a value in a message is short, and shows invisible characters', () => {
    expect(quoted('a\u202eb\n"')).toBe('"a\\u202eb\\n\\""')
    expect(quoted('x'.repeat(1000)).length).toBeLessThan(100)
  })

  test('a method is refused in the words of S3, with what to do', () => {
    const messageOf = (method: string) =>
      parseRuleFile({ rules: [{ ...rule, allowedMethods: [method] }] }).issues[0]?.message
    expect(messageOf('MYMETHOD')).toContain(
      'Found unsupported HTTP method in CORS config. Unsupported method is MYMETHOD',
    )
    expect(messageOf('get')).toContain('write GET')
    expect(messageOf('OPTIONS')).toContain('needs no permission')
    expect(messageOf('PATCH')).toContain('COS, OSS and S3')
    expect(messageOf('*')).toContain('name the methods')
  })
})

describe('presets', () => {
  test('are named in one list', () => {
    expect(presetNames.toSorted()).toEqual(Object.keys(presets).toSorted())
  })

  test.each(presetNames)('%s is a rule without origins', (preset) => {
    const { content, issues } = parseRuleFile({ rules: [{ preset, allowedOrigins: ['https://a.com'] }] })
    expect(issues).toEqual([])
    const { purpose: _, ...fields } = presets[preset]
    expect(content?.rules).toEqual([{ preset, allowedOrigins: ['https://a.com'], ...fields }])
    // An author could have written the preset's values.
    expect(parseRuleFile({ rules: [{ allowedOrigins: ['https://a.com'], ...fields }] }).issues).toEqual([])
  })
})

test('a preset can go by the name of the library without its version', () => {
  const rule = { allowedOrigins: ['https://a.com'] }
  const { content } = parseRuleFile({ rules: [{ ...rule, preset: 'aws-sdk-js' }] })
  const { content: versioned } = parseRuleFile({ rules: [{ ...rule, preset: 'aws-sdk-js-v3' }] })
  expect(content?.rules).toEqual([{ ...versioned?.rules[0], preset: 'aws-sdk-js' }])
  expect(JSON.stringify(ruleFileSchema())).toContain('"aws-sdk-js"')
})

test('the JSON Schema has every spelling and refuses other keys', () => {
  const schema = JSON.stringify(ruleFileSchema())
  for (const word of [
    'allowedOrigins',
    'AllowedOrigins',
    'AllowedOrigin',
    'allowedOrigin',
    'CORSRules',
    '"rules"',
    'expect',
    'hosts',
  ])
    expect(schema).toContain(word)
  expect(schema).toContain('"additionalProperties":false')
  // Built again each time, with the same result.
  expect(JSON.stringify(ruleFileSchema())).toBe(schema)
})
