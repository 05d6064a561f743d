import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from '../../../src/cors/decide.ts'
import { readPreflight } from '../../../src/cors/request.ts'
import { compileRules } from '../../../src/cors/rule-set.ts'
import { applyRemedy } from '../../../src/rule-file/propose/apply-remedy.ts'
import { type ReadRules, readRules } from '../../../src/rule-file/read.ts'

const read = (file: string, text: string): ReadRules => readRules(file, new TextEncoder().encode(text), 'cos')

/** A rule that has one finding, with other values next to it, and what it plainly matches. */
interface Row {
  readonly origins?: readonly string[]
  readonly methods?: readonly string[]
  readonly headers?: readonly string[]
  readonly expose?: readonly string[]
  readonly age?: number
  /** An origin, a method and headers that the author plainly intended to allow. */
  readonly meant?: readonly [string, string, ...string[]]
}

const good: Required<Pick<Row, 'origins' | 'methods' | 'headers' | 'expose'>> = {
  origins: ['https://app.example.com'],
  methods: ['GET', 'HEAD'],
  headers: ['range'],
  expose: ['Content-Range'],
}

/** For each code with a remedy, the rules that have the finding. */
const rows: Readonly<Record<string, readonly Row[]>> = {
  'origin-has-path': [
    { origins: ['https://a.test/'], meant: ['https://a.test', 'GET'] },
    { origins: ['https://a.test/x/y'], meant: ['https://a.test', 'GET'] },
  ],
  'origin-has-query-or-fragment': [{ origins: ['https://a.test?x'], meant: ['https://a.test', 'GET'] }],
  'origin-has-userinfo': [{ origins: ['https://u@a.test'], meant: ['https://a.test', 'GET'] }],
  'origin-upper-case': [
    { origins: ['https://A.test'], meant: ['https://a.test', 'GET'] },
    { origins: ['HTTPS://*.A.test'], meant: ['https://b.a.test', 'GET'] },
  ],
  'origin-default-port': [{ origins: ['https://a.test:443'], meant: ['https://a.test', 'GET'] }],
  'origin-not-ascii': [{ origins: ['https://bücher.test'], meant: ['https://xn--bcher-kva.test', 'GET'] }],
  'origin-ipv4-not-canonical': [{ origins: ['https://8.8.2056'], meant: ['https://8.8.8.8', 'GET'] }],
  'origin-ipv6-not-compressed': [
    { origins: ['https://[2001:db8:0:0:0:0:0:1]'], meant: ['https://[2001:db8::1]', 'GET'] },
  ],
  'origin-empty-label': [{ origins: ['https://.a.test'], meant: ['https://b.a.test', 'GET'] }],
  'origin-list-in-one-value': [
    { origins: ['https://a.test, https://b.test'], meant: ['https://b.test', 'GET'] },
  ],
  'origin-whitespace': [
    { origins: [' https://a.test'], meant: ['https://a.test', 'GET'] },
    { origins: ['https://a.test https://b.test'], meant: ['https://b.test', 'GET'] },
  ],
  'origin-without-scheme': [
    { origins: ['www.a.test'], meant: ['https://www.a.test', 'GET'] },
    { origins: ['localhost:3000'], meant: ['http://localhost:3000', 'GET'] },
    { origins: ['localhost:*'], meant: ['http://localhost:3000', 'GET'] },
    { origins: ['www.*.a.test'], meant: ['https://www.x.a.test', 'GET'] },
  ],
  'origin-pattern-without-scheme': [{ origins: ['*.a.test'], meant: ['https://b.a.test', 'GET'] }],
  'origin-wildcard-in-scheme': [{ origins: ['http*://www.a.test'], meant: ['https://www.a.test', 'GET'] }],
  'origin-scheme-never-sent': [{ origins: ['wss://a.test'], meant: ['https://a.test', 'GET'] }],
  'origin-wildcard-not-on-label-boundary': [
    { origins: ['https://*example.com'], meant: ['https://example.com', 'GET'] },
    { origins: ['https://*example.co.uk'], meant: ['https://www.example.co.uk', 'GET'] },
  ],
  'origin-beside-any': [{ origins: ['*', 'https://a.test'], meant: ['https://a.test', 'GET'] }],
  'method-unsupported': [
    { methods: ['get', 'HEAD'], meant: ['https://app.example.com', 'GET'] },
    { methods: ['GET', 'HEAD', 'OPTIONS'], meant: ['https://app.example.com', 'GET'] },
  ],
  'head-missing': [{ methods: ['GET'], meant: ['https://app.example.com', 'GET'] }],
  'post-missing': [
    {
      methods: ['PUT'],
      headers: ['content-type'],
      expose: ['ETag'],
      meant: ['https://app.example.com', 'PUT', 'content-type'],
    },
  ],
  'etag-not-exposed': [
    {
      methods: ['PUT', 'POST'],
      headers: ['content-type'],
      meant: ['https://app.example.com', 'PUT', 'content-type'],
    },
  ],
  'content-type-not-allowed': [
    {
      methods: ['PUT', 'POST'],
      headers: ['authorization'],
      expose: ['ETag'],
      meant: ['https://app.example.com', 'PUT', 'authorization'],
    },
  ],
  'amz-sdk-headers-missing': [
    { headers: ['x-amz-date'], meant: ['https://app.example.com', 'GET', 'x-amz-date'] },
    { headers: ['x-amz-*'], meant: ['https://app.example.com', 'GET', 'x-amz-a'] },
  ],
  'oss-user-agent-missing': [
    {
      methods: ['PUT', 'POST'],
      headers: ['content-type', 'x-oss-date'],
      expose: ['ETag'],
      meant: ['https://app.example.com', 'PUT', 'x-oss-date'],
    },
  ],
  'allowed-cors-header': [
    { headers: ['range', 'Access-Control-Allow-Origin'], meant: ['https://app.example.com', 'GET', 'range'] },
  ],
  'header-forbidden': [
    { headers: ['Content-Length', 'range'], meant: ['https://app.example.com', 'GET', 'range'] },
    { headers: ['Cookie'], meant: ['https://app.example.com', 'GET'] },
    { expose: ['Set-Cookie'], meant: ['https://app.example.com', 'GET'] },
  ],
  'header-safelisted': [{ expose: ['Content-Type', 'ETag'], meant: ['https://app.example.com', 'GET'] }],
  'expose-cors-header': [
    { expose: ['ETag', 'Access-Control-Allow-Origin'], meant: ['https://app.example.com', 'GET'] },
  ],
  'duplicate-entry': [
    { origins: ['https://a.test', 'https://b.test', 'https://a.test'], meant: ['https://a.test', 'GET'] },
    { headers: ['range', 'x-a', 'RANGE'], meant: ['https://app.example.com', 'GET', 'range'] },
  ],
  'maxage-out-of-range': [{ age: 100_000, meant: ['https://app.example.com', 'GET'] }],
}

