import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { DialectName } from '../../src/cors/rule.ts'
import type { Finding } from '../../src/plan/finding.ts'
import { codes, isCode } from '../../src/rule-file/lint/codes.ts'
import { type ReadOptions, readRules } from '../../src/rule-file/read.ts'

const fixtures = new URL('../fixtures/bad-rules/', import.meta.url)

interface Row {
  readonly file: string
  readonly verdict: 'reject' | 'warn' | 'accept' | 'ignore'
  readonly code: string
  readonly line: number | null
}

const rows: readonly Row[] = JSON.parse(readFileSync(new URL('index.json', fixtures), 'utf8'))

function read(
  file: string,
  text: string | Uint8Array,
  dialect: DialectName = 'cos',
  options: ReadOptions = {},
) {
  return readRules(file, typeof text === 'string' ? new TextEncoder().encode(text) : text, dialect, options)
}

const short = ({ line, column, severity, code }: Finding): string => `${line}:${column} ${severity} ${code}`

/** All findings but infos, which most of the small files here would get. */
const weighty = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity !== 'info').map(short)

describe('the collection of bad rule files', () => {
  test.each(
    rows.filter(({ verdict }) => verdict !== 'ignore'),
  )('$file is read with the verdict $verdict, code $code, line $line', ({ file, verdict, code, line }) => {
    const { content, findings } = read(file, readFileSync(fileURLToPath(new URL(file, fixtures))))
    const errors = findings.filter(({ severity }) => severity === 'error')
    expect(content === undefined).toBe(verdict === 'reject')
    expect(errors.length > 0).toBe(verdict === 'reject')
    if (verdict === 'warn') expect(weighty(findings)).not.toEqual([])
    const considered = verdict === 'reject' ? errors : findings
    const matching = considered.filter(
      (finding) => finding.code === code && (line === null || finding.line === line),
    )
    if (code !== '') expect(matching, considered.map(short).join('; ')).not.toEqual([])
    for (const finding of findings) expect(finding.code).toSatisfy(isCode)
  })

  test('all mistakes of a file are reported at once, in file order', () => {
    const { findings } = read(
      'a.yaml',
      `rules:
  - allowedOrigins: ["https://A.com", "https://b.com/"]
    alowedMethods: [GET]
    maxAgeSeconds: -1
  - allowedOrigins: ["https://c.com"]
    allowedMethods: [get, OPTIONS]
    exposeHeaders: ["*"]
mode: rport
`,
    )
    expect(findings.map(short)).toEqual([
      '2:5 error missing-key',
      '2:22 error origin-upper-case',
      '2:39 error origin-has-path',
      '3:5 error unknown-key',
      '4:20 error maxage-out-of-range',
      '6:22 error method-unsupported',
      '6:27 error method-unsupported',
      '7:21 error expose-wildcard',
      '8:7 error unsupported-value',
    ])
  })

  test('an error is not left out for a hundred warnings before it', () => {
    const warned = '  - {allowedOrigins: ["http://a.com"], allowedMethods: [GET, HEAD]}\n'.repeat(60)
    const { findings } = read('a.yaml', `rules:\n${warned}mode: rport\n`)
    expect(findings).toHaveLength(101)
    expect(weighty(findings)).toContain('62:7 error unsupported-value')
  })

  test('at most a hundred findings are reported, and the last one counts the rest', () => {
    const origins = Array.from({ length: 300 }, () => '"https://A.com"').join(', ')
    const { findings, content } = read(
      'a.yaml',
      `rules:\n  - allowedOrigins: [${origins}]\n    allowedMethods: [GET]\n`,
    )
    expect(content).toBeUndefined()
    expect(findings).toHaveLength(101)
    expect(findings.at(-1)).toMatchObject({ severity: 'error', code: 'more-findings' })
    expect(findings.at(-1)?.message).toContain('200 more findings')
  })
})

const rule = (fields: string): string =>
  `CORSRules:\n  - AllowedOrigins: ["https://a.com"]\n    AllowedMethods: [GET, HEAD]\n${fields}`

