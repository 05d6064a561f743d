import { describe, expect, test } from 'vitest'
import * as cos from '../../src/auth/cos.ts'
import { hmacSha1, hmacSha256, sha1Hex, sha256Hex } from '../../src/auth/digest.ts'
import * as ossV1 from '../../src/auth/oss-v1.ts'
import * as ossV4 from '../../src/auth/oss-v4.ts'
import type { SignedRequest } from '../../src/auth/request-parts.ts'
import * as v4 from '../../src/auth/v4.ts'
import type { AccessKeys } from '../../src/auth/verification.ts'
import { verify } from '../../src/auth/verify.ts'
import vectors from '../fixtures/signatures.json' with { type: 'json' }

/** The demonstration key in the COS documentation. */
const cosKey = { id: 'AKIDQjz3ltompVjBni5LitkWHFlFpwkn9U5q', secret: 'BQYIM75p8x0iWVFSIgqEKwFprpRSVHlz' }
const keys = (id: string, secret: string): AccessKeys => new Map([[id, { id, secret, buckets: undefined }]])

interface Vector {
  readonly id: string
  readonly signKey?: string
  readonly httpString?: string
  readonly sha1HttpString?: string
  readonly stringToSign: string
  readonly signature?: string
  readonly headerList?: string
  readonly urlParamList?: string
  readonly authorization?: string
  readonly canonicalRequest?: string
}
const vector = (id: string): Vector => {
  const found = (vectors as readonly Vector[]).find((row) => row.id === id)
  if (found === undefined) throw new Error(id)
  return found
}
/** UTF-8 bytes as one character each, like received header lines and targets. */
const bytes = (text: string): string => Buffer.from(text, 'utf8').toString('latin1')

describe('COS, every published step', () => {
  test.each((vectors as readonly Vector[]).filter(({ id }) => id.startsWith('cos')))('$id', (row) => {
    const keyTime = row.stringToSign.split('\n')[1] ?? ''
    expect(cos.signKey(cosKey.secret, keyTime)).toBe(row.signKey)
    const text = bytes(row.httpString ?? '')
    expect(sha1Hex(text)).toBe(row.sha1HttpString)
    expect(cos.stringToSign(keyTime, text)).toBe(row.stringToSign)
    expect(cos.signature(row.signKey ?? '', row.stringToSign)).toBe(row.signature)
  })

  test.each([
    'cos-sig-put',
    'cos-sig-get',
    'cos-sig-getcors',
    'cos-sig-putcors',
  ])('%s verifies as a request', (id) => {
    const { request, unixSeconds } = cosRequest(vector(id))
    const verdict = verify(request, keys(cosKey.id, cosKey.secret), unixSeconds)
    expect(verdict).toMatchObject({ kind: 'verified', accessKeyId: cosKey.id })
  })
})

function cosRequest(row: Vector): { request: SignedRequest; unixSeconds: number } {
  const [method = '', path = '', parameters = '', headers = ''] = (row.httpString ?? '').split('\n')
  const keyTime = row.stringToSign.split('\n')[1] ?? ''
  const authorization = [
    'q-sign-algorithm=sha1',
    `q-ak=${cosKey.id}`,
    `q-sign-time=${keyTime}`,
    `q-key-time=${keyTime}`,
    `q-header-list=${row.headerList}`,
    `q-url-param-list=${row.urlParamList}`,
    `q-signature=${row.signature}`,
  ].join('&')
  const lines = headers.split('&').flatMap((pair) => pair.split('=').map(decodeURIComponent))
  return {
    unixSeconds: Number(keyTime.split(';')[0]),
    request: {
      method: method.toUpperCase(),
      target: encodeURI(path) + (parameters === '' ? '' : `?${parameters}`),
      headers: [...lines, 'Authorization', authorization],
      bucket: 'examplebucket-1250000000',
      byHost: true,
      operation: row.urlParamList === '' ? undefined : row.urlParamList?.split(';')[0],
      hasBody: method === 'put',
      bodySha256: undefined,
    },
  }
}

test('a COS signature that does not cover ?cors does not authorise it', () => {
  const { request, unixSeconds } = cosRequest(vector('cos-sig-put'))
  const call = { ...request, operation: 'cors', target: `${request.target}?cors` }
  const verdict = verify(call, keys(cosKey.id, cosKey.secret), unixSeconds)
  expect(verdict).toEqual({ kind: 'refused', why: 'not-covered' })
})

describe('OSS V1', () => {
  const row = vector('oss-sig-v1')
  const signature = row.authorization?.split(':')[1] ?? ''

  test('the published string to sign has the published signature', () => {
    expect(hmacSha1('SK', row.stringToSign).toString('base64')).toBe(signature)
  })

  test('the step yields the published string to sign', () => {
    const [method = '', md5 = '', type = '', date = '', ossDate = ''] = row.stringToSign.split('\n')
    const resource = ossV1.canonicalizedResource('/examplebucket/', [{ name: 'cors', value: '' }])
    expect(ossV1.stringToSign(method, md5, type, date, `${ossDate}\n`, resource)).toBe(row.stringToSign)
  })

  test.each([
    ['sorts the sub-resources', 'uploads&acl&cors', '/b/?acl&cors&uploads'],
    [
      'signs decoded values',
      'response-content-type=text/plain; q&cors',
      '/b/?cors&response-content-type=text/plain; q',
    ],
    ['leaves out what is no sub-resource', 'prefix=a&cors&max-keys=2', '/b/?cors'],
    ['signs everything that starts with x-oss-', 'x-oss-anything=1&cors', '/b/?cors&x-oss-anything=1'],
    ['does not take another case for a sub-resource', 'CORS&cors', '/b/?cors'],
  ])('the canonicalized resource %s', (_, query, expected) => {
    const parameters = query.split('&').map((field) => {
      const [name = '', value = ''] = field.split('=')
      return { name, value }
    })
    expect(ossV1.canonicalizedResource('/b/', parameters)).toBe(expected)
  })
})