const formats = ['yaml', 'block', 'json', 'xml'] as const
type Format = (typeof formats)[number]

/** The rule in one of the formats, between two others without findings. */
function written(format: Format, row: Row, before: number, after: number): { file: string; text: string } {
  const rules = [
    ...Array.from({ length: before }, (_, n) => ({ ...good, origins: [`https://before-${n}.example`] })),
    { ...good, ...row },
    ...Array.from({ length: after }, (_, n) => ({ ...good, origins: [`https://after-${n}.example`] })),
  ]
  switch (format) {
    case 'json':
      return { file: 'a.json', text: `${JSON.stringify({ CORSRules: rules.map(aws) }, null, 2)}\n` }
    case 'xml':
      return {
        file: 'a.xml',
        text: `<CORSConfiguration>\n${rules.map(xml).join('')}</CORSConfiguration>\n`,
      }
    default:
      return {
        file: 'a.yaml',
        text: `rules:\n${rules.map((rule) => yaml(rule, format === 'block')).join('')}`,
      }
  }
}

const aws = ({ origins, methods, headers, expose, age }: typeof good & Row): object => ({
  AllowedOrigins: origins,
  AllowedMethods: methods,
  AllowedHeaders: headers,
  ExposeHeaders: expose,
  ...(age === undefined ? {} : { MaxAgeSeconds: age }),
})

function xml({ origins, methods, headers, expose, age }: typeof good & Row): string {
  const each = (name: string, values: readonly (string | number)[]): string =>
    values.map((value) => `    <${name}>${String(value).replaceAll(' ', '&#32;')}</${name}>\n`).join('')
  const fields = [
    each('AllowedOrigin', origins),
    each('AllowedMethod', methods),
    each('AllowedHeader', headers),
    each('ExposeHeader', expose),
    each('MaxAgeSeconds', age === undefined ? [] : [age]),
  ]
  return `  <CORSRule>\n${fields.join('')}  </CORSRule>\n`
}

function yaml({ origins, methods, headers, expose, age }: typeof good & Row, isBlock: boolean): string {
  const list = (name: string, values: readonly string[]): string =>
    isBlock
      ? `    ${name}:\n${values.map((value) => `      - ${JSON.stringify(value)} # remark\n`).join('')}`
      : `    ${name}: ${JSON.stringify(values)}\n`
  const fields = [
    list('allowedOrigins', origins),
    list('allowedMethods', methods),
    list('allowedHeaders', headers),
    list('exposeHeaders', expose),
    age === undefined ? '' : `    maxAgeSeconds: ${age}\n`,
  ]
  return fields.join('').replace('    ', '  - ')
}

