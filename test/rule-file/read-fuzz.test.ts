import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isCode } from '../../src/rule-file/lint/codes.ts'
import { readRules } from '../../src/rule-file/read.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const seeds = {
  'a.yaml': readFileSync(new URL('../../rules/examplebucket-1250000000.yaml', import.meta.url)),
  'a.json': encoder.encode(
    '{"CORSRules": [{"ID": "a", "AllowedOrigins": ["https://a.com", "*"], "AllowedMethods": ["GET"], "MaxAgeSeconds": 5}],\n "dialect": "oss", "tests": []}\n',
  ),
  'a.xml': encoder.encode(
    '<?xml version="1.0"?>\n<CORSConfiguration xmlns="x"><!-- c --><CORSRule><ID>a&#65;</ID><AllowedOrigin>https://a.com</AllowedOrigin>\n<AllowedMethod>GET</AllowedMethod><MaxAgeSeconds>5</MaxAgeSeconds></CORSRule></CORSConfiguration>\n',
  ),
}
const names = Object.keys(seeds) as (keyof typeof seeds)[]

/** For any bytes: the result is content or an error, and every finding has a valid position. */
function expectSound(file: string, bytes: Uint8Array): void {
  const { content, findings } = readRules(file, bytes, 'cos')
  expect(content === undefined).toBe(findings.some(({ severity }) => severity === 'error'))
  const lines = decoder.decode(bytes).split('\n')
  for (const finding of findings) {
    expect(finding.file).toBe(file)
    expect(finding.code).toSatisfy(isCode)
    expect(finding.message).toMatch(/^[^\0-\x1f\x7f]{5,600}$/)
    expect(finding.line).toBeGreaterThanOrEqual(1)
    expect(finding.line).toBeLessThanOrEqual(lines.length)
    expect(finding.column).toBeGreaterThanOrEqual(1)
    expect(finding.column).toBeLessThanOrEqual((lines[finding.line - 1] ?? '').length + 1)
  }
}

describe.each(names)('any bytes as %s', (file) => {
  test('random bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => expectSound(file, bytes)),
      { numRuns: 500 },
    )
  })

  test('text made of YAML, JSON and XML tokens', () => {
    const part = fc.constantFrom(
      'rules',
      'CORSRules',
      'allowedOrigins',
      'AllowedMethod',
      ':',
      ': ',
      '- ',
      '\n',
      '\n  ',
      '\n    ',
      '"',
      "'",
      '*',
      '&a ',
      '*a',
      '!!x ',
      '<',
      '>',
      '</',
      '<CORSConfiguration>',
      '<CORSRule>',
      '<AllowedOrigin>',
      '</AllowedOrigin>',
      '<![CDATA[',
      ']]>',
      '<!--',
      '-->',
      '&#10;',
      '&',
      '[',
      ']',
      '{',
      '}',
      ',',
      'https://a.com',
      '600',
      '1e999',
      'null',
      '\u202e',
      '\u2028',
      '\ud83d\ude00',
      '\0',
      '\r',
      '\t',
      '%YAML',
      '---',
      '...',
      '# cors-sidecar: allow no-rules because',
      '\\u0000',
    )
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), (parts) =>
        expectSound(file, encoder.encode(parts.join(''))),
      ),
      { numRuns: 1000 },
    )
  })

  test('a good file with a stretch replaced', () => {
    const seed = seeds[file]
    fc.assert(
      fc.property(fc.nat(seed.length), fc.nat(20), fc.uint8Array({ maxLength: 6 }), (at, length, put) =>
        expectSound(file, Buffer.concat([seed.subarray(0, at), put, seed.subarray(at + length)])),
      ),
      { numRuns: 1000 },
    )
  })

  test('a good file that is cut off', () => {
    const seed = seeds[file]
    for (let length = 0; length < seed.length; length++) expectSound(file, seed.subarray(0, length))
  })

  test('the largest files that are made to slow down a parser', () => {
    for (const part of [
      '[',
      '{',
      '- ',
      '? ',
      '&a ',
      '*a ',
      '#\n',
      ',',
      'a: ',
      'a:\n',
      '"\\',
      '<a>',
      '<a ',
      '&#1;',
      '<!--',
      '- *a\n',
      '---\n',
      '%a\n',
      '!a ',
      '}',
      ']',
      '"a" ',
      "''",
      '" "',
      '"a",',
      '{},',
      '[[]],',
      '"\\u0041"',
      '|\n',
      '<a/>',
      '<CORSRule/>',
    ])
      expectSound(file, encoder.encode(part.repeat(Math.floor(65_000 / part.length))))
  })

  test('the largest files that are made to slow down a regular expression or to overflow the stack', () => {
    const parts: readonly (readonly [head: string, part: string, tail: string])[] = [
      ['', '\n', '!'],
      ['', '---\n', '!'],
      ['', '# \r\n', 'a: b\r\n%x\r\n'],
      ['["', '\\"', ''],
      ['["', '\\"\n', ''],
      ['["\n', '[', '"]'],
      ['[/*"*/', '[', '"]'],
      ['', '[},', ''],
      ['# cors\n', '? ', 'x'],
      ['# cors\n["', ']",["', ''],
      ['<a>', '<!---->', '</a>'],
      ['<CORSConfiguration><CORSRule><ID>a', ' ', 'b</ID></CORSRule></CORSConfiguration>'],
      ['rules: [] # cors-sidecar: allow no-rules because a', ' ', 'b\n'],
      ['rules: [{allowedOrigins: "a', ' ', 'b", allowedMethods: [GET]}]\n'],
    ]
    for (const [head, part, tail] of parts)
      expectSound(file, encoder.encode(head + part.repeat(Math.floor(65_000 / part.length)) + tail))
  })
})