describe('YAML that is refused', () => {
  test.each<[string, string, string]>([
    [
      'an unquoted asterisk as the only value',
      'rules:\n  - allowedOrigins: *\n',
      '2:21 error yaml-bad-alias',
    ],
    ['an unquoted pattern', 'rules:\n  - allowedOrigins:\n      - *.a.com\n', '3:9 error yaml-bad-alias'],
    [
      'an unquoted pattern in a flow list',
      'rules:\n  - allowedOrigins: [*.a.com]\n',
      '2:22 error yaml-bad-alias',
    ],
    ['a quote that is not closed', 'rules:\n  - allowedOrigins: ["https://a.c', '2:22 error yaml-syntax'],
    [
      'a quote that is not closed, with lines after it',
      'rules:\n  - allowedOrigins: ["https://a.com]\n    allowedMethods: [GET]\n',
      '2:22 error yaml-syntax',
    ],
    [
      'a bracket that is not closed',
      'rules:\n  - allowedOrigins: ["https://a.com"\n    allowedMethods: [GET]\n',
      '3:5 error yaml-syntax',
    ],
    [
      'a key that is too deep',
      'rules:\n  - allowedOrigins:\n      - "*"\n     allowedMethods: [GET]\n',
      '4:6 error yaml-bad-indent',
    ],
    ['an ampersand alone', 'rules:\n  - id: &\n', '2:9 error yaml-syntax'],
    ['a key that is cut off', `${rule('    MaxAgeSec')}`, '4:5 error yaml-syntax'],
    ['two documents', 'rules: []\n---\nrules: []\n', '2:1 error yaml-multiple-documents'],
    [
      'a document after the end of another',
      'rules: []\n...\n---\na: b\n',
      '3:1 error yaml-multiple-documents',
    ],
    ['a directive', '# x\n%YAML 1.1\n---\nrules: []\n', '2:1 error yaml-directive'],
    ['a tag', 'rules: !!binary aGVsbG8=\n', '1:8 error yaml-unknown-tag'],
    ['an anchor that holds itself', 'rules: &a [*a]\n', '1:12 error yaml-alias-limit'],
    ['lists in lists', `rules: ${'['.repeat(40)}${']'.repeat(40)}\n`, '1:39 error yaml-too-deep'],
    ['compact lists in lists', `${'- '.repeat(40)}a\n`, '1:1 error yaml-too-deep'],
    [
      'mappings in mappings',
      `${Array.from({ length: 40 }, (_, i) => `${' '.repeat(i)}a:\n`).join('')}`,
      '33:33 error yaml-too-deep',
    ],
    ['a list as a key', '[a]: b\n', '1:1 error wrong-type'],
    ['text', 'hello\n', '1:1 error wrong-type'],
    ['a key on its own', 'CORSRules:\n', '1:11 error wrong-type'],
    ['an empty mapping', '{}\n', '1:1 error missing-key'],
    ['__proto__ at the top', '__proto__: {rules: []}\nrules: []\n', '1:1 error unknown-key'],
    ['constructor at the top', 'constructor: x\nrules: []\n', '1:1 error unknown-key'],
    ['rules in two spellings', 'rules: []\nCORSRules: []\n', '2:1 error duplicate-key'],
    ['a field in two spellings', `${rule('    allowedMethods: [PUT]\n')}`, '4:5 error duplicate-key'],
    [
      'a merge conflict',
      '<<<<<<< HEAD\nrules: []\n=======\nrules: []\n>>>>>>> b\n',
      '1:1 error merge-conflict',
    ],
    ['a number as id', rule('    ID: 5\n'), '4:9 error wrong-type'],
    [
      'a number as origin',
      'rules:\n  - {allowedOrigins: [5], allowedMethods: [GET]}\n',
      '2:23 error wrong-type',
    ],
    [
      'a list as origin',
      'rules:\n  - {allowedOrigins: [[a]], allowedMethods: [GET]}\n',
      '2:23 error wrong-type',
    ],
    ['no origins', 'rules:\n  - {allowedOrigins: [], allowedMethods: [GET]}\n', '2:22 error empty-list'],
    ['no methods', 'rules:\n  - {allowedOrigins: [a], allowedMethods: []}\n', '2:43 error empty-list'],
    ['an empty header name', rule('    AllowedHeaders: [""]\n'), '4:22 error header-invalid-name'],
    [
      'a line break in an exposed header',
      rule('    ExposeHeaders: ["ETag\\r\\nX: y"]\n'),
      '4:21 error header-invalid-name',
    ],
    [
      'a lone carriage return in an exposed header',
      rule('    ExposeHeaders: ["ETag\\rX: y"]\n'),
      '4:21 error header-invalid-name',
    ],
    ['seconds in words', rule('    MaxAgeSeconds: ten\n'), '4:20 error wrong-type'],
    ['seconds with a unit', rule('    MaxAgeSeconds: 10m\n'), '4:20 error wrong-type'],
    ['seconds in base sixty', rule('    MaxAgeSeconds: 1:30\n'), '4:20 error wrong-type'],
    ['no seconds', rule('    MaxAgeSeconds:\n'), '4:19 error wrong-type'],
    ['quoted seconds that are not decimal', rule('    MaxAgeSeconds: "0x10"\n'), '4:20 error wrong-type'],
    ['an unknown preset', rule('    preset: uppy\n'), '4:13 error preset-unknown'],
    ['the preset for tus', rule('    preset: tus\n'), '4:13 error preset-unsupported'],
    ['a host with a port', `${rule('')}hosts: ["a.example:8080"]\n`, '4:9 error host-invalid'],
    ['a host with a scheme', `${rule('')}hosts: ["https://a.example"]\n`, '4:9 error host-invalid'],
    ['a host pattern', `${rule('')}hosts: ["*.example.com"]\n`, '4:9 error host-invalid'],
    [
      'a test without an expectation',
      `${rule('')}tests:\n  - {origin: "https://a.com", method: GET}\n`,
      '5:5 error missing-key',
    ],
    [
      'a test with another expectation',
      `${rule('')}tests:\n  - {origin: a, method: GET, expect: allowed}\n`,
      '5:38 error unsupported-value',
    ],
    [
      'an unknown key in a test',
      `${rule('')}tests:\n  - {origin: a, method: GET, expect: deny, header: [a]}\n`,
      '5:44 error unknown-key',
    ],
  ])('%s', (_, text, first) => {
    const { content, findings } = read('a.yaml', text)
    expect(content).toBeUndefined()
    expect(findings.filter(({ severity }) => severity === 'error').map(short)).toContain(first)
  })

  test('an unquoted asterisk gets the advice to quote it, a misspelt key its likely spelling', () => {
    expect(
      read('a.yaml', 'rules:\n  - allowedOrigins: [*.a.com]\n    allowedMethods: [GET]\n').findings[0]
        ?.message,
    ).toContain('quote the asterisk: "*.a.com"')
    const misspelt = 'CORSRules:\n  - AlowedOrigins: ["https://a.com"]\n    AllowedMethods: [GET]\n'
    expect(read('a.yaml', misspelt).findings[0]?.message).toContain('did you mean AllowedOrigins?')
    expect(read('a.yaml', 'rules: []\nmods: report\n').findings.at(-1)?.message).toContain(
      'did you mean mode?',
    )
  })
})

