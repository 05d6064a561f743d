import { describe, expect, test } from 'vitest'
import { isLocalAddress } from '../../src/doctor/connection-problems.ts'
import { diagnose } from '../../src/doctor/diagnose.ts'
import { oddTarget } from '../../src/doctor/examine.ts'
import type { Answer, Attempt, Facts, Question } from '../../src/doctor/facts.ts'
import { readEndpoint } from '../../src/doctor/read-endpoint.ts'

function endpointOf(url: string) {
  const endpoint = readEndpoint(url)
  return typeof endpoint === 'string' ? expect.fail(endpoint) : endpoint
}

const question = (more: Partial<Question> = {}): Question => ({
  endpoint: endpointOf('https://s3.example.com/photos/cat.jpg'),
  origin: 'https://app.example.com',
  method: 'GET',
  headers: [],
  unsendable: [],
  exposed: [],
  credentials: false,
  sidecarKnown: false,
  ...more,
})

const answer = (status: number, headers: Readonly<Record<string, string>>, body = ''): Answer => ({
  kind: 'answer',
  status,
  lines: Object.entries(headers).flat(),
  body,
  address: '203.0.113.5',
})

const allowed = answer(200, {
  'Access-Control-Allow-Origin': 'https://app.example.com',
  Vary: 'Origin',
  'x-amz-request-id': '1',
})

const facts = (more: Partial<Facts> = {}): Facts => ({
  preflight: undefined,
  actual: allowed,
  plain: answer(200, { Vary: 'Origin' }),
  missing: undefined,
  stranger: undefined,
  oddTarget: '/photos/cors-sidecar-doctor-1%7E//a%2Db',
  certificate: undefined,
  store: undefined,
  rules: undefined,
  ...more,
})

const codesOf = (asked: Question, seen: Facts) =>
  diagnose(asked, seen).map(({ code, hop }) => `${code} ${hop}`)

const mismatch = answer(
  403,
  {
    ...Object.fromEntries([
      ['Access-Control-Allow-Origin', 'https://app.example.com'],
      ['Vary', 'Origin'],
      ['x-amz-request-id', '1'],
    ]),
  },
  '<Error><Code>SignatureDoesNotMatch</Code></Error>',
)

describe('what no server of a test machine shows', () => {
  test('a public address and a public page are healthy', () => {
    expect(codesOf(question(), facts())).toEqual([])
  })

  test.each<[string, Attempt | undefined, string]>([
    ['without --store', undefined, 'signature-mismatch proxy'],
    ['where the store takes it', answer(200, {}), 'signature-mismatch proxy'],
    ['where the store refuses it too', mismatch, 'signature-mismatch page'],
  ])('a broken signature %s', (_, store, expected) => {
    expect(codesOf(question(), facts({ actual: mismatch, store }))).toEqual([expected])
  })

  test('an expired certificate', () => {
    const certificate = {
      kind: 'failure',
      reason: 'certificate-expired',
      detail: 'certificate has expired',
    } as const
    expect(codesOf(question(), facts({ certificate }))).toEqual(['certificate-expired proxy'])
  })

  test('a time-out, a reset and what is no HTTP', () => {
    for (const [reason, code] of [
      ['timeout', 'connection-timeout'],
      ['reset', 'connection-reset'],
      ['not-http', 'not-http'],
    ] as const)
      expect(codesOf(question(), facts({ actual: { kind: 'failure', reason, detail: '' } }))).toEqual([
        `${code} proxy`,
      ])
  })

  test('cookies need the flag', () => {
    expect(codesOf(question({ credentials: true }), facts())).toEqual(['allow-credentials-missing store'])
  })

  test('a preflight with the right headers and the wrong status', () => {
    const preflight = answer(404, {
      'Access-Control-Allow-Origin': 'https://app.example.com',
      'x-amz-request-id': '1',
    })
    expect(codesOf(question({ headers: ['range'] }), facts({ preflight }))).toEqual([
      'preflight-status store',
    ])
  })

  const refusal = '<Error><Code>InternalError</Code></Error>'
  test.each([
    ['nginx', answer(502, { Server: 'nginx/1.27' }), 'store-error proxy', 'nginx'],
    ['a proxy that only its body names', answer(502, {}, 'Bad Gateway'), 'store-error proxy', 'a proxy'],
    ['a store behind nginx', answer(500, { Server: 'nginx' }, refusal), 'store-error store', 'the sidecar'],
    ['nothing that can be named', answer(503, {}), 'store-error store', 'an unidentified server'],
  ])('a status of 500 or more from %s, once for both requests', (_what, failure, expected, name) => {
    const seen = facts({ preflight: failure, actual: failure })
    const asked = question({ headers: ['range'], sidecarKnown: true })
    expect(codesOf(asked, seen)).toEqual([expected])
    expect(codesOf(asked, facts({ actual: failure }))).toEqual([expected])
    const evidence = `OPTIONS was answered with ${failure.status} by ${name}.`
    expect(diagnose(asked, seen)).toMatchObject([{ evidence }])
  })

  test('a preflight that an unidentified server answers in front of a store', () => {
    expect(diagnose(question({ headers: ['range'] }), facts({ preflight: answer(200, {}) }))).toMatchObject([
      {
        code: 'preflight-answered-by-proxy',
        evidence:
          'OPTIONS was answered with 200 by an unidentified server, without Access-Control-Allow-Origin.',
      },
    ])
  })

  test('a preflight that MinIO answers without its request id is not one of a proxy', () => {
    const preflight = answer(200, { Server: 'MinIO' })
    expect(codesOf(question({ headers: ['range'] }), facts({ preflight }))).toContain(
      'allow-origin-missing store',
    )
  })

  test('an answer without the header from nothing that can be named', () => {
    expect(codesOf(question(), facts({ actual: answer(200, { Vary: 'Origin' }) }))).toEqual([
      'allow-origin-missing store',
    ])
  })
})

test.each([
  ['127.0.0.1', true],
  ['::ffff:10.1.2.3', true],
  ['172.31.0.1', true],
  ['172.32.0.1', false],
  ['192.168.1.1', true],
  ['169.254.169.254', true],
  ['100.64.0.1', true],
  ['203.0.113.5', false],
  ['::1', true],
  ['fd00::1', true],
  ['fe80::1', true],
  ['2001:db8::1', false],
])('%s is local: %s', (address, local) => {
  expect(isLocalAddress(address)).toBe(local)
})

test.each([
  ['/photos/a/cat.jpg?X-Amz-Signature=1', '/photos/a/x%7E//a%2Db'],
  ['/photos/', '/photos/x%7E//a%2Db'],
  ['/photos', '/photos/x%7E//a%2Db'],
  ['/', '/x%7E//a%2Db'],
])('the odd path of %s stays in its bucket', (target, expected) => {
  expect(oddTarget(target, 'x')).toBe(expected)
})

test.each([
  ['https://h/a/../b%2Fc?x=1#f', '/a/../b%2Fc?x=1'],
  ['https://h/a b/ü', '/a%20b/%C3%BC'],
  ['https://h', '/'],
  ['https://h?x', '/?x'],
])('the path of %s is sent as %s', (url, target) => {
  expect(endpointOf(url).target).toBe(target)
})

test.each([
  ['http://h:80/', 'h'],
  ['https://h:443/', 'h'],
  ['http://h:8080/', 'h:8080'],
  ['http://[::1]:9000/', '[::1]:9000'],
])('the Host of %s is %s', (url, authority) => {
  expect(endpointOf(url).authority).toBe(authority)
})
