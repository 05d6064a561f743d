import { describe, expect, test } from 'vitest'
import { decide } from '../../src/cors/decide.ts'
import {
  maxRequestedHeaders,
  maxRequestedHeadersLength,
  readActual,
  readPreflight,
} from '../../src/cors/request.ts'
import type { CorsRule } from '../../src/cors/rule.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { rule } from '../core.ts'

function preflight(rules: readonly CorsRule[], origin: string, method: string, headers?: string) {
  const question = readPreflight({
    method: 'OPTIONS',
    origin,
    requestedMethod: method,
    requestedHeaders: headers,
  })
  if ('what' in question) throw new Error(question.what)
  return decide(compileRules(rules), question)
}

describe('the first rule that matches in all three decides', () => {
  const rules = [
    rule({ id: 'read', allowedOrigins: ['*'], allowedMethods: ['GET'], allowedHeaders: ['range'] }),
    rule({ id: 'write', allowedMethods: ['GET', 'PUT'], allowedHeaders: ['content-type', 'X-Amz-*'] }),
    rule({ id: 'late', allowedMethods: ['PUT'], allowedHeaders: ['*'] }),
  ]

  test.each([
    ['GET', 'range', 'read', '*'],
    ['GET', undefined, 'read', '*'],
    ['GET', 'content-type', 'write', 'https://example.com'],
    ['PUT', 'x-amz-date,Content-Type', 'write', 'https://example.com'],
    ['PUT', 'x-amz-', 'write', 'https://example.com'],
    ['PUT', 'authorization', 'late', 'https://example.com'],
  ])('%s with %s: rule %s answers %s', (method, headers, label, allowOrigin) => {
    expect(preflight(rules, 'https://example.com', method, headers)).toMatchObject({
      verdict: 'allow',
      reason: 'matched',
      rule: { label },
      allowOrigin,
      credentials: allowOrigin !== '*',
    })
  })

  test.each([
    ['https://other.test', 'PUT', undefined, 'method', 'read', undefined],
    ['https://other.test', 'GET', 'authorization,range', 'header', 'read', 'authorization'],
    ['https://example.com', 'DELETE', undefined, 'method', 'read', undefined],
  ])('%s %s with %s is denied for its %s, closest %s', (origin, method, headers, reason, label, header) => {
    expect(preflight(rules, origin, method, headers)).toMatchObject({
      verdict: 'deny',
      reason,
      closest: { label },
      header,
    })
  })

  test('an origin that no rule lists is denied for its origin', () => {
    expect(preflight(rules.slice(1), 'https://other.test', 'GET')).toMatchObject({
      reason: 'origin',
      closest: { label: 'write' },
    })
  })

  test('a rule without an id is called by its number', () => {
    expect(
      preflight([rule({ allowedMethods: ['PUT'] }), rule()], 'https://example.com', 'GET'),
    ).toMatchObject({
      rule: { label: '2' },
    })
  })
})

describe('rules are read literally', () => {
  test('HEAD is not implied by GET', () => {
    expect(preflight([rule()], 'https://example.com', 'HEAD')).toMatchObject({ reason: 'method' })
  })
  test('a rule without allowed headers allows no requested header, not even a safelisted one', () => {
    expect(preflight([rule()], 'https://example.com', 'GET', 'accept')).toMatchObject({
      reason: 'header',
      header: 'accept',
    })
  })
  test('a partial wildcard does not overlap itself', () => {
    const rules = [rule({ allowedHeaders: ['x-ab*ba'] })]
    expect(preflight(rules, 'https://example.com', 'GET', 'x-aba')).toMatchObject({ reason: 'header' })
    expect(preflight(rules, 'https://example.com', 'GET', 'x-abba')).toMatchObject({ verdict: 'allow' })
  })
  test('an empty list of rules denies everything', () => {
    expect(preflight([], 'https://example.com', 'GET')).toMatchObject({
      reason: 'no_rules',
      closest: undefined,
    })
  })
  test('a malformed origin is not matched by *', () => {
    expect(
      preflight([rule({ allowedOrigins: ['*'] })], 'https://a.test, https://b.test', 'GET'),
    ).toMatchObject({
      reason: 'malformed',
    })
  })
  test('the rules ignore the headers of an actual request', () => {
    const question = readActual({
      method: 'GET',
      origin: 'https://example.com',
      requestedMethod: 'DELETE',
      requestedHeaders: 'x-a',
    })
    expect(question).toMatchObject({ method: 'GET', headers: [] })
  })
  test('a request without Origin, or with an empty one, is not a CORS request', () => {
    for (const origin of [undefined, ''])
      expect(
        readActual({ method: 'GET', origin, requestedMethod: undefined, requestedHeaders: undefined }),
      ).toBeUndefined()
  })
})

describe('what a preflight may ask for is bounded', () => {
  const read = (
    headers: string | undefined,
    method = 'PUT',
    origin: string | undefined = 'https://example.com',
  ) => readPreflight({ method: 'OPTIONS', origin, requestedMethod: method, requestedHeaders: headers })

  test.each([
    ['content-type', ['content-type']],
    ['X-A , x-b', ['x-a', 'x-b']],
    [' \tX-A\t ,\t, x-b ', ['x-a', 'x-b']],
    [' ', []],
    ['a,,b', ['a', 'b']],
    ['', []],
    [`a${','.repeat(16)}`, ['a']],
    [undefined, []],
    [
      Array.from({ length: maxRequestedHeaders }, (_, i) => `h${i}`).join(','),
      Array.from({ length: maxRequestedHeaders }, (_, i) => `h${i}`),
    ],
  ])('%j is read', (sent, headers) => {
    expect(read(sent)).toMatchObject({ kind: 'preflight', headers })
  })

  test.each([
    [`a${','.repeat(17)}`, 'headers-beyond-bounds'],
    [Array.from({ length: maxRequestedHeaders + 1 }, (_, i) => `h${i}`).join(','), 'headers-beyond-bounds'],
    ['a'.repeat(maxRequestedHeadersLength + 1), 'headers-beyond-bounds'],
    ['x-a, invalid header', 'header-invalid'],
    ['a;b', 'header-invalid'],
    ['a"b', 'header-invalid'],
    ['é', 'header-invalid'],
    ['a\r\nb', 'header-invalid'],
    ['\u00a0a', 'header-invalid'],
    // Echoing it would allow every header.
    ['*', 'header-invalid'],
    ['a, * ,b', 'header-invalid'],
    ['a,\u00a0', 'header-invalid'],
  ])('%j is %s', (sent, what) => {
    expect(read(sent)).toMatchObject({ what })
  })

  test.each([
    'put',
    'GET, PUT',
    'PATCH',
    'OPTIONS',
    'GET\t',
    '*',
  ])('no rule can allow the method %j', (method) => {
    expect(read(undefined, method)).toEqual({ what: 'method-invalid', value: method, methods: 'stored' })
  })

  test('the Origin is looked at first, then the method, then the names', () => {
    expect(read('a b', 'put', '')).toEqual({ what: 'origin-missing' })
    expect(read('a b', '')).toEqual({ what: 'method-missing' })
    expect(read('a b', 'put')).toMatchObject({ what: 'method-invalid' })
  })
})
