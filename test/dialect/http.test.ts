import { describe, expect, test } from 'vitest'
import { http } from '../../src/dialect/http.ts'
import { explainRequest } from '../../src/plan/explain-request.ts'
import { type Plan, plan } from '../../src/plan/plan.ts'
import { readRules } from '../../src/rule-file/read.ts'
import { facts, headerMap, identity, rule, ruleFile, setup, snapshotOf } from '../core.ts'

const origin = 'https://example.com'
const dav = ruleFile({
  dialect: 'http',
  rules: [
    rule({
      allowedMethods: ['PROPFIND', 'MOVE', 'OPTIONS'],
      allowedHeaders: ['depth'],
      allowCredentials: true,
    }),
    rule({ allowedOrigins: ['https://other.example'], allowedMethods: ['GET'] }),
    rule({ allowedOrigins: ['https://*'], allowedMethods: ['REPORT'], allowCredentials: true }),
  ],
})

const planned = (method: string, lines: readonly string[], target = '/dav/k', more = {}): Plan =>
  plan(
    snapshotOf({ dav }),
    { ...setup, ...more },
    facts(method, target, ['Host', 'store.test', ...lines]),
    identity,
  )

function answered(result: Plan) {
  if (result.act !== 'answer') throw new Error(`the request is to be answered, not ${result.act}`)
  return { ...result.response, headers: headerMap(result.response.headers) }
}

const preflight = (method: string, from = origin, headers = 'depth') => [
  ...['Origin', from, 'Access-Control-Request-Method', method],
  ...['Access-Control-Request-Headers', headers],
]

describe('a preflight', () => {
  test('is answered 204, with nothing of a vendor', () => {
    const { status, headers, body } = answered(planned('OPTIONS', preflight('PROPFIND')))
    expect({ status, body }).toEqual({ status: 204, body: '' })
    expect(Object.fromEntries(headers)).toEqual({
      'access-control-allow-credentials': ['true'],
      'access-control-allow-headers': ['depth'],
      'access-control-allow-methods': ['PROPFIND, MOVE, OPTIONS'],
      'access-control-allow-origin': [origin],
      vary: ['Origin'],
    })
  })

  test.each([
    ['of another origin', preflight('PROPFIND', 'https://evil.example')],
    ['for another method', preflight('LOCK')],
    ['for another header', preflight('MOVE', origin, 'destination')],
    ['for CONNECT', preflight('CONNECT')],
    ['for a method that is no token', preflight('A B')],
    ['for a method whose case differs', preflight('propfind')],
  ])('%s is refused 403 in plain text', (_, lines) => {
    const { status, headers, body } = answered(planned('OPTIONS', lines))
    expect(status).toBe(403)
    expect(Object.fromEntries(headers)).toEqual({
      'content-type': ['text/plain; charset=utf-8'],
      vary: ['Origin'],
    })
    expect(body).toMatch(/^This cross-origin request is not allowed[^<>]*\.\n$/)
  })

  test.each<[string, string, string, boolean]>([
    ['the rule says so', 'PROPFIND', origin, true],
    ['the rule says nothing', 'GET', 'https://other.example', false],
    ['the rule lets every host in', 'REPORT', 'https://any.example', false],
  ])('allows credentials where %s', (_, method, from, isSent) => {
    const { status, headers } = answered(planned('OPTIONS', preflight(method, from, '')))
    expect([status, headers.has('access-control-allow-credentials')]).toEqual([204, isSent])
  })

  test('of a bucket without rules is refused', () => {
    expect(answered(planned('OPTIONS', preflight('GET'), '/none/k', { dialect: 'http' })).status).toBe(403)
  })
})

