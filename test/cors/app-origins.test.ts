import { describe, expect, test } from 'vitest'
import { decide } from '../../src/cors/decide.ts'
import { originForm } from '../../src/cors/pattern.ts'
import { readActual } from '../../src/cors/request.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { rule } from '../core.ts'

/** Access-Control-Allow-Origin for a page of `origin` under a rule with the single entry `entry`, or `deny`. */
function answer(entry: string, origin: string): string {
  const question = readActual({
    method: 'GET',
    origin,
    requestedMethod: undefined,
    requestedHeaders: undefined,
  })
  if (question === undefined) throw new Error('no origin')
  const decision = decide(compileRules([rule({ allowedOrigins: [entry] })]), question)
  if (decision.verdict === 'deny') return 'deny'
  return `${decision.allowOrigin}${decision.credentials ? ' with credentials' : ''}`
}

describe('the origin of an app or an extension', () => {
  const origins = [
    'app://.',
    'capacitor://localhost',
    'ionic://localhost',
    'tauri://localhost',
    'chrome-extension://gighmmpiobklfepjocnamgkkbiglidom',
    'moz-extension://3c4e5f60-0000-4000-8000-000000000000',
    'safari-web-extension://A1B2C3D4-0000-4000-8000-00000000ABCD',
    'http+app://x.y:8080',
  ]

  test.each(origins)('%s is allowed by *, and by its own name', (origin) => {
    expect(originForm(origin)).toBe('url')
    expect(answer('*', origin)).toBe('*')
    expect(answer(origin, origin)).toBe(`${origin} with credentials`)
    expect(answer('https://example.com', origin)).toBe('deny')
  })

  test('is compared as it was sent', () => {
    expect(answer('safari-web-extension://A1B2', 'safari-web-extension://a1b2')).toBe('deny')
    expect(answer('app://.', 'app://')).toBe('deny')
    expect(answer('app://.', 'app://..')).toBe('deny')
  })

  test.each([
    'app://',
    'app://..',
    'app://./',
    'app://a/b',
    'app://u@a',
    'App://.',
    'app://.:80',
    'app://a b',
    'https://.',
    'http://.',
    'https://EXAMPLE.com',
    'file://.',
    'file:///',
    'FILE://',
    'wss://A',
  ])('%j is not an origin', (origin) => {
    expect(answer('*', origin)).toBe('deny')
  })
})

describe('file://', () => {
  test('is allowed by * and by its exact text, never with credentials', () => {
    expect(answer('*', 'file://')).toBe('*')
    expect(answer('file://', 'file://')).toBe('file://')
  })

  test.each(['file*', '*://*', 'f*', '*//', 'null'])('is not matched by %j', (entry) => {
    expect(answer(entry, 'file://')).toBe('deny')
  })
})

test.each([
  ['app://.', []],
  ['safari-web-extension://A1B2', []],
  ['capacitor://localhost', []],
  ['file://', ['warning origin-file']],
  ['file://*', ['error origin-file-prohibited']],
  ['file:///index.html', ['error origin-file-prohibited']],
  ['FILE://', ['error origin-file-prohibited']],
  ['APP://.', ['error origin-upper-case']],
  ['app://..', ['error origin-empty-label']],
  ['app://a/b', ['error origin-has-path']],
  ['https://.', ['error origin-empty-label']],
])('check says of %s: %j', (entry, expected) => {
  const text = `rules:\n  - {allowedOrigins: ["${entry}"], allowedMethods: [GET, HEAD]}\n`
  const { findings } = readRules('a.yaml', Buffer.from(text), 'cos')
  expect(findings.map(({ severity, code }) => `${severity} ${code}`)).toEqual(expected)
})
