import type { BodyDigest, Refusal } from '../auth/verdict.ts'
import type { DialectName } from '../cors/rule.ts'
import type { StoreError } from '../dialect/dialect.ts'
import type { Finding } from '../plan/finding.ts'

/** An error with what stands beside code and message in its body. */
export interface ApiError extends StoreError {
  readonly fields?: readonly (readonly [string, string])[]
}

type Words = Readonly<Record<DialectName, string>>

const error = (status: number, code: string, message: string): ApiError => ({ status, code, message })

/** How a refusal is worded (S3 "Error responses", COS 436/7730, OSS "Error codes"). */
export function refusalError(why: Refusal, dialect: DialectName): ApiError {
  switch (why) {
    case 'unsigned':
      return error(403, 'AccessDenied', unsigned[dialect])
    case 'unsupported':
      return error(400, 'InvalidArgument', 'Unsupported Authorization Type')
    case 'two-credentials':
      return error(
        400,
        'InvalidArgument',
        'Only one auth mechanism allowed, once: Authorization or a signed query.',
      )
    case 'malformed':
      return dialect === 's3'
        ? error(400, 'AuthorizationHeaderMalformed', 'The authorization that you provided is not valid.')
        : error(400, 'InvalidArgument', 'The authorization that you provided is not valid.')
    case 'not-covered':
      return error(403, 'AccessDenied', 'The signature must cover Host, the date and the cors parameter.')
    case 'unknown-key':
      return error(403, 'InvalidAccessKeyId', unknownKey[dialect])
    case 'skewed':
      return error(403, 'RequestTimeTooSkewed', tooSkewed)
    case 'expired':
      // The SDKs of COS know these words: they set their clock by our Date and try again.
      return error(403, 'AccessDenied', 'Request has expired')
    case 'not-yet-valid':
      return dialect === 'cos'
        ? error(403, 'RequestTimeTooSkewed', tooSkewed)
        : error(403, 'AccessDenied', 'Request is not valid yet')
    case 'wrong-signature':
      return error(403, 'SignatureDoesNotMatch', wrongSignature[dialect])
    case 'invalid-digest':
      return error(400, 'InvalidDigest', 'The Content-MD5 or SHA-256 you specified is not valid.')
    case 'bucket-not-allowed':
      return error(403, 'AccessDenied', 'This access key is not allowed to use the CORS API of this bucket.')
    case 'bucket-not-named':
      return error(
        403,
        'AccessDenied',
        'The signature does not cover the name of the bucket: it is accepted only for an access key whose buckets name it.',
      )
  }
}

const unsigned: Words = {
  cos: 'Access Denied.',
  oss: 'Anonymous access is forbidden for this operation.',
  s3: 'Access Denied',
}

const unknownKey: Words = {
  cos: 'The Access Key Id you provided does not exist in our records',
  oss: 'The OSS Access Key Id you provided does not exist in our records.',
  s3: 'The AWS Access Key Id you provided does not exist in our records.',
}

const doesNotMatch =
  'The request signature we calculated does not match the signature you provided. Check your key and signing method.'

const wrongSignature: Words = {
  cos: 'The Signature you specified is invalid.',
  oss: doesNotMatch,
  s3: doesNotMatch,
}

const tooSkewed = 'The difference between the request time and the current time is too large.'

/** The body is not the one whose digest the request states. */
export function digestError({ algorithm }: BodyDigest, dialect: DialectName): ApiError {
  if (algorithm === 'md5')
    return error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  return dialect === 's3'
    ? error(
        400,
        'XAmzContentSHA256Mismatch',
        "The provided 'x-amz-content-sha256' header does not match what was computed.",
      )
    : error(400, 'BadDigest', 'The SHA-256 you specified did not match what we received.')
}

export const entityTooLarge = (limit: number): ApiError =>
  error(400, 'EntityTooLarge', `Your CORS configuration exceeds the maximum allowed size of ${limit} bytes.`)

export const requestTimeout: ApiError = error(
  400,
  'RequestTimeout',
  'Your socket connection to the server was not read from or written to within the timeout period.',
)

/** The bucket has no rules of its own. */
export function noConfiguration(bucket: string, dialect: DialectName): ApiError {
  return {
    ...error(404, 'NoSuchCORSConfiguration', notConfigured[dialect]),
    fields: [['BucketName', bucket]],
  }
}

const notConfigured: Words = {
  cos: 'The CORS configuration does not exist',
  oss: 'The CORS Configuration does not exist.',
  s3: 'The CORS configuration does not exist',
}

/** A change that the directory does not take: the old rules stay. `code` is that of the system's error. */
export const notWritten = (code: string): ApiError =>
  error(
    503,
    'ServiceUnavailable',
    `The rules could not be stored (${code}); the old ones are still in force.`,
  )

/** What the directory says is not what is served yet; why is in the log. */
export const notInForce: ApiError = error(
  503,
  'ServiceUnavailable',
  'The stored rules could not be put into force yet. Please try again.',
)

export const credentialsUnusable: ApiError = error(
  503,
  'ServiceUnavailable',
  'The access keys cannot be read at the moment. Please try again later.',
)

/** A file that this API does not rewrite, and why. */
export const conflict = (reason: string): ApiError => error(409, 'InvalidBucketState', reason)

/** The same words at all three vendors. */
const malformedXml =
  'The XML you provided was not well-formed or did not validate against our published schema'

/** Values that are well-formed, and that no vendor stores. */
const invalidValue = /^(?:method|origin|header|expose|id)-|^too-many-rules$/

/** A configuration that cannot be stored: `finding` is the error that `check` would tell of it. */
export function configurationError({ code, message }: Finding, dialect: DialectName): ApiError {
  if (code === 'test-failed')
    return conflict(`The rules do not pass the tests that stand in the file of this bucket: ${message}`)
  if (code === 'file-too-large')
    return error(400, 'EntityTooLarge', `Your CORS configuration is too large: ${message}`)
  // Of what a document can lack, only its rules stand in none of its rules.
  if (code === 'no-rules' || (code === 'missing-key' && !message.startsWith('rule ')))
    return malformed('CORSRule is required', dialect, '0034-00000002')
  if (code === 'method-unsupported')
    return { ...error(400, 'InvalidRequest', message), fields: ossCode(dialect, '0034-00000011') }
  // S3 ends the sentence.
  if (code.endsWith('-more-than-one-wildcard')) return error(400, 'InvalidRequest', `${message}.`)
  return invalidValue.test(code) ? error(400, 'InvalidRequest', message) : malformed(message, dialect)
}

const malformed = (reason: string, dialect: DialectName, ec?: string): ApiError => ({
  ...error(400, 'MalformedXML', `${malformedXml}: ${reason}`),
  fields: ossCode(dialect, ec),
})

/** The EC element, where the error pages 0034-* of OSS document one. */
const ossCode = (dialect: DialectName, ec: string | undefined): readonly (readonly [string, string])[] =>
  dialect === 'oss' && ec !== undefined ? [['EC', ec]] : []