describe('OPTIONS that is no preflight', () => {
  test.each([
    ['of a WebDAV client', []],
    ['with an empty Origin', ['Origin', '', 'Access-Control-Request-Method', 'PUT']],
    ['with a method and no origin', ['Access-Control-Request-Method', 'PUT']],
  ])('%s is forwarded', (_, lines) => {
    expect(planned('OPTIONS', lines)).toMatchObject({ act: 'forward', target: '/dav/k' })
  })

  test('of a page is forwarded and decorated by the rule that allows OPTIONS', () => {
    const result = planned('OPTIONS', ['Origin', origin])
    expect(result).toMatchObject({ act: 'forward', judgement: { kind: 'actual' } })
    if (result.act === 'forward')
      expect(headerMap(result.patch.add).get('access-control-allow-origin')).toEqual([origin])
  })

  test.each(['/', '/none/k', '/-not-a-bucket/k'])('for %s, which has no rules, is forwarded', (target) => {
    expect(planned('OPTIONS', [], target, { dialect: 'http' })).toMatchObject({ act: 'forward', target })
  })

  test('is refused in the dialects of the vendors', () => {
    expect(answered(planned('OPTIONS', [], '/none/k')).status).toBe(403)
  })
})

test.each(['GET', 'PUT', 'DELETE'])('%s ?cors is a request like every other', (method) => {
  const result = planned(method, [], '/dav?cors', { bucketCorsApi: 'write' })
  expect(result).toMatchObject({ act: 'forward', target: '/dav?cors' })
})

test('an error made here is plain text that a page can read', () => {
  const { status, headers, body } = answered(planned('TRACE', ['Origin', 'https://any.example']))
  expect({ status, body }).toEqual({
    status: 405,
    body: 'The specified method is not allowed against this resource.\n',
  })
  expect(headers.get('allow')?.[0]).toContain('PROPFIND')
  expect(headers.get('allow')?.[0]).toContain('SEARCH')
  expect([...headers.keys()].filter((name) => /^(?:server|x-)/.test(name))).toEqual([])
})

test('request ids differ between requests', () => {
  expect(http.requestId(identity)).not.toBe(http.requestId({ ...identity, sequence: identity.sequence + 1 }))
})

test('explain shows the answer as it is sent, without a length', () => {
  const explained = explainRequest(
    { snapshot: snapshotOf({ dav }), setup, identity, endpoint: 'http://localhost:8080' },
    {
      to: { kind: 'bucket', bucket: 'dav' },
      origin,
      method: 'MOVE',
      requestedHeaders: undefined,
      actual: false,
    },
  )
  expect(explained).toMatchObject({
    kind: 'explained',
    explained: { dialect: 'http', response: { kind: 'answer', status: 204 } },
  })
  if (explained.kind === 'explained')
    expect(explained.explained.response.headers.map(([name]) => name)).not.toContain('Content-Length')
})

describe('a rule file', () => {
  const read = (text: string, dialect: string) =>
    readRules('dav.yaml', Buffer.from(text), dialect).findings.map(
      ({ severity, code }) => `${severity} ${code}`,
    )
  const file = (fields: string, more = ''): string =>
    `rules:\n  - {allowedOrigins: ["https://a.example.com"], ${fields}}\n${more}`

  test.each([
    ['PROPFIND', []],
    ['patch', []],
    ['OPTIONS', []],
    ['X-ODD!', []],
    ['get', ['error method-unsupported']],
    ['Options', ['error method-unsupported']],
    ['CONNECT', ['error method-unsupported']],
    ['Trace', ['error method-unsupported']],
    ['TRACK', ['error method-unsupported']],
    ['"*"', ['error method-unsupported']],
    ['"A B"', ['error method-unsupported']],
  ])('may allow %s or not', (method, expected) => {
    const text = file(`allowedMethods: [${method}]`)
    expect(read(text, 'http')).toEqual(expected)
    expect(read(`${text}dialect: http\n`, 'cos')).toEqual(expected)
    expect(read(text, 's3')).toEqual(['error method-unsupported'])
  })

  test('can set allowCredentials, which is an error in other dialects', () => {
    const text = file('allowedMethods: [GET, HEAD], allowCredentials: true')
    expect(read(text, 'http')).toEqual([])
    for (const dialect of ['cos', 'oss', 's3'])
      expect(read(text, dialect)).toEqual(['error credentials-by-dialect'])
  })

  test('has its tests run with the methods of its dialect', () => {
    const tests =
      'tests:\n  - {origin: "https://a.example.com", method: MOVE, expect: allow}\n' +
      '  - {origin: "https://a.example.com", method: OPTIONS, actual: true, expect: deny}\n'
    expect(read(file('allowedMethods: [MOVE]', `dialect: http\n${tests}`), 'cos')).toEqual([])
  })
})
