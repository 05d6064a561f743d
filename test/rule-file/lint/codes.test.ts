import { globSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { codes, isCode } from '../../../src/rule-file/lint/codes.ts'
import { readRules } from '../../../src/rule-file/read.ts'

const root = new URL('../../../', import.meta.url)
const table = 'src/rule-file/lint/codes.ts'
const sources = globSync(['src/**/*.ts', 'cmd/**/*.ts'], { cwd: root }).map((file) => ({
  file,
  text: readFileSync(new URL(file, root), 'utf8'),
}))

/** Their findings have codes outside the table: those of access keys, and those of the form of the console. */
const otherTables = ['src/bucket-cors/credentials.ts', 'src/admin/form-findings.ts']

describe('the table of finding codes', () => {
  test('alone decides the severity', () => {
    const writing = sources
      .filter(({ file, text }) => file !== table && /\bseverity: '\w+'(?! \|)/.test(text))
      .map(({ file }) => file)
    expect(writing.toSorted()).toEqual(otherTables.toSorted())
  })

  test('has no code that is unused in the sources', () => {
    const others = sources.filter(({ file }) => file !== table).map(({ text }) => text)
    const unnamed = Object.keys(codes).filter((code) => !others.some((text) => text.includes(`'${code}'`)))
    expect(unnamed).toEqual([])
  })

  /** Rule files in which a code has a severity other than its usual one. */
  test.each([
    { code: 'no-rules', severity: 'error', file: 'b.xml', text: '<CORSConfiguration></CORSConfiguration>' },
    { code: 'header-forbidden', severity: 'warning', text: rule('allowedHeaders: [cookie]') },
    { code: 'maxage-out-of-range', severity: 'error', text: rule('maxAgeSeconds: -1') },
    { code: 'origin-upper-case', severity: 'warning', text: stored('https://A.com') },
    { code: 'origin-has-path', severity: 'warning', text: stored('https://a.com/') },
    { code: 'origin-default-port', severity: 'warning', text: stored('https://a.com:443') },
    { code: 'origin-placeholder', severity: 'warning', text: stored('https://MY_APP') },
    { code: 'more-findings', severity: 'error', text: rule('', many('https://a.com/')) },
    { code: 'more-findings', severity: 'warning', text: rule('', many('a.com')) },
  ] as const)('lists the other severity of $code: $severity', ({ code, severity, text, ...row }) => {
    const file = 'file' in row ? row.file : 'b.yaml'
    const { findings } = readRules(file, new TextEncoder().encode(text), 'cos')
    expect(findings.map((finding) => `${finding.severity} ${finding.code}`)).toContain(`${severity} ${code}`)
    expect(codes[code].or).toContain(severity)
    expect(codes[code].severity).not.toBe(severity)
  })

  test('lists another severity only for the codes of the rows above', () => {
    const more = Object.entries(codes).filter(([, { or }]) => or.length > 0)
    expect(
      more
        .map(([code]) => code)
        .filter(isCode)
        .toSorted(),
    ).toEqual([
      'header-forbidden',
      'maxage-out-of-range',
      'more-findings',
      'no-rules',
      'origin-default-port',
      'origin-has-path',
      'origin-placeholder',
      'origin-upper-case',
    ])
  })
})

function rule(more: string, origin = 'https://a.com'): string {
  const lines = [
    'rules:',
    `  - allowedOrigins: ["${origin}"]`,
    '    allowedMethods: [GET]',
    ...(more === '' ? [] : [`    ${more}`]),
  ]
  return `${lines.join('\n')}\n`
}

function stored(origin: string): string {
  return `storedBy: api\ndialect: s3\n${rule('', origin)}`
}

function many(origin: string): string {
  return Array(200).fill(origin).join('", "')
}