describe('the advice in a message', () => {
  const first = (text: string, file = 'a.yaml'): string =>
    read(file, text).findings.find(({ severity }) => severity === 'error')?.message ?? ''
  const inRule = (line: string): string => `rules:\n  - ${line}\n`

  test.each<[string, string, string]>([
    ['a quote that is not closed', inRule('allowedOrigins: ["https://a.com]'), 'this quote is not closed'],
    [
      'a bracket that is not closed',
      'rules:\n  - allowedOrigins: ["https://a.com"\n    allowedMethods: [GET]\n',
      'close the list before this line with ]',
    ],
    ['an ampersand alone', inRule('id: &'), 'put the value in quotes'],
    ['a value that begins with @', inRule('id: @web'), 'put the value in quotes'],
    ['text behind a list', inRule('allowedOrigins: ["*"] x'), 'unexpected text'],
    ['a missing comma', inRule('allowedOrigins: ["a" "b"]'), 'a comma is missing'],
    ['a list behind its key', inRule('allowedOrigins: - https://a.com'), 'on the next line'],
    ['a key without a colon', inRule('allowedOrigins ["*"]'), 'a colon'],
    ['a key without a colon in its own line', 'rules: []\nmode\n', 'a colon'],
    [
      'a colon without a space',
      inRule('allowedOrigins:["https://a.com"]'),
      'a colon and a space after the key',
    ],
    [
      'several origins in one text',
      'rules:\n  - allowedMethods: [GET]\n    allowedOrigins: "https://a.com, https://b.com"\n',
      'write ["https://a.com", "https://b.com"]',
    ],
    ['a field of a rule beside the rules', 'rules: []\nallowedOrigins: ["*"]\n', 'in a rule'],
    ['a field of the file in a rule', inRule('hosts: [a.example]'), 'beside the rules'],
    ['a key that is cut short', inRule('maxAge: 600'), 'did you mean maxAgeSeconds?'],
    ['a key with another word before it', inRule('origins: ["*"]'), 'did you mean allowedOrigins?'],
    ['credentials beside the rules', 'allowCredentials: true\nrules: []\n', 'it belongs in a rule'],
    [
      'credentials in upper case',
      'dialect: http\nrules:\n  - {AllowCredentials: true, allowedOrigins: ["https://a.com"], allowedMethods: [GET]}\n',
      'did you mean allowCredentials?',
    ],
    [
      'credentials in a test',
      'rules: []\ntests:\n  - {origin: "https://a.com", method: GET, expect: deny, allowCredentials: true}\n',
      'only for rules of dialect http, in YAML or JSON: remove it',
    ],
    [
      'a negative time',
      'rules:\n  - {allowedOrigins: ["https://a.com"], allowedMethods: [GET], maxAgeSeconds: -5}\n',
      'maxAgeSeconds is negative (-5): write 0 or more',
    ],
  ])('is correct for %s', (_, text, words) => {
    expect(first(text)).toContain(words)
  })

  test('uses the element names of XML in an XML file', () => {
    const xml = (inner: string): string =>
      `<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>${inner}</CORSRule></CORSConfiguration>`
    expect(first(xml('<AllowedOrigins>https://a.com</AllowedOrigins>'), 'a.xml')).toBe(
      'unknown key "AllowedOrigins": did you mean AllowedOrigin?',
    )
    expect(first(xml('<preset>public-read</preset>'), 'a.xml')).toBe(
      'unknown key "preset": allowed keys: ID, AllowedOrigin, AllowedMethod, AllowedHeader, ExposeHeader, MaxAgeSeconds',
    )
    expect(first(xml('<AllowCredentials>true</AllowCredentials>'), 'a.xml')).toBe(
      'unknown key "AllowCredentials": allowCredentials is only for rules of dialect http, in YAML or JSON: remove it',
    )
  })
})

