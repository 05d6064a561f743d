import { describe, expect, test } from 'vitest'
import { readRules } from '../../../src/rule-file/read.ts'

function codesOf(file: string, text: string): string[] {
  const { findings } = readRules(file, new TextEncoder().encode(text), 'cos')
  return findings.map(({ line, severity, code }) => `${line} ${severity} ${code}`)
}

const accept = (code: string, reason = ' because it was agreed'): string =>
  `# cors-sidecar: allow ${code}${reason}`
const insecure = 'origin-insecure-with-credentials'

/** Two rules with the same warning, and places for comments. */
function rules({ top = '', first = '', inside = '', behind = '', second = '' }): string {
  return `${top}rules:
${first}  - id: one
${inside}    allowedOrigins: ["http://a.example"]${behind}
    allowedMethods: [GET, HEAD]
${second}  - id: two
    allowedOrigins: ["http://b.example"]
    allowedMethods: [GET, HEAD]
`
}

describe('an acceptance in YAML', () => {
  test('both rules get the warning without an acceptance', () => {
    expect(codesOf('a.yaml', rules({}))).toEqual([`3 warning ${insecure}`, `6 warning ${insecure}`])
  })

  test.each<[string, Parameters<typeof rules>[0], readonly string[]]>([
    ['unindented, for the whole file', { top: `${accept(insecure)}\n` }, []],
    ['before a rule, for that rule', { first: `  ${accept(insecure)}\n` }, [`7 warning ${insecure}`]],
    [
      'before the second rule, for that rule',
      { second: `  ${accept(insecure)}\n` },
      [`3 warning ${insecure}`],
    ],
    ['before a field, for that field', { inside: `    ${accept(insecure)}\n` }, [`7 warning ${insecure}`]],
    ['behind a value, for that line', { behind: ` ${accept(insecure)}` }, [`6 warning ${insecure}`]],
    [
      'with another comment between',
      { first: `  ${accept(insecure)}\n  # the kiosk\n\n` },
      [`9 warning ${insecure}`],
    ],
  ])('%s', (_, places, expected) => {
    expect(codesOf('a.yaml', rules(places))).toEqual(expected)
  })

  test('holds for the yaml package as for the quick reader', () => {
    const anchored = rules({ first: `  ${accept(insecure)}\n` }).replace('id: one', 'id: &x one')
    expect(codesOf('a.yaml', anchored)).toEqual([`7 warning ${insecure}`])
  })

  test('covers a list that stands no deeper than its key', () => {
    const text = `rules:
  - allowedMethods: [GET, HEAD]
    ${accept(insecure)}
    allowedOrigins:
    - "http://a.example"
    - "http://b.example"
`
    expect(codesOf('a.yaml', text)).toEqual([])
  })

  test('accepts its own code only', () => {
    expect(codesOf('a.yaml', rules({ top: `${accept('origin-localhost')}\n` }))).toEqual([
      '1 info acceptance-unused',
      `4 warning ${insecure}`,
      `7 warning ${insecure}`,
    ])
  })

  test.each<[string, string]>([
    ['no reason', '# cors-sidecar: allow CODE'],
    ['an empty reason', '# cors-sidecar: allow CODE because'],
    ['an empty reason and spaces', '# cors-sidecar: allow CODE because   '],
  ])('with %s it is a finding itself, and accepts nothing', (_, comment) => {
    expect(codesOf('a.yaml', rules({ top: `${comment.replace('CODE', insecure)}\n` }))).toEqual([
      '1 warning acceptance-without-reason',
      `4 warning ${insecure}`,
      `7 warning ${insecure}`,
    ])
  })

  test.each<[string, string]>([
    ['a code that is not there', '# cors-sidecar: allow origin-insecure because x'],
    ['an error', '# cors-sidecar: allow origin-has-path because x'],
    ['words that are none of it', '# cors-sidecar: ignore everything'],
    ['a reason that is no reason', `# cors-sidecar: allow ${insecure} becausex`],
    ['its own name in upper case', `# CORS-Sidecar: Allow ${insecure} because x`],
  ])('with %s it is a warning', (_, comment) => {
    const found = codesOf('a.yaml', rules({ top: `${comment}\n` }))
    expect(found).toContain('1 warning acceptance-malformed')
    expect(found).toContain(`4 warning ${insecure}`)
  })

  test.each(['id: a', 'allowedMethods: [PUT, POST]'])('of a missing ETag can stand before %s', (line) => {
    const text = `rules:
  - allowedOrigins: ["https://a.example"]
    id: a
    allowedMethods: [PUT, POST]
    allowedHeaders: [content-type]
`
    const indented = line.startsWith('id') ? '  ' : '    '
    const place = line.startsWith('id') ? '  - allowedOrigins' : `    ${line}`
    expect(codesOf('a.yaml', text)).toEqual(['4 warning etag-not-exposed'])
    expect(
      codesOf('a.yaml', text.replace(place, `${indented}${accept('etag-not-exposed')}\n${place}`)),
    ).toEqual([])
  })

  test('an error is never accepted', () => {
    const text = `${accept(insecure)}\nrules:\n  - {allowedOrigins: ["http://a/"], allowedMethods: [GET]}\n`
    expect(codesOf('a.yaml', text)).toEqual(['3 error origin-has-path', '3 info head-missing'])
  })

  test('text inside quotes accepts nothing', () => {
    const text = rules({}).replace('id: one', `id: "${accept(insecure)}"`)
    expect(codesOf('a.yaml', text)).toEqual([`3 warning ${insecure}`, `6 warning ${insecure}`])
  })

  test('a missing line end can be accepted, too', () => {
    expect(codesOf('a.yaml', `${accept('no-final-newline')}\n${rules({}).trimEnd()}`)).toEqual([
      `4 warning ${insecure}`,
      `7 warning ${insecure}`,
    ])
  })
})

describe('an acceptance in XML', () => {
  const xml = (top: string, first: string): string =>
    `${top}<CORSConfiguration>
${first}<CORSRule><AllowedOrigin>http://a.example</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>
<CORSRule><AllowedOrigin>http://b.example</AllowedOrigin><AllowedMethod>HEAD</AllowedMethod></CORSRule>
</CORSConfiguration>
`
  const comment = `<!-- cors-sidecar: allow ${insecure} because it was agreed -->\n`

  test.each<[string, string, readonly string[]]>([
    ['none', xml('', ''), [`2 warning ${insecure}`, `3 warning ${insecure}`]],
    ['before the root, for the file', xml(comment, ''), []],
    ['before a rule, for that rule', xml('', comment), [`4 warning ${insecure}`]],
    ['after hundreds of other comments', xml(`${'<!-- x -->'.repeat(300)}${comment}`, ''), []],
  ])('%s', (_, text, expected) => {
    expect(codesOf('a.xml', text)).toEqual(expected)
  })
})
