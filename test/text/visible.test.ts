import { describe, expect, test } from 'vitest'
import { findingAnnotation, findingsJson, findingText } from '../../cmd/findings-text.ts'
import { replayJson } from '../../cmd/replay-text.ts'
import { suggestSummary } from '../../cmd/suggest-text.ts'
import { json, type Reply } from '../../src/admin/reply.ts'
import { shown } from '../../src/doctor/who.ts'
import { textLines } from '../../src/log/text-lines.ts'
import type { Finding } from '../../src/plan/finding.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { quote } from '../../src/settings/value.ts'
import { dotted, quoted, visible, visibleJson, visibleLines } from '../../src/text/visible.ts'

/** The single table of characters that no output may contain unescaped. */
const hostile: readonly (readonly [name: string, character: string])[] = [
  ['NUL', '\0'],
  ['bell', '\u0007'],
  ['escape', '\u001b'],
  ['carriage return', '\r'],
  ['tab', '\t'],
  ['delete', '\u007f'],
  ['next line', '\u0085'],
  ['control sequence introducer of C1', '\u009b'],
  ['no-break space', '\u00a0'],
  ['soft hyphen', '\u00ad'],
  ['zero width space', '\u200b'],
  ['left-to-right mark', '\u200e'],
  ['right-to-left override', '\u202e'],
  ['right-to-left isolate', '\u2067'],
  ['line separator', '\u2028'],
  ['paragraph separator', '\u2029'],
  ['ideographic space', '\u3000'],
  ['byte order mark', '\ufeff'],
  ['a tag character', '\u{e0041}'],
  ['private use', '\ue000'],
  ['a lone high surrogate', '\ud800'],
  ['a lone low surrogate', '\udc00'],
]

const around = (character: string): string => `a${character}b`

const found = (text: string): Finding => ({
  file: `${text}.yaml`,
  line: 1,
  column: 1,
  severity: 'error',
  // As if a code could be made of text from outside.
  code: text as Finding['code'],
  message: text,
})

const bodyOf = ({ body }: Reply): string => String(body)

function writtenLine(text: string): string {
  let written = ''
  const output = textLines({
    write(lines) {
      written += lines.toString()
    },
    close: () => Promise.resolve(),
  })
  output.write(`${JSON.stringify({ time: '', level: 'warn', msg: text, [text]: text })}\n`)
  return written
}

function suggested(text: string): string {
  const row = { bucket: text, origin: text, requests: 1, refused: 0 }
  const result = {
    lines: 1,
    suggestions: [{ origins: [row] }],
    leftOut: [{ ...row, why: 'few' }],
    overflow: 0,
  }
  return suggestSummary(result as never, 3, false)
}

/** Every output of the program for untrusted text, with what it writes. */
const outputs: readonly (readonly [name: string, write: (text: string) => string])[] = [
  ['a message', quoted],
  ['a terminal', visible],
  ['several lines of a terminal', visibleLines],
  ['JSON', (text) => visibleJson(JSON.stringify({ [text]: text }, undefined, 2))],
  ['an excerpt', dotted],
  ['a message about a setting', quote],
  ['check as text', (text) => findingText(found(text), `${text}\n`, false)],
  ['check as JSON', (text) => findingsJson([found(text)])],
  ['check as annotations', (text) => findingAnnotation(found(text))],
  ['a log for people', writtenLine],
  ['doctor', shown],
  ['the summary of suggest', suggested],
  ['the admin port', (text) => bodyOf(json(200, { [text]: text }))],
  [
    'findings about a rule file',
    (text) =>
      JSON.stringify(
        readRules(
          'a.json',
          new TextEncoder().encode(
            JSON.stringify({ rules: [{ allowedOrigins: [text], [text]: [text], id: text }] }),
          ),
          'cos',
        ).findings.map(({ message }) => message),
      ),
  ],
]

describe.each(outputs)('%s', (_, write) => {
  test.each(hostile)('never prints %s unescaped', (__, character) => {
    expect(write(around(character)).replaceAll('\n', '')).not.toContain(character)
  })
})

test('JSON reads the same after its characters were made visible', () => {
  const value = Object.fromEntries(hostile.map(([name, character]) => [around(character), name]))
  expect(JSON.parse(visibleJson(JSON.stringify(value, undefined, 2)))).toEqual(value)
})

test.each([
  ['what people write', 'https://bücher.example/ä 漢字 😀'],
  ['plain spaces', 'a b  c'],
])('prints %s unchanged', (_, text) => {
  expect(visible(text)).toBe(text)
  expect(dotted(text)).toBe(text)
})

test('a line break is one escape, or stays where the program has put it', () => {
  expect(visible('a\nb')).toBe('a\\u000ab')
  expect(visibleLines('a\nb\u001b')).toBe('a\nb\\u001b')
})

test('an excerpt keeps its width for any content', () => {
  expect(dotted('a\u{e0041}\u202e b')).toBe('a··· b')
})

test('replay as JSON prints no such character unescaped', () => {
  const result = { differences: [{ origin: 'https://a\u202e\u0085.com' }] }
  expect(replayJson(result as never)).toContain('a\\u202e\\u0085.com')
})