describe('every mistake at once', () => {
  test('unquoted asterisks, wherever they stand, and what is wrong beside them', () => {
    const { content, findings } = read(
      'a.yaml',
      'rules:\n  - allowedOrigins: [*.a.com, "https://B.com"]\n    allowedMethods: [*]\n    allowedHeaders: *\nmode: rport\n',
    )
    expect(content).toBeUndefined()
    expect(findings.map(short)).toEqual([
      '2:22 error yaml-bad-alias',
      '2:22 warning origin-pattern-without-scheme',
      '2:31 error origin-upper-case',
      '3:22 error yaml-bad-alias',
      '3:22 error method-unsupported',
      '4:21 error yaml-bad-alias',
      '4:21 error wrong-type',
      '5:7 error unsupported-value',
    ])
  })

  test('tags, attributes and comments in XML values, and what is wrong beside them', () => {
    expect(weighty(read('a.yaml', 'mode: rport\nrules: !!seq []\n').findings)).toEqual([
      '1:7 error unsupported-value',
      '2:8 error yaml-unknown-tag',
    ])
    const xml =
      '<CORSConfiguration><CORSRule a="b"><AllowedOrigin>https://a.com<!-- -->.b</AllowedOrigin>\n<AllowedMethod>OPTIONS</AllowedMethod></CORSRule></CORSConfiguration>'
    expect(weighty(read('a.xml', xml).findings)).toEqual([
      '1:30 error xml-attribute',
      '1:64 error xml-mixed-content',
      '2:16 error method-unsupported',
    ])
  })

  test('what is to be said of the rules that are right, by their numbers in the file', () => {
    const { content, findings } = read(
      'a.yaml',
      `rules:
  - {id: a, allowedOrigins: ["https://A.com"], allowedMethods: [GET, HEAD]}
  - {id: b, allowedOrigins: ["https://*.github.io"], allowedMethods: [GET, HEAD]}
  - {id: c, allowedOrigins: ["http://c.com"], allowedMethods: [PUT, POST], exposHeaders: [ETag]}
  - {id: b, allowedOrigins: ["https://x.github.io"], allowedMethods: [GET, HEAD]}
`,
    )
    expect(content).toBeUndefined()
    expect(findings.map(short)).toEqual([
      '2:30 error origin-upper-case',
      '3:30 warning origin-pattern-public-suffix',
      '4:30 warning origin-insecure-with-credentials',
      '4:76 error unknown-key',
      '5:5 warning rule-shadowed',
      '5:10 warning duplicate-id',
    ])
    expect(findings.at(-1)?.message).toContain('rule 2 also has the id')
    expect(findings.at(-2)?.message).toContain('rule b, above')
  })

  test('a repeated unknown key is reported once', () => {
    const repeatedKey = `{${'"a": 1, '.repeat(5000)}"a": 1, "rules": []}\n`
    expect(read('a.json', repeatedKey).findings.map(short)).toEqual(['1:2 error unknown-key'])
  })

  test('of more rules than any vendor stores, the first thousand are checked', () => {
    const { findings } = read('a.json', `{"rules": [${'{},'.repeat(20_000)}{}]}`)
    expect(findings).toHaveLength(101)
    expect(findings.at(-1)?.message).toContain('1901 more findings')
  })
})