const allowed = (
  { content }: ReadRules,
  [origin, method, ...headers]: readonly [string, string, ...string[]],
): boolean => {
  const question = readPreflight({
    method: 'OPTIONS',
    origin,
    requestedMethod: method,
    requestedHeaders: headers.length === 0 ? undefined : headers.join(','),
  })
  return (
    content !== undefined &&
    !('what' in question) &&
    decide(compileRules(content.rules), question).verdict === 'allow'
  )
}

const count = ({ findings }: ReadRules, wanted: string): number =>
  findings.filter(({ code }) => code === wanted).length

describe('the remedy of a finding', () => {
  test.each(
    Object.entries(rows),
  )('of %s removes it, adds none, and keeps the meaning of the file', (code, examples) => {
    const beside = fc.integer({ min: 0, max: 2 })
    fc.assert(
      fc.property(
        fc.constantFrom(...examples),
        fc.constantFrom(...formats),
        beside,
        beside,
        (row, format, before, after) => {
          const { file, text } = written(format, row, before, after)
          const was = read(file, text)
          const placed = was.remedies.find((remedy) => remedy.code === code)
          if (placed === undefined) throw new Error(`${code} has no remedy in ${text}`)
          const next = applyRemedy(file, text, 'cos', placed)
          if (next === undefined)
            throw new Error(`the remedy ${JSON.stringify(placed)} is not applied to ${text}`)
          const is = read(file, next)
          expect(count(is, code)).toBeLessThan(count(was, code))
          for (const { code: other } of is.findings.filter(({ severity }) => severity !== 'info'))
            expect(count(is, other)).toBeLessThanOrEqual(count(was, other))
          if (row.meant !== undefined) expect(allowed(is, row.meant)).toBe(true)
          // The other rules keep their bytes.
          const others = text.split('\n').filter((line) => /before-|after-/.test(line))
          expect(next.split('\n').filter((line) => /before-|after-/.test(line))).toEqual(others)
        },
      ),
      { numRuns: 40 },
    )
  })

  test.each([
    [
      'of another entry in brackets',
      '[\n      "https://a.test", # one\n      # two\n      "https://a.test", # three\n      # four\n      "https://b.test" # five\n    ]',
      '[\n      "https://a.test", # one\n      # two\n      # four\n      "https://b.test" # five\n    ]',
    ],
    [
      'of the entry before the last',
      '[\n      "https://a.test", # one\n      "https://a.test" # two\n    ]',
      '[\n      "https://a.test", # one\n    ]',
    ],
  ])('does not remove the comment %s', (_what, origins, without) => {
    const text = `rules:\n  - allowedOrigins: ${origins}\n    allowedMethods: [GET, HEAD]\n`
    const [placed] = read('a.yaml', text).remedies
    if (placed === undefined) throw new Error('no remedy')
    expect(applyRemedy('a.yaml', text, 'cos', placed)).toBe(text.replace(origins, without))
  })

  test('does not remove the comment of a list with its only entry', () => {
    const text =
      'rules:\n  - allowedOrigins: ["https://a.test"]\n    allowedMethods: [GET, HEAD]\n    allowedHeaders: # none\n      - Cookie # forbidden\n'
    const [placed] = read('a.yaml', text).remedies
    if (placed === undefined) throw new Error('no remedy')
    expect(applyRemedy('a.yaml', text, 'cos', placed)).toBe(
      text.replace(' # none\n      - Cookie # forbidden', ' [] # none'),
    )
  })

  test('is tried here for every code that has one', () => {
    const found = new Set(
      Object.values(rows).flatMap((examples) =>
        examples.flatMap((row) =>
          read('a.yaml', written('yaml', row, 0, 0).text).remedies.map(({ code }) => code),
        ),
      ),
    )
    expect([...found].filter((code) => !Object.hasOwn(rows, code))).toEqual([])
  })

  test.each([
    ['previews of a team', 'https://*-myteam.vercel.app'],
    ['a star inside a label', 'https://deploy-preview-*--mysite.netlify.app'],
    ['a hosting service', 'https://*myteam.vercel.app'],
    ['a placeholder', 'https://YOUR_APP_DOMAIN'],
    ['a placeholder without scheme', '__WORKER_ORIGIN__'],
    ['one word', 'https'],
    ['a public suffix', 'https://*.github.io'],
    ['null', 'null'],
    ['an http site', 'http://example.com'],
  ])('is not offered for %s', (_what, origin) => {
    const { remedies, findings } = read('a.yaml', written('yaml', { origins: [origin] }, 0, 0).text)
    expect(remedies.filter(({ code }) => code.startsWith('origin'))).toEqual([])
    expect(findings.map(({ message }) => message).join('\n')).not.toContain('write "')
  })
})
