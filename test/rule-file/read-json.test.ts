import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readJson } from '../../src/rule-file/json.ts'
import { readRules } from '../../src/rule-file/read.ts'
import type { SourceNode } from '../../src/rule-file/source.ts'

/** The value that JSON.parse would give: of a duplicate key, the last value. */
function plain(node: SourceNode): unknown {
  if (node.kind === 'scalar') return node.value
  if (node.kind === 'list') return node.items.map(plain)
  return Object.fromEntries(node.entries.map(({ key, value }) => [key, plain(value)]))
}

function parsed(text: string): unknown {
  try {
    return { value: JSON.parse(text) }
  } catch {
    return 'refused'
  }
}

function ours(text: string): unknown {
  const { root } = readJson(text)
  return root === undefined ? 'refused' : { value: plain(root) }
}

describe('the JSON reader', () => {
  test('reads every document as JSON.parse does', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), fc.constantFrom(undefined, 1, '\t'), (text, space) => {
        const written = JSON.stringify(JSON.parse(text), null, space)
        expect(ours(written)).toEqual(parsed(written))
      }),
    )
  })

  test('refuses what JSON.parse refuses, and nothing else', () => {
    const fragment = fc.constantFrom(
      ...'{}[],:"\\ \n\t/*#\'',
      '1',
      '-',
      '.',
      'e',
      'E',
      '+',
      '0',
      'true',
      'null',
      'NaN',
      '"a"',
      '\\u0041',
      '\\x',
      '\u2028',
      '\ud800',
    )
    fc.assert(
      fc.property(fc.array(fragment, { maxLength: 12 }), (parts) => {
        const text = parts.join('')
        expect(ours(text)).toEqual(parsed(text))
      }),
      { numRuns: 3000 },
    )
  })

  test.each<[string, string, string]>([
    ['a trailing comma', '{"rules":[],}\n', '1:12 json-syntax remove the comma before }'],
    ['a trailing comma in a list', '{"rules":[1,\n]}\n', '1:12 json-syntax remove the comma before ]'],
    ['a comment', '{\n // x\n "rules":[]}\n', '2:2 json-syntax JSON has no comments'],
    ['single quotes', "{'rules': []}\n", '1:2 json-syntax use double quotes'],
    ['NaN', '{"rules":[{"maxAgeSeconds":NaN}]}', '1:28 json-syntax "NaN": text needs double quotes'],
    ['a hexadecimal number', '{"rules":0x10}', '1:10 json-syntax "0x10" is not a JSON number'],
    [
      'a file that is cut off',
      '{"rules":[{"id"',
      '1:16 json-syntax the file ends too early: expected a colon after the key',
    ],
    ['a text that is cut off', '{\n"rules":[{"i', '2:11 json-syntax the text has no closing quote'],
    [
      'a line break in a text',
      '{"rules":"a\nb"}',
      '1:10 json-syntax the text has no closing quote on this line',
    ],
    [
      'a second document',
      '{"rules":[]}\n{"rules":[]}\n',
      '2:1 json-syntax text after the end of the document',
    ],
    [
      'infinite seconds',
      '[{"AllowedOrigins":["*"],"AllowedMethods":["GET"],"MaxAgeSeconds":1e999}]',
      '1:67 wrong-type',
    ],
    [
      'a lone surrogate in an id',
      '[{"AllowedOrigins":["*"],"AllowedMethods":["GET"],"ID":"\\ud800"}]',
      '1:56 id-invalid',
    ],
    [
      'brackets after a text with a line break',
      `["\n${'['.repeat(60_000)}"]`,
      '1:2 json-syntax the text has no closing quote on this line',
    ],
    [
      'brackets after a quote in a comment',
      `[/*"*/${'['.repeat(60_000)}"]`,
      '1:2 json-syntax JSON has no comments',
    ],
    ['brackets that another kind closes', '[},'.repeat(20_000), '1:2 json-syntax expected a value'],
    [
      'lists that are not closed',
      `[${'{"a":["b"},'.repeat(100)}]`,
      '1:11 json-syntax a comma is missing before this',
    ],
    ['__proto__', '{"__proto__":{"rules":[]},"rules":[]}', '1:2 unknown-key'],
    [
      'a key twice in a rule',
      '[{"AllowedOrigins":["https://a.com"],"AllowedOrigins":["*"],"AllowedMethods":["GET"]}]',
      '1:38 duplicate-key',
    ],
  ])('reports the position of %s', (_, text, expected) => {
    const { content, findings } = readRules('a.json', new TextEncoder().encode(text), 'cos')
    expect(content).toBeUndefined()
    const reported = findings.map(({ line, column, code, message }) => `${line}:${column} ${code} ${message}`)
    expect(
      reported.some((line) => line.startsWith(expected)),
      reported.join('\n'),
    ).toBe(true)
  })

  test('stops at the same depth as the YAML reader', () => {
    const codes = (file: string, levels: number): readonly string[] =>
      readRules(
        file,
        new TextEncoder().encode(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`),
        'cos',
      ).findings.map(({ code }) => code)
    for (const file of ['a.json', 'a.yaml']) {
      expect(codes(file, 32).filter((code) => code.endsWith('too-deep'))).toEqual([])
      expect(codes(file, 33).filter((code) => code.endsWith('too-deep'))).toHaveLength(1)
    }
  })

  test('no repeated sequence of three tokens overflows the stack', () => {
    const tokens = ['', ...'[]{},"\n', '"a":', '/*']
    for (const first of tokens)
      for (const second of tokens)
        for (const third of tokens)
          expect(readJson(`[${(first + second + third).repeat(6000)}`).problems).not.toEqual([])
  })
})
