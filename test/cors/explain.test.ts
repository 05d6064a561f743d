import { describe, expect, test } from 'vitest'
import { decide, denyMalformed, denyWithoutRules } from '../../src/cors/decide.ts'
import { explain } from '../../src/cors/explain.ts'
import { readPreflight } from '../../src/cors/request.ts'
import type { CorsRule } from '../../src/cors/rule.ts'
import { compileRules } from '../../src/cors/rule-set.ts'
import { rule } from '../core.ts'

function explained(rules: readonly CorsRule[], origin: string | undefined, method: string, headers?: string) {
  const compiled = compileRules(rules)
  const read = readPreflight({
    method: 'OPTIONS',
    origin,
    requestedMethod: method,
    requestedHeaders: headers,
  })
  const question = 'what' in read ? undefined : read
  const decision = 'what' in read ? denyMalformed(read) : decide(compiled, read)
  return explain({ bucket: 'photos', rules: compiled.rules, decision, question })
}

const web = rule({
  id: 'web',
  allowedOrigins: ['https://example.com', 'https://*.example.org'],
  allowedMethods: ['GET', 'PUT'],
  allowedHeaders: ['content-type', 'x-amz-*'],
  exposeHeaders: ['ETag'],
  maxAgeSeconds: 600,
})

describe('a refusal is explained', () => {
  test('by the header that is missing, with the rule that would allow it', () => {
    expect(
      explained(
        [rule({ allowedOrigins: ['https://a.test'] }), web],
        'https://example.com',
        'PUT',
        'authorization,x-amz-date,x-b',
      ),
    ).toEqual({
      decision: 'deny',
      reason: 'header',
      rule: 'web',
      text: 'Rule web allows this origin and PUT, but not the headers authorization, x-b.',
      lacks: { field: 'allowedHeaders', value: 'authorization' },
      hint: undefined,
    })
  })

  test('by the missing rules, even if the request is malformed', () => {
    const { text } = explain({
      bucket: 'photos',
      rules: [],
      decision: denyWithoutRules,
      question: undefined,
    })
    expect(text).toBe('Bucket photos has no CORS rules, so every cross-origin request is denied.')
  })

  test('by the method, and says that HEAD is not implied by GET', () => {
    expect(explained([web], 'https://example.com', 'HEAD')).toMatchObject({
      reason: 'method',
      text: 'Rule web allows this origin, but only with GET, PUT, not with HEAD.',
      lacks: { field: 'allowedMethods', value: 'HEAD' },
      hint: 'HEAD is not implied by GET.',
    })
  })

  test('by the origin, naming the rule that needs the fewest additions', () => {
    expect(explained([rule({ id: 'read' }), web], 'https://new.test', 'PUT', 'x-amz-date')).toMatchObject({
      reason: 'origin',
      rule: 'web',
      text: 'None of the 2 rules allows the origin https://new.test. The closest is rule web.',
      lacks: { field: 'allowedOrigins', value: 'https://new.test' },
    })
  })

  test.each([
    ['http://example.com', '"https://example.com" is listed: the scheme differs.'],
    ['https://example.com:8443', '"https://example.com" is listed: the port differs.'],
    [
      'https://example.org',
      '"https://*.example.org" is listed, but it covers subdomains only, not example.org itself.',
    ],
  ])('by a near miss: %s', (origin, hint) => {
    expect(explained([web], origin, 'GET')).toMatchObject({ reason: 'origin', hint })
  })

  test('the origin null is explained by the pages that send it', () => {
    const got = explained([web], 'null', 'GET')
    expect(got.hint).toMatch(/sandboxed/)
  })

  test.each([
    [undefined, 'GET', undefined, 'malformed', /no Origin header/],
    ['https://example.com', '', undefined, 'malformed', /no Access-Control-Request-Method/],
    ['https://example.com', 'PATCH', undefined, 'method', /No rule can allow another method/],
    ['https://example.com', 'GET', 'a b', 'malformed', /not a header name/],
    ['https://example.com', 'GET', ','.repeat(40), 'malformed', /too many names or empty elements/],
    ['https://example.com/path', 'GET', undefined, 'malformed', /not an origin as a browser writes it/],
  ])('%s %s %s is %s', (origin, method, headers, reason, text) => {
    const got = explained([web], origin, method, headers)
    expect(got).toMatchObject({ decision: 'deny', reason })
    expect(got.text).toMatch(text)
  })
})

test('a scheme that is missing in the file is pointed out', () => {
  const listed = rule({ allowedOrigins: ['www.example.com'] })
  expect(explained([listed], 'https://www.example.com', 'GET')).toMatchObject({
    reason: 'origin',
    hint: '"www.example.com" is listed without a scheme, so it matches no origin: write "https://www.example.com".',
  })
})

test('a later rule that exposes more is pointed out', () => {
  const first = rule({ id: 'first', allowedOrigins: ['*'], exposeHeaders: [] })
  const got = explained([first, web], 'https://example.com', 'GET')
  expect(got).toMatchObject({ decision: 'allow', rule: 'first' })
  expect(got.hint).toContain('Rule web, below it, also matches and would expose ETag')
})

test('an allowed request names its rule', () => {
  expect(explained([web], 'https://example.com', 'GET')).toMatchObject({
    decision: 'allow',
    rule: 'web',
    text: 'Rule web of bucket photos allows it.',
    hint: undefined,
  })
  expect(explained([rule({ allowedOrigins: ['*'] })], 'https://example.com', 'GET').text).toBe(
    'Rule 1 of bucket photos allows it for any origin, without credentials.',
  )
})
