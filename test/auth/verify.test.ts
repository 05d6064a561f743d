import { createHash, createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { maxParameters, maxTargetLength, type SignedRequest } from '../../src/auth/request-parts.ts'
import type { AccessKeys, Verification } from '../../src/auth/verification.ts'
import { compareBody, maxAuthorizationLength, verify } from '../../src/auth/verify.ts'

// An independent signer, written line by line from the S3 API reference.
const id = 'AKIDEXAMPLE'
const secret = 'secret/with+signs'
const keys: AccessKeys = new Map([[id, { id, secret, buckets: undefined }]])
const at = Date.UTC(2026, 0, 2, 3, 4, 5) / 1000
const stamp = '20260102T030405Z'

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')

interface Signing {
  readonly method?: string
  readonly query?: string
  readonly canonicalQuery?: string
  readonly host?: string
  readonly signedHost?: string
  readonly headers?: readonly (readonly [string, string])[]
  readonly unsigned?: readonly string[]
  readonly payload?: string
  readonly region?: string
  readonly timestamp?: string
  readonly hasBody?: boolean
}

function sign(signing: Signing = {}): SignedRequest {
  const { method = 'PUT', query = 'cors', canonicalQuery = 'cors=', host = 'store.test:9000' } = signing
  const { region = 'us-east-1', timestamp = stamp, payload = 'UNSIGNED-PAYLOAD' } = signing
  const headers = signing.headers ?? [
    ['x-amz-content-sha256', payload],
    ['x-amz-date', timestamp],
  ]
  const all = [['host', signing.signedHost ?? host] as const, ...headers].sort(([a], [b]) => (a < b ? -1 : 1))
  const signedHeaders = all.map(([name]) => name).join(';')
  const lines = all.map(([name, value]) => `${name}:${value}\n`).join('')
  const request = [method, '/photos/', canonicalQuery, lines, signedHeaders, payload].join('\n')
  const scope = `${timestamp.slice(0, 8)}/${region}/s3/aws4_request`
  const text = ['AWS4-HMAC-SHA256', timestamp, scope, sha256(request)].join('\n')
  const key = [timestamp.slice(0, 8), region, 's3', 'aws4_request'].reduce<string | Buffer>(
    (derived, part) => hmac(derived, part),
    `AWS4${secret}`,
  )
  const signature = createHmac('sha256', key).update(text).digest('hex')
  const authorization = `AWS4-HMAC-SHA256 Credential=${id}/${scope}, SignedHeaders=${signedHeaders}, Signature=${signature}`
  return {
    method,
    target: `/photos/?${query}`,
    headers: ['Host', host, ...headers.flat(), ...(signing.unsigned ?? []), 'Authorization', authorization],
    bucket: 'photos',
    byHost: false,
    operation: 'cors',
    hasBody: signing.hasBody ?? false,
    bodySha256: undefined,
  }
}

const outcome = (request: SignedRequest, unixSeconds = at): string => said(verify(request, keys, unixSeconds))
const said = (verdict: Verification): string => (verdict.kind === 'refused' ? verdict.why : verdict.kind)

describe('what is signed', () => {
  test.each<readonly [string, Signing]>([
    ['a plain call', {}],
    ['?cors= as ?cors', { query: 'cors=' }],
    ['a name that needs no escape but has one', { query: '%63ors' }],
    ['Host signed without its port', { signedHost: 'store.test' }],
    ['an IPv6 Host signed without its port', { host: '[::1]:9000', signedHost: '[::1]' }],
    [
      'parameters that come twice, sorted by value',
      { query: 'x=b&cors&x=a', canonicalQuery: 'cors=&x=a&x=b' },
    ],
    ['parameters in another order', { query: 'z=1&a=2&cors', canonicalQuery: 'a=2&cors=&z=1' }],
    [
      'characters that must be escaped',
      { query: "cors&k=a%20b*'()!~", canonicalQuery: 'cors=&k=a%20b%2A%27%28%29%21~' },
    ],
    ['a plus sign as itself', { query: 'cors&k=a+b', canonicalQuery: 'cors=&k=a%2Bb' }],
    ['bytes that are no UTF-8', { query: 'cors&k=%ff%FE', canonicalQuery: 'cors=&k=%FF%FE' }],
    ['a parameter without a name', { query: '=v&cors', canonicalQuery: '=v&cors=' }],
    ['another region', { region: 'eu-north-1' }],
  ])('%s verifies', (_, signing) => {
    expect(outcome(sign(signing))).toBe('verified')
  })

  test('a repeated parameter cannot be added or removed after signing', () => {
    expect(outcome(sign({ query: 'cors&x=a&x=b', canonicalQuery: 'cors=&x=a' }))).toBe('wrong-signature')
    expect(outcome(sign({ query: 'cors&x=a', canonicalQuery: 'cors=&x=a&x=a' }))).toBe('wrong-signature')
  })

  test('a Host with another port does not verify', () => {
    expect(outcome(sign({ signedHost: 'store.test:9001' }))).toBe('wrong-signature')
    expect(outcome(sign({ host: 'store.test', signedHost: 'other.test' }))).toBe('wrong-signature')
  })

  test.each([
    ['in the form of HTTP', 'Fri, 02 Jan 2026 03:04:05 GMT'],
    ['in the basic form of ISO 8601', stamp],
  ])('a Date header %s takes the place of x-amz-date', (_, date) => {
    const headers = [['date', date] as const, ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'] as const]
    expect(outcome(sign({ headers }))).toBe('verified')
  })

  test('x-amz-date must be signed when present, even if Date is signed', () => {
    const headers = [['date', stamp] as const, ['x-amz-content-sha256', 'UNSIGNED-PAYLOAD'] as const]
    expect(outcome(sign({ headers, unsigned: ['x-amz-date', stamp] }))).toBe('not-covered')
  })

  test('a date that does not exist is malformed', () => {
    for (const timestamp of ['20260231T030405Z', '20261301T030405Z', '20260102T250405Z', '20260102T030405'])
      expect(outcome(sign({ timestamp }))).toBe('malformed')
  })

  test('a scope with another day than the request is refused', () => {
    const request = sign()
    const headers = request.headers.map((line) => line.replace('/20260102/', '/20260103/'))
    expect(outcome({ ...request, headers })).toBe('malformed')
  })
})

describe('the clock', () => {
  test.each([
    [0, 'verified'],
    [900, 'verified'],
    [-900, 'verified'],
    [901, 'skewed'],
    [-901, 'skewed'],
  ])('%i seconds off: %s', (seconds, expected) => {
    expect(outcome(sign(), at + seconds)).toBe(expected)
  })
})

describe('the body', () => {
  const body = '<CORSConfiguration/>'
  const md5 = createHash('md5').update(body).digest('base64')

  test('without a hash in a header, the signature covers the body, which must be read first', () => {
    const request = sign({ headers: [['x-amz-date', stamp]], payload: sha256(body), hasBody: true })
    expect(outcome(request)).toBe('body-needed')
    expect(outcome({ ...request, bodySha256: sha256(body) })).toBe('verified')
    expect(outcome({ ...request, bodySha256: sha256(`${body} `) })).toBe('wrong-signature')
  })

  test('a request without a body and without a hash needs no body', () => {
    expect(outcome(sign({ method: 'GET', headers: [['x-amz-date', stamp]], payload: sha256('') }))).toBe(
      'verified',
    )
  })

  test('the body is compared with a hash in the request', () => {
    const verdict = verify(sign({ payload: sha256(body), hasBody: true }), keys, at)
    expect(verdict).toEqual({
      kind: 'verified',
      accessKeyId: id,
      digests: [{ algorithm: 'sha256', hex: sha256(body) }],
    })
    if (verdict.kind !== 'verified') return
    expect(compareBody(verdict.digests, Buffer.from(body))).toBeUndefined()
    for (let i = 0; i < body.length; i++) {
      const other = Buffer.from(body)
      other[i] = (other[i] ?? 0) ^ 1
      expect(compareBody(verdict.digests, other)).toMatchObject({ algorithm: 'sha256' })
    }
  })

  test('Content-MD5 is compared, signed or not', () => {
    const verdict = verify(sign({ unsigned: ['Content-MD5', md5] }), keys, at)
    if (verdict.kind !== 'verified') throw new Error(said(verdict))
    expect(compareBody(verdict.digests, Buffer.from(body))).toBeUndefined()
    expect(compareBody(verdict.digests, Buffer.from(`${body}\n`))).toMatchObject({ algorithm: 'md5' })
  })

  test.each([
    ['not base64', ['Content-MD5', '????????????????????????']],
    ['too short', ['Content-MD5', 'AAAA']],
    ['in hexadecimal', ['Content-MD5', 'd41d8cd98f00b204e9800998ecf8427e']],
    ['empty', ['Content-MD5', '']],
    ['twice', ['Content-MD5', md5, 'Content-MD5', md5]],
  ])('a Content-MD5 that is %s is no digest', (_, unsigned) => {
    expect(outcome(sign({ unsigned }))).toBe('invalid-digest')
  })

  test('a malformed x-amz-content-sha256 is an invalid digest', () => {
    expect(outcome(sign({ payload: 'sha256' }))).toBe('invalid-digest')
    expect(outcome(sign({ payload: '' }))).toBe('invalid-digest')
  })

  test('UNSIGNED-PAYLOAD verifies without a hash of the body', () => {
    const request = sign({ payload: 'UNSIGNED-PAYLOAD' })
    expect(verify(request, keys, at)).toEqual({ kind: 'verified', accessKeyId: id, digests: [] })
  })

  test.each([
    'STREAMING-UNSIGNED-PAYLOAD-TRAILER',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD',
    'STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER',
    'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD',
    'STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER',
    'streaming-aws4-hmac-sha256-payload',
  ])('%s is refused, because signed chunks and trailers are not checked', (payload) => {
    expect(outcome(sign({ payload }))).toBe('invalid-digest')
  })
})

describe('who may', () => {
  test('a wrong signature reveals nothing about the buckets of its key', () => {
    const tied: AccessKeys = new Map([[id, { id, secret, buckets: ['other'] }]])
    const wrong: AccessKeys = new Map([[id, { id, secret: 'guess', buckets: ['other'] }]])
    expect(said(verify(sign(), tied, at))).toBe('bucket-not-allowed')
    expect(said(verify(sign(), wrong, at))).toBe('wrong-signature')
  })

  test('a request without any credential is unsigned', () => {
    const request = sign()
    expect(outcome({ ...request, headers: request.headers.slice(0, -2) })).toBe('unsigned')
  })

  test.each([
    ['Basic dXNlcjpwYXNz', 'unsupported'],
    ['Bearer token', 'unsupported'],
    ['AWS AKIDEXAMPLE:c2lnbmF0dXJl', 'unsupported'],
    ['AWS4-ECDSA-P256-SHA256 Credential=a', 'unsupported'],
    ['', 'unsupported'],
    ['AWS4-HMAC-SHA256', 'unsupported'],
    ['AWS4-HMAC-SHA256 ', 'malformed'],
    ['OSS ', 'malformed'],
    ['OSS AK', 'malformed'],
    ['OSS AK:', 'malformed'],
    ['OSS4-HMAC-SHA256 x', 'malformed'],
    ['q-sign-algorithm=sha1', 'malformed'],
    ['q-', 'malformed'],
  ])('Authorization %j is %s', (authorization, expected) => {
    const request = sign()
    expect(outcome({ ...request, headers: request.headers.with(-1, authorization) })).toBe(expected)
  })

  test('an AWS V2 signature in the query is refused as unsupported', () => {
    const request = sign()
    const headers = request.headers.slice(0, -2)
    const target = '/photos/?cors&AWSAccessKeyId=AKIDEXAMPLE&Expires=1&Signature=x'
    expect(outcome({ ...request, headers, target })).toBe('unsupported')
  })

  test('two Authorization lines are refused, even if they are equal', () => {
    const request = sign()
    expect(outcome({ ...request, headers: [...request.headers, ...request.headers.slice(-2)] })).toBe(
      'two-credentials',
    )
  })

  test('a signed list must name Host', () => {
    const request = sign()
    const headers = request.headers.map((line) => line.replace('SignedHeaders=host;', 'SignedHeaders='))
    expect(outcome({ ...request, headers })).toBe('not-covered')
  })
})

describe('bounds, before anything is parsed', () => {
  test('a target beyond the bound is malformed', () => {
    const query = `cors&x=${'a'.repeat(maxTargetLength)}`
    expect(outcome(sign({ query, canonicalQuery: query.replace('cors', 'cors=') }))).toBe('malformed')
  })

  test('the largest allowed number of parameters verifies, and one more is malformed', () => {
    const many = (count: number) => Array.from({ length: count }, (_, i) => `a${String(i).padStart(3, '0')}=`)
    const within = many(maxParameters - 1)
    const signing = { query: ['cors', ...within].join('&'), canonicalQuery: [...within, 'cors='].join('&') }
    expect(outcome(sign(signing))).toBe('verified')
    const beyond = { query: `${signing.query}&b`, canonicalQuery: signing.canonicalQuery }
    expect(outcome(sign(beyond))).toBe('malformed')
  })

  test('an Authorization beyond the bound is malformed', () => {
    const request = sign()
    const authorization = `${request.headers.at(-1)}${' '.repeat(maxAuthorizationLength)}`
    expect(outcome({ ...request, headers: request.headers.with(-1, authorization) })).toBe('malformed')
  })

  test.each([
    '/photos/?cors&%',
    '/photos/?cors&a=%zz',
    '/photos/?%c',
    '/photos/?cors&a=\x80',
    'photos?cors',
    '',
  ])('the target %j is malformed', (target) => {
    expect(outcome({ ...sign(), target })).toBe('malformed')
  })
})

describe('hostile input', () => {
  const hostile = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.string({ unit: fc.constantFrom(...'&=;,/: %q-OSAW4HMC256\x00\n\u00e9'), maxLength: 300 }),
    fc
      .tuple(
        fc.constantFrom('AWS4-HMAC-SHA256 ', 'OSS4-HMAC-SHA256 ', 'OSS ', 'q-sign-algorithm=sha1&'),
        fc.string(),
      )
      .map(([scheme, rest]) => scheme + rest),
    fc
      .array(
        fc.tuple(
          fc.constantFrom(
            'q-sign-algorithm',
            'q-ak',
            'q-sign-time',
            'q-key-time',
            'q-header-list',
            'q-url-param-list',
            'q-signature',
          ),
          fc.oneof(
            fc.string(),
            fc.constantFrom('sha1', 'host', '1;2', '__proto__', 'constructor', 'a'.repeat(40)),
          ),
        ),
        { maxLength: 9 },
      )
      .map((fields) => fields.map(([name, value]) => `${name}=${value}`).join('&')),
  )

  test('no random Authorization throws or verifies', () => {
    fc.assert(
      fc.property(hostile, (authorization) => {
        const request = sign()
        expect(verify({ ...request, headers: request.headers.with(-1, authorization) }, keys, at).kind).toBe(
          'refused',
        )
      }),
      { numRuns: 2000 },
    )
  })

  test('no random target with random headers throws or verifies', () => {
    const name = fc.constantFrom(
      'Host',
      'Date',
      'x-amz-date',
      'x-oss-date',
      'Content-MD5',
      '__proto__',
      'Authorization',
    )
    fc.assert(
      fc.property(
        hostile,
        fc.array(fc.tuple(name, hostile), { maxLength: 8 }),
        fc.constantFrom('X-Amz-Credential', 'x-oss-signature', 'q-ak', 'OSSAccessKeyId', '__proto__'),
        (target, headers, mark) => {
          for (const path of [target, `/${target}`, `/?cors&${mark}=${target}`])
            expect(verify({ ...sign(), target: path, headers: headers.flat() }, keys, at).kind).toBe(
              'refused',
            )
        },
      ),
      { numRuns: 1000 },
    )
  })

  test('keys named like properties of every object are unknown', () => {
    for (const name of ['__proto__', 'constructor', 'toString']) {
      const request = sign()
      const headers = request.headers.map((line) => line.replace(`Credential=${id}`, `Credential=${name}`))
      expect(outcome({ ...request, headers })).toBe('unknown-key')
    }
  })
})

test('OSS V1 signs x-oss- headers sorted by name, not by whole line', () => {
  const date = 'Fri, 02 Jan 2026 03:04:05 GMT'
  // "x-oss-meta-a-b:2" sorts before "x-oss-meta-a:1" as text, since "-" sorts before ":".
  const headers = ['Date', date, 'x-oss-meta-a-b', '2', 'x-oss-meta-a', '1']
  const text = `GET\n\n\n${date}\nx-oss-meta-a:1\nx-oss-meta-a-b:2\n/photos/?cors`
  const signature = createHmac('sha1', secret).update(text).digest('base64')
  const request: SignedRequest = {
    ...sign({ method: 'GET' }),
    target: '/photos/?cors',
    headers: ['Host', 'store.test:9000', ...headers, 'Authorization', `OSS ${id}:${signature}`],
  }
  expect(verify(request, keys, at)).toMatchObject({ kind: 'verified' })
})
