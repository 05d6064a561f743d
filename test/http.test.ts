import { describe, expect, test } from 'vitest'
import { applyPatch, mergeVary, readFacts } from '../src/http.ts'

const read = (headers: readonly string[], method = 'PUT', version = '1.1') =>
  readFacts(method, '/b/k', version, ['Host', 'store.test', ...headers])

describe('a request is not forwarded because of', () => {
  test.each([
    ['two Host lines', ['Host', 'other.test'], 400],
    ['two Origin lines', ['Origin', 'https://a.test', 'origin', 'https://a.test'], 400],
    ['two Content-Length lines', ['Content-Length', '5', 'Content-Length', '5'], 400],
    ['two Transfer-Encoding lines', ['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 400],
    ['both framings', ['Content-Length', '5', 'Transfer-Encoding', 'chunked'], 400],
    ['a length in hexadecimal', ['Content-Length', '0x5'], 400],
    ['a signed length', ['Content-Length', '+5'], 400],
    ['a negative length', ['Content-Length', '-1'], 400],
    ['a length list', ['Content-Length', '5, 5'], 400],
    ['an empty length', ['Content-Length', ''], 400],
    ['a length beyond exact numbers', ['Content-Length', '99999999999999999999'], 400],
    ['another coding', ['Transfer-Encoding', 'gzip, chunked'], 501],
    ['an empty list item before chunked', ['Transfer-Encoding', ', chunked'], 501],
    ['another expectation', ['Expect', '200-ok'], 417],
    ['another expectation beside the one that is met', ['Expect', '100-continue, 200-ok'], 417],
    ['another expectation on a line of its own', ['Expect', '100-continue', 'Expect', '200-ok'], 417],
    ['Connection that names Host', ['Connection', 'close, Host'], 400],
    ['Connection that names a signed header', ['Connection', 'x-amz-date'], 400],
    ['Connection that names Content-Length', ['Connection', 'content-length'], 400],
    ['Connection that names Origin', ['Connection', 'ORIGIN'], 400],
    [
      'lines after some thousand others that contradict each other',
      [...Array.from({ length: 3_000 }, () => ['a', 'b']).flat(), 'Host', 'b.test'],
      400,
    ],
  ])('%s', (_, headers, status) => {
    expect(read(headers).defect?.status).toBe(status)
  })

  test.each([
    ['empty', ['Expect', ''], false],
    ['a list of nothing', ['Expect', ' , ,'], false],
    ['once', ['Expect', '100-Continue'], true],
    ['twice on a line', ['Expect', '100-continue, 100-continue'], true],
    ['on two lines', ['Expect', '100-continue', 'expect', '100-continue'], true],
    ['on two lines, one of them empty', ['Expect', '', 'Expect', '100-continue'], true],
  ])('not an Expect that is %s', (_, headers, expects) => {
    expect(read(headers)).toMatchObject({ defect: undefined, expectContinue: expects })
  })

  test.each(['0.9', '2.0', '1.2'])('HTTP/%s', (version) => {
    expect(read([], 'GET', version).defect?.status).toBe(505)
  })

  test('Transfer-Encoding with HTTP/1.0', () => {
    expect(read(['Transfer-Encoding', 'chunked'], 'PUT', '1.0').defect?.status).toBe(400)
  })

  test.each([
    '',
    'a/b',
    'user@a',
    'a:99999',
    'a:80:80',
    '[::1',
    'a,b',
    'a#b',
    'a?b',
    '..a',
    'a b',
    'a..b',
    '-a',
    'a:',
    'a:x',
  ])('the Host %j', (host) => {
    expect(readFacts('GET', '/', '1.1', ['Host', host]).defect?.status).toBe(400)
  })

  test('a missing Host, but not with HTTP/1.0', () => {
    expect(readFacts('GET', '/', '1.1', []).defect?.status).toBe(400)
    expect(readFacts('GET', '/', '1.0', []).defect).toBeUndefined()
  })
})

describe('what is passed on', () => {
  test.each([
    'a',
    'A.b-c.test:8080',
    '127.0.0.1:9000',
    '[::1]:9000',
    '[2001:db8::1]',
    'a_b.test',
    'host.',
    'a:0',
    'a:65535',
  ])('the Host %s', (host) => {
    expect(readFacts('GET', '/', '1.1', ['Host', host]).defect).toBeUndefined()
  })

  test('a request of every form that stores and SDKs use', () => {
    const request = read([
      'Content-Length',
      '5',
      'Expect',
      '100-Continue',
      'Connection',
      'keep-alive, X-Foo, close',
    ])
    expect(request.defect).toBeUndefined()
    expect(request.framing).toEqual({ kind: 'length', bytes: 5 })
    expect(request.expectContinue).toBe(true)
    expect(request.nominated).toEqual(['x-foo'])
    expect(read(['Transfer-Encoding', 'Chunked']).framing).toEqual({ kind: 'chunked' })
    expect(read([], 'PROPFIND').framing).toEqual({ kind: 'none' })
  })

  test.each([
    [32, undefined],
    [33, 400],
    [2_900, 400],
  ])('%i names in Connection: defect %s', (count, status) => {
    const names = Array.from({ length: count }, (_, index) => `x-${index}`).join(',')
    const request = read(['Connection', names])
    expect(request.defect?.status).toBe(status)
    expect(request.nominated).toHaveLength(status === undefined ? count : 0)
  })

  test('several Access-Control-Request-Headers lines are one list, several methods are none', () => {
    const request = read([
      'access-control-request-headers',
      'a',
      'Access-Control-Request-Headers',
      'b',
      'Access-Control-Request-Method',
      'PUT',
      'Access-Control-Request-Method',
      'GET',
    ])
    expect(request.requestedHeaders).toBe('a,b')
    expect(request.requestedMethod).toBe('PUT, GET')
  })

  test('an Origin that was sent twice is not kept at all', () => {
    expect(read(['Origin', 'https://a.test', 'Origin', 'https://b.test']).origin).toBeUndefined()
  })

  test('of several repeated headers none is kept, whichever comes first', () => {
    const lines = [
      ...['Host', 'other.test', 'Origin', 'https://a.test', 'Origin', 'https://b.test'],
      ...['Content-Length', '5', 'Content-Length', '6'],
      ...['Transfer-Encoding', 'chunked', 'Transfer-Encoding', 'chunked'],
    ]
    expect(read(lines)).toMatchObject({ host: undefined, origin: undefined, framing: { kind: 'none' } })
    expect(read(lines.slice(2).concat('Host', 'other.test')).host).toBeUndefined()
    expect(read(lines).defect?.message).toBe('The Host header was sent more than once.')
  })
})

describe('Vary is merged', () => {
  test.each([
    [undefined, ['Origin'], 'Origin'],
    ['', ['Origin'], 'Origin'],
    ['Accept-Encoding', ['Origin'], 'Accept-Encoding, Origin'],
    ['origin, Accept', ['Origin'], 'origin, Accept'],
    ['*', ['Origin'], '*'],
    ['Accept', ['Origin', 'accept'], 'Accept, Origin'],
  ])('%s and %s', (present, names, expected) => {
    expect(mergeVary(present, names)).toBe(expected)
  })
})

describe('the patch of a response', () => {
  const lines = [
    'ETag',
    '"x"',
    'vary',
    'Accept',
    'ACCESS-CONTROL-ALLOW-ORIGIN',
    '*',
    'Set-Cookie',
    'a',
    'Vary',
    'Range',
    'Set-Cookie',
    'b',
  ]

  test('removes every Access-Control line in any case, keeps order, case and repeats', () => {
    expect(
      applyPatch(lines, {
        strip: true,
        add: ['Access-Control-Allow-Origin', 'https://a.test'],
        vary: ['Origin'],
      }),
    ).toEqual([
      ...['ETag', '"x"', 'vary', 'Accept, Range, Origin', 'Set-Cookie', 'a', 'Set-Cookie', 'b'],
      ...['Access-Control-Allow-Origin', 'https://a.test'],
    ])
  })

  test('changes nothing in a response without CORS headers if none are added', () => {
    expect(applyPatch(lines, { strip: false, add: [], vary: [] })).toEqual(lines)
  })
})
