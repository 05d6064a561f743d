import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  admitsAnyHost,
  compileOrigins,
  isSerializedOrigin,
  matchOrigin,
  maxOriginLength,
  originForm,
} from '../../src/cors/pattern.ts'
import { report } from '../reliability/report.ts'

interface Row {
  readonly id: string
  readonly rule: string | readonly string[]
  readonly origin: string
  readonly allow: boolean
  readonly acac?: boolean
  readonly lint?: string
  readonly why: string
}

const rows: readonly Row[] = JSON.parse(
  readFileSync(new URL('../fixtures/origins.json', import.meta.url), 'utf8'),
)

const match = (entries: readonly string[], origin: string) =>
  matchOrigin(compileOrigins(entries), origin, originForm(origin))

describe('hostile origins', () => {
  test.each(rows)('$id: $rule and $origin ($why)', ({ rule, origin, allow, acac }) => {
    const found = match([rule].flat(), origin)
    expect(found !== 'none').toBe(allow)
    if (acac === false) expect(found).not.toBe('named')
  })
})

describe('one wildcard, anchored at both ends', () => {
  test.each([
    ['start*end', 'startend', true],
    ['start*end', 'start12end', true],
    ['start*end', '0start12end', false],
    ['start*end', 'start12end0', false],
    ['https://ab*ba.test', 'https://aba.test', false],
    ['https://ab*ba.test', 'https://abba.test', true],
    ['https://*.example.com', 'https://.example.com', false],
    ['*', 'localhost:4566', true],
    ['*', 'https://example.com/path', false],
    ['*', 'https://a.test, https://b.test', false],
  ])('%s and %s: %s', (pattern, origin, expected) => {
    expect(match([pattern], origin) !== 'none').toBe(expected)
  })

  test('an origin of the maximum length is matched, and one byte more is not', () => {
    const origin = `https://${'a'.repeat(253)}:65535`
    expect(match(['*'], origin)).toBe('any')
    expect(originForm('x'.repeat(maxOriginLength))).toBe('text')
    expect(originForm('x'.repeat(maxOriginLength + 1))).toBe('malformed')
  })
})

describe('credentials never go with a wildcard in disguise', () => {
  test.each([
    'https://*',
    'http://*:8443',
    'https://*.',
    'https://*.:8443',
    'https://[*]',
    'https://[*]:8443',
    'h*',
    'https*',
    'https:*',
    'https:/*',
    'chrome-extension://*',
    '*',
    '*:8080',
  ])('%s admits any host', (pattern) => expect(admitsAnyHost(pattern)).toBe(true))
  test.each([
    'https://*.com',
    'https://a*',
    'https://example.*',
    'https://*.example.',
    'https://[2001:db8:*]',
    'https://*1]',
    '*.example.com',
    'https://*.github.io',
    'start*end',
    'https://a.test',
  ])('%s does not admit any host, because it has a literal character of the host', (pattern) =>
    expect(admitsAnyHost(pattern)).toBe(false))
  test('an entry that names the origin outweighs one that admits any host', () => {
    expect(match(['https://*', 'https://a.test'], 'https://a.test')).toBe('named')
    expect(match(['https://*', 'https://*.test'], 'https://a.test')).toBe('named')
    expect(match(['https://*', 'https://a.test'], 'https://b.test')).toBe('anyHost')
  })
  test('an entry null allows the origin null without credentials, and no pattern matches it', () => {
    expect(match(['null'], 'null')).toBe('anyHost')
    expect(match(['n*'], 'null')).toBe('none')
    expect(match(['*'], 'null')).toBe('any')
  })
})

/** The slow, obvious implementation of the documents: tries every split of the origin at the wildcard. */
function oracle(pattern: string, origin: string): boolean {
  if (origin.length > 326 || [...origin].some((c) => c <= ' ' || c > '~' || c === ',')) return false
  if (origin.includes('://') && !isSerializedOrigin(origin)) return false
  if (pattern === '*') return true
  if (pattern === origin) return true
  if (!pattern.includes('*') || origin === 'null') return false
  if (pattern.includes('://') && !isSerializedOrigin(origin)) return false
  const [before = '', after = ''] = pattern.split('*')
  for (let length = 0; length <= origin.length; length++)
    for (let start = 0; start + length <= origin.length; start++)
      if (before + origin.slice(start, start + length) + after === origin) return true
  return false
}

const runs = Number(process.env.ORACLE_PAIRS ?? 20_000)

test(`the matcher agrees with the oracle on ${runs} random pairs`, { timeout: 30_000 + runs }, () => {
  let compared = 0
  let matching = 0
  const piece = fc.constantFrom(
    'a',
    'b',
    'ab',
    '.',
    ':',
    '/',
    '://',
    'http',
    'https://',
    'a.test',
    ':80',
    '*',
    ',',
    'null',
    'n',
    '-',
    '_',
    '[::1]',
    '%',
    ' ',
  )
  const text = fc.array(piece, { maxLength: 6 }).map((pieces) => pieces.join(''))
  // Half of the values have a scheme, and half of the origins are derived from the pattern; otherwise hardly any
  // pair would match.
  const host = fc.array(fc.constantFrom('a', 'b', '-', '.', '.a', '.test', ':80', '0'), { maxLength: 4 })
  const pattern = fc
    .oneof(
      text,
      text.map((value) => `https://${value}`),
    )
    .filter((value) => value !== '' && value.split('*').length <= 2)
  const pairs = fc
    .tuple(
      pattern,
      fc.oneof(
        text,
        host.map((pieces) => pieces.join('')),
      ),
      fc.nat(3),
    )
    .map(([entry, other, kind]): [string, string] => [
      entry,
      kind === 0 ? other : kind === 1 ? `https://${other}` : entry.replace('*', () => other),
    ])
    .filter(([, value]) => value !== '')
  fc.assert(
    fc.property(pairs, ([entry, value]) => {
      const expected = oracle(entry, value)
      compared++
      if (expected) matching++
      if ((match([entry], value) !== 'none') !== expected)
        throw new Error(`${entry} and ${value}: not ${expected}`)
    }),
    { numRuns: runs },
  )
  report({ compared, matching })
  expect(matching).toBeGreaterThan(runs / 20)
})
