import { describe, expect, test } from 'vitest'
import type { Refusal } from '../../src/auth/verification.ts'
import {
  configurationError,
  digestError,
  noConfiguration,
  refusalError,
} from '../../src/bucket-cors/wording.ts'
import { cos } from '../../src/dialect/cos.ts'
import { isVendor } from '../../src/dialect/dialect.ts'
import { dialects } from '../../src/dialect/dialects.ts'
import { oss } from '../../src/dialect/oss.ts'
import { s3 } from '../../src/dialect/s3.ts'
import type { FindingCode } from '../../src/rule-file/lint/codes.ts'

const refusals: readonly (readonly [Refusal, number, string])[] = [
  ['unsigned', 403, 'AccessDenied'],
  ['unsupported', 400, 'InvalidArgument'],
  ['two-credentials', 400, 'InvalidArgument'],
  ['not-covered', 403, 'AccessDenied'],
  ['unknown-key', 403, 'InvalidAccessKeyId'],
  ['skewed', 403, 'RequestTimeTooSkewed'],
  ['expired', 403, 'AccessDenied'],
  ['wrong-signature', 403, 'SignatureDoesNotMatch'],
  ['invalid-digest', 400, 'InvalidDigest'],
  ['bucket-not-allowed', 403, 'AccessDenied'],
  ['bucket-not-named', 403, 'AccessDenied'],
]

describe.each(dialects.filter(isVendor))('$name', ({ name, bucketCors: words }) => {
  test.each(refusals)('%s is %i %s', (why, status, code) => {
    expect(refusalError(why, words)).toMatchObject({ status, code })
  })

  test('what is malformed and what is too early has the code of the vendor', () => {
    const codes: Readonly<Record<string, string>> = {
      cos: 'RequestTimeTooSkewed',
      oss: 'AccessDenied',
      s3: 'AccessDenied',
    }
    expect(refusalError('not-yet-valid', words)).toMatchObject({ status: 403, code: codes[name] })
    const malformed = name === 's3' ? 'AuthorizationHeaderMalformed' : 'InvalidArgument'
    expect(refusalError('malformed', words)).toMatchObject({ status: 400, code: malformed })
  })

  test('a missing configuration names the bucket', () => {
    expect(noConfiguration('photos', words)).toMatchObject({
      status: 404,
      code: 'NoSuchCORSConfiguration',
      fields: [['BucketName', 'photos']],
    })
  })

  test.each<readonly [FindingCode, string, number]>([
    ['method-unsupported', 'InvalidRequest', 400],
    ['origin-more-than-one-wildcard', 'InvalidRequest', 400],
    ['header-more-than-one-wildcard', 'InvalidRequest', 400],
    ['expose-wildcard', 'InvalidRequest', 400],
    ['no-rules', 'MalformedXML', 400],
    ['xml-syntax', 'MalformedXML', 400],
    ['file-too-large', 'EntityTooLarge', 400],
    ['test-failed', 'InvalidBucketState', 409],
  ])('the finding %s is %s', (code, expected, status) => {
    const finding = { file: 'cors.xml', line: 1, column: 1, severity: 'error', code, message: 'm' } as const
    const error = configurationError(finding, words)
    expect(error).toMatchObject({ status, code: expected })
    if (expected === 'MalformedXML') expect(error.fields?.[0]?.[0]).toBe('Reason')
    else expect(error.message).toContain('m')
  })

  test.each(['origin', 'header'] as const)('two wildcards in an %s give a complete sentence', (kind) => {
    const code = `${kind}-more-than-one-wildcard` as const
    const finding = { file: 'f', line: 1, column: 1, severity: 'error', code, message: 'A can not' } as const
    expect(configurationError(finding, words).message).toBe('A can not.')
  })

  test('a body that differs from its digest gets the error code of the vendor', () => {
    expect(digestError({ algorithm: 'md5', hex: '' }, words)).toMatchObject({
      status: 400,
      code: 'BadDigest',
    })
    const code = name === 's3' ? 'XAmzContentSHA256Mismatch' : 'BadDigest'
    expect(digestError({ algorithm: 'sha256', hex: '' }, words)).toMatchObject({ status: 400, code })
  })
})

test('the SDKs of COS correct their clock by the words for an expired signature', () => {
  expect(refusalError('expired', cos.bucketCors).message).toBe('Request has expired')
})

test('OSS sends its own EC codes with these errors', () => {
  const finding = (code: FindingCode) =>
    ({ file: 'f', line: 1, column: 1, severity: 'error', code, message: 'm' }) as const
  expect(configurationError(finding('no-rules'), oss.bucketCors).fields).toEqual([
    ['Reason', 'CORSRule is required'],
    ['EC', '0034-00000002'],
  ])
  expect(configurationError(finding('method-unsupported'), oss.bucketCors).fields).toEqual([
    ['EC', '0034-00000011'],
  ])
  expect(configurationError(finding('no-rules'), s3.bucketCors).fields).toEqual([
    ['Reason', 'CORSRule is required'],
  ])
})