describe('YAML that is read', () => {
  test.each<[string, string]>([
    ['a document with its marks', `---\n${rule('')}...\n`],
    ['CRLF line ends', rule('').replaceAll('\n', '\r\n')],
    [
      'an anchor that is used twice',
      'rules:\n  - {allowedOrigins: &o ["https://a.com"], allowedMethods: [GET, HEAD]}\n  - {allowedOrigins: *o, allowedMethods: [PUT, POST], allowedHeaders: [content-type], exposeHeaders: [ETag]}\n',
    ],
    ['a schema for editors', `$schema: x.json\n${rule('')}`],
    ['seconds in quotes', rule('    MaxAgeSeconds: "600"\n')],
    ['an empty id, as SDKs write it', rule('    ID: ""\n')],
    [
      'a bare list, as the AWS console shows it',
      '- AllowedOrigins: ["https://a.com"]\n  AllowedMethods: [GET, HEAD]\n',
    ],
    [
      'the COS SDK',
      'CORSRules:\n  - AllowedOrigin: ["https://a.com"]\n    AllowedMethod: ["GET", "HEAD"]\n    MaxAgeSeconds: "5"\n',
    ],
    [
      'ali-oss with single values',
      'rules:\n  - allowedOrigin: "https://a.com"\n    allowedMethod: [GET, HEAD]\n    allowedHeader: range\n',
    ],
  ])('%s', (_, text) => {
    const { content, findings } = read('a.yaml', text)
    expect(weighty(findings)).toEqual([])
    expect(content?.rules[0]).toMatchObject({
      allowedOrigins: ['https://a.com'],
      allowedMethods: ['GET', 'HEAD'],
    })
  })

  test('twenty aliases are followed, and no more', () => {
    const withAliases = (count: number): string =>
      `rules:\n  - allowedOrigins: &o ["https://a.com"]\n    allowedMethods: [GET]\n${'  - {allowedOrigins: *o, allowedMethods: [GET]}\n'.repeat(count)}`
    expect(read('a.yaml', withAliases(20)).content?.rules).toHaveLength(21)
    expect(weighty(read('a.yaml', withAliases(21)).findings)).toContain('24:22 error yaml-alias-limit')
  })

  test('file-level fields stand beside CORSRules as well', () => {
    const text = `${rule('')}dialect: oss\nvary: dialect\nResponseVary: "true"\nmode: report\nhosts: [Assets.Example.com]\ntests:\n  - {origin: "https://a.com", method: GET, expect: allow, actual: true}\n`
    expect(read('a.yaml', text).content).toEqual({
      rules: [
        {
          allowedOrigins: ['https://a.com'],
          allowedMethods: ['GET', 'HEAD'],
          allowedHeaders: [],
          exposeHeaders: [],
        },
      ],
      dialect: 'oss',
      vary: 'dialect',
      responseVary: true,
      mode: 'report',
      hosts: ['assets.example.com'],
      tests: [{ origin: 'https://a.com', method: 'GET', headers: [], expect: 'allow', actual: true }],
    })
  })

  test.each<[string, string]>([
    ['0x10', '16'],
    ['0600', '600'],
    ['1e3', '1000'],
    ['+5', '5'],
  ])('%s seconds are read as %s, with a warning', (written, value) => {
    const { content, findings } = read('a.yaml', rule(`    MaxAgeSeconds: ${written}\n`))
    expect(content?.rules[0]?.maxAgeSeconds).toBe(Number(value))
    expect(weighty(findings)).toEqual(['4:20 warning maxage-not-decimal'])
  })

  test('a missing line end is a warning, except where the end cannot be missing', () => {
    expect(weighty(read('a.yaml', rule('').trimEnd()).findings)).toEqual(['3:32 warning no-final-newline'])
    expect(
      weighty(read('a.yaml', '{"rules": [{"allowedOrigins": ["*"], "allowedMethods": ["GET"]}]}').findings),
    ).toEqual([])
    expect(
      weighty(read('a.json', '{"rules": [{"allowedOrigins": ["*"], "allowedMethods": ["GET"]}]}').findings),
    ).toEqual([])
    const cut = 'rules:\n  - {allowedOrigins: ["https://a.com"], allowedMethods: [GET, HEAD]}'
    expect(weighty(read('a.yaml', cut).findings)).toEqual(['2:69 warning no-final-newline'])
  })

  test('a position is that of the value, or of what it is missing from', () => {
    const { position } = read('a.yaml', `${rule('')}hosts: [a.example, b.example]\n`)
    expect(position(['hosts', 1])).toEqual({ line: 4, column: 20 })
    expect(position(['rules', 0, 'allowedMethods', 1])).toEqual({ line: 3, column: 27 })
    expect(position(['rules', 0, 'maxAgeSeconds'])).toEqual({ line: 2, column: 5 })
  })
})