describe('OSS V4', () => {
  const row = vector('oss-sig-v4')

  test('each step gives the published value', () => {
    expect(row.canonicalRequest).toBe(
      v4.canonicalRequest(
        'PUT',
        ossV4.canonicalUri('examplebucket', ''),
        ossV4.canonicalQueryString([{ name: 'cors', value: '' }]),
        'content-md5:8alqrbXMPQqTnk2/Sr7qJw==\ncontent-type:application/xml\n' +
          'x-oss-content-sha256:UNSIGNED-PAYLOAD\nx-oss-date:20250101T000000Z\n',
        [],
        'UNSIGNED-PAYLOAD',
      ),
    )
    const scope = { timestamp: '20250101T000000Z', date: '20250101', region: 'cn-hangzhou' }
    const text = v4.stringToSign(ossV4.names, scope, row.canonicalRequest ?? '')
    expect(text).toBe(row.stringToSign)
    const key = v4.signingKey(ossV4.names, scope, 'SK')
    expect(hmacSha256(key, text).toString('hex')).toBe(row.signature)
  })

  test('the published request verifies, with the bucket in Host and in the path', () => {
    const headers = [
      'content-md5',
      '8alqrbXMPQqTnk2/Sr7qJw==',
      'content-type',
      'application/xml',
      'x-oss-content-sha256',
      'UNSIGNED-PAYLOAD',
      'x-oss-date',
      '20250101T000000Z',
      'Authorization',
      row.authorization ?? '',
    ]
    const inHost: SignedRequest = {
      method: 'PUT',
      target: '/?cors',
      headers: [...headers, 'Host', 'examplebucket.oss-cn-hangzhou.aliyuncs.com'],
      bucket: 'examplebucket',
      byHost: true,
      operation: 'cors',
      hasBody: true,
      bodySha256: undefined,
    }
    const at = Date.UTC(2025, 0, 1) / 1000
    expect(verify(inHost, keys('AK', 'SK'), at)).toMatchObject({ kind: 'verified' })
    for (const target of ['/examplebucket?cors', '/examplebucket/?cors='])
      expect(verify({ ...inHost, target, byHost: false }, keys('AK', 'SK'), at).kind).toBe('verified')
    expect(verify({ ...inHost, bucket: 'otherbucket' }, keys('AK', 'SK'), at).kind).toBe('refused')
  })
})

/** The worked examples of the S3 API reference, "Signature Calculations for the Authorization Header". */
describe('AWS SigV4', () => {
  const awsKeys = keys('AKIAIOSFODNN7EXAMPLE', 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY')
  const at = Date.UTC(2013, 4, 24) / 1000
  const scope = 'Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request'
  const signed = (list: string, signature: string): string =>
    `AWS4-HMAC-SHA256 ${scope},SignedHeaders=${list},Signature=${signature}`
  const emptyHash = sha256Hex('')
  const request = (method: string, target: string, headers: readonly string[]): SignedRequest => ({
    method,
    target,
    headers: ['Host', 'examplebucket.s3.amazonaws.com', ...headers],
    bucket: 'examplebucket',
    byHost: true,
    operation: 'cors',
    hasBody: method === 'PUT',
    bodySha256: undefined,
  })
  const dated = ['x-amz-date', '20130524T000000Z', 'x-amz-content-sha256', emptyHash]
  const examples: readonly (readonly [string, SignedRequest])[] = [
    [
      'GET object',
      request('GET', '/test.txt', [
        'Range',
        'bytes=0-9',
        ...dated,
        'Authorization',
        signed(
          'host;range;x-amz-content-sha256;x-amz-date',
          'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
        ),
      ]),
    ],
    [
      'PUT object, whose name has a dollar sign',
      request('PUT', '/test$file.text', [
        'Date',
        'Fri, 24 May 2013 00:00:00 GMT',
        'x-amz-date',
        '20130524T000000Z',
        'x-amz-storage-class',
        'REDUCED_REDUNDANCY',
        'x-amz-content-sha256',
        '44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072',
        'Authorization',
        signed(
          'date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class',
          '98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd',
        ),
      ]),
    ],
    [
      'GET bucket lifecycle',
      request('GET', '/?lifecycle', [
        ...dated,
        'Authorization',
        signed(
          'host;x-amz-content-sha256;x-amz-date',
          'fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543',
        ),
      ]),
    ],
    [
      'GET bucket (list objects)',
      request('GET', '/?max-keys=2&prefix=J', [
        ...dated,
        'Authorization',
        signed(
          'host;x-amz-content-sha256;x-amz-date',
          '34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7',
        ),
      ]),
    ],
    [
      'presigned GET object',
      request(
        'GET',
        '/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request' +
          '&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host' +
          '&X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404',
        [],
      ),
    ],
  ]
  test.each(examples)('%s verifies as printed', (_, example) => {
    expect(verify(example, awsKeys, at)).toMatchObject({ kind: 'verified' })
  })

  test.each(examples)('%s is refused with its target changed', (_, example) => {
    const target = example.target.replace(/[a-z]/, (letter) => (letter === 'x' ? 'y' : 'x'))
    expect(verify({ ...example, target }, awsKeys, at)).toMatchObject({ kind: 'refused' })
  })
})