describe('presets', () => {
  test('a preset fills in what is not given', () => {
    const { content, findings } = read(
      'a.yaml',
      'rules:\n  - {preset: range-read, allowedOrigins: ["https://a.com"], maxAgeSeconds: 60}\n',
    )
    expect(findings).toEqual([])
    expect(content?.rules).toEqual([
      {
        preset: 'range-read',
        allowedOrigins: ['https://a.com'],
        allowedMethods: ['GET', 'HEAD'],
        allowedHeaders: ['range', 'if-match', 'if-range', 'if-none-match', 'if-modified-since'],
        exposeHeaders: ['Accept-Ranges', 'Content-Range', 'Content-Encoding', 'ETag'],
        maxAgeSeconds: 60,
      },
    ])
  })

  test('a preset never gives origins', () => {
    expect(weighty(read('a.yaml', 'rules:\n  - preset: uppy-s3\n').findings)).toEqual([
      '2:5 error missing-key',
    ])
  })
})

describe('limits', () => {
  const rules = (count: number, more = ''): string =>
    `${more}rules:\n${'  - {allowedOrigins: ["https://a.com"], allowedMethods: [GET]}\n'.repeat(count)}`

  test.each<[DialectName, number]>([
    ['cos', 100],
    ['s3', 100],
    ['oss', 20],
  ])('%s stores %i rules, and no more', (dialect, most) => {
    expect(read('a.yaml', rules(most), dialect).content?.rules).toHaveLength(most)
    expect(weighty(read('a.yaml', rules(most + 1), dialect).findings)).toContain(
      `${most + 2}:5 error too-many-rules`,
    )
  })

  test('the dialect of the file counts, not that of the server', () => {
    expect(read('a.yaml', rules(21, 'dialect: oss\n'), 's3').content).toBeUndefined()
    expect(read('a.yaml', rules(21, 'dialect: s3\n'), 'oss').content?.rules).toHaveLength(21)
  })

  test('OSS stores 16 KiB, the others 64 KiB', () => {
    const text = `${rules(1)}# ${'x'.repeat(17_000)}\n`
    expect(read('a.yaml', text, 'cos').content).toBeDefined()
    expect(weighty(read('a.yaml', text, 'oss').findings)).toEqual(['1:1 error file-too-large'])
    const large = `${rules(1)}# ${'x'.repeat(66_000)}\n`
    expect(weighty(read('a.yaml', large).findings)).toEqual(['1:1 error file-too-large'])
    expect(weighty(read('a.json', large).findings)).toEqual(['1:1 error file-too-large'])
    expect(weighty(read('a.xml', 'x'.repeat(300_000)).findings)).toEqual(['1:1 error file-too-large'])
  })
})

describe('encodings', () => {
  const text = 'rules: []\n'
  test.each<[string, Uint8Array, string]>([
    ['UTF-16 with its mark', Buffer.from(`\ufeff${text}`, 'utf16le'), '1:1 error not-utf8'],
    ['UTF-16 without its mark', Buffer.from(text, 'utf16le'), '1:1 error not-utf8'],
    ['UTF-16, the other way round', Buffer.from(text, 'utf16le').swap16(), '1:1 error not-utf8'],
    ['an overlong slash', Buffer.from(`rules: [] # \xc0\xaf\n`, 'latin1'), '1:13 error not-utf8'],
    ['a lone surrogate', Buffer.from(`a: b\nid: \xed\xa0\x80\n`, 'latin1'), '2:5 error not-utf8'],
    ['a NUL in quotes', Buffer.from('rules: ["\0"]\n'), '1:10 error control-character'],
    ['a bell', Buffer.from('rules: []\u0007\n'), '1:10 error control-character'],
  ])('%s is refused', (_, bytes, finding) => {
    for (const file of ['a.yaml', 'a.json', 'a.xml'])
      expect(weighty(read(file, bytes).findings)).toEqual([finding])
  })
})

describe('XML for the bucket CORS API', () => {
  const xml =
    '<CORSConfiguration><CORSRule><AllowedOrigin>https://a.com</AllowedOrigin><AllowedMethod>GET</AllowedMethod><New><Deep/>x</New></CORSRule></CORSConfiguration>'

  test('an unknown element is left out where that is asked for, and refused in a file', () => {
    expect(read('cors.xml', xml, 's3', { unknownKeys: 'ignore' }).content?.rules).toHaveLength(1)
    expect(weighty(read('cors.xml', xml, 's3').findings)).toEqual(['1:108 error unknown-key'])
  })
})

test('every code has an explanation that is more than its name', () => {
  for (const [code, { text }] of Object.entries(codes)) {
    expect(code).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
    expect(text.length).toBeGreaterThan(20)
  }
})

describe('the hosts that a file names', () => {
  const bad = 'rules: [{allowedOrigins: nothing}]\n'
  test.each([
    ['a good file', `${rule('')}hosts: [A.example]\n`, ['a.example']],
    ['a file with a mistake elsewhere', `${bad}hosts: [a.example, B.example]\n`, ['a.example', 'b.example']],
    [
      'a file whose tests fail',
      `${rule('')}hosts: [a.example]\ntests:\n  - {origin: "https://x.test", method: GET, expect: allow}\n`,
      ['a.example'],
    ],
    [
      'a host with a port or a dot',
      `${rule('')}hosts: ["a.example:8080", b.example.]\n`,
      ['a.example', 'b.example'],
    ],
    ['what is no host', `${bad}hosts: ["*.example.com", 5, null, "https://x.test/"]\n`, []],
    ['what is no list', `${bad}hosts: a.example\n`, []],
    ['a file that cannot be read', 'hosts: [a.example]\nrules: [\n', []],
  ])('%s', (_, text, hosts) => {
    expect(read('a.yaml', text).hosts.map(({ host }) => host)).toEqual(hosts)
  })

  test('each host has a position', () => {
    const { hosts } = read('a.yaml', `${bad}hosts: [5, a.example]\n`)
    expect(hosts).toEqual([{ host: 'a.example', line: 2, column: 12 }])
  })
})
