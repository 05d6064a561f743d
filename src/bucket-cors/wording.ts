import type { BodyDigest, Refusal } from '../auth/verification.ts'
import type { BucketCorsWords, ErrorFields, StoreError } from '../dialect/dialect.ts'
import { tooSkewed } from '../dialect/shared-words.ts'
import type { Finding } from '../plan/finding.ts'

/** An error with further elements for its body. */
export interface ApiError extends StoreError {
  readonly fields?: ErrorFields
}

const error = (status: number, code: string, message: string): ApiError => ({ status, code, message })

/** Wording by vendor: S3 "Error responses", COS 436/7730, OSS "Error codes". */
export function refusalError(why: Refusal, words: BucketCorsWords): ApiError {
  switch (why) {
    case 'unsigned':
      return error(403, 'AccessDenied', words.unsigned)
    case 'unsupported':
      return error(400, 'InvalidArgument', 'Unsupported Authorization Type')
    case 'two-credentials':
      return error(
        400,
        'InvalidArgument',
        'Only one auth mechanism allowed, once: Authorization or a signed query.',
      )
    case 'malformed':
      return words.malformedAuthorization
    case 'not-covered':
      return error(403, 'AccessDenied', 'The signature must cover Host, the date and the cors parameter.')
    case 'unknown-key':
      return error(403, 'InvalidAccessKeyId', words.unknownKey)
    case 'skewed':
      return tooSkewed
    case 'expired':
      // COS's SDKs recognise this text: they set their clock by our Date header and retry.
      return error(403, 'AccessDenied', 'Request has expired')
    case 'not-yet-valid':
      return words.notYetValid
    case 'wrong-signature':
      return error(403, 'SignatureDoesNotMatch', words.wrongSignature)
    case 'invalid-digest':
      return error(400, 'InvalidDigest', 'The Content-MD5 or SHA-256 you specified is not valid.')
    case 'bucket-not-allowed':
      return error(403, 'AccessDenied', 'This access key is not allowed to use the CORS API of this bucket.')
    case 'bucket-not-named':
      return error(
        403,
        'AccessDenied',
        'The signature does not cover the bucket name, so the access key must list this bucket under buckets.',
      )
  }
}

/** The body does not match a digest in the request. */
export function digestError({ algorithm }: BodyDigest, words: BucketCorsWords): ApiError {
  if (algorithm === 'md5')
    return error(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.')
  return words.sha256Mismatch
}

export const entityTooLarge = (limit: number): ApiError =>
  error(400, 'EntityTooLarge', `Your CORS configuration exceeds the maximum allowed size of ${limit} bytes.`)

export const requestTimeout: ApiError = error(
  400,
  'RequestTimeout',
  'Your socket connection to the server was not read from or written to within the timeout period.',
)

/** The bucket has no rules of its own. */
export function noConfiguration(bucket: string, words: BucketCorsWords): ApiError {
  return {
    ...error(404, 'NoSuchCORSConfiguration', words.notConfigured),
    fields: [['BucketName', bucket]],
  }
}

/** The store says that it has no such bucket. */
export const noSuchBucket = (bucket: string, words: BucketCorsWords): ApiError => ({
  ...error(404, 'NoSuchBucket', words.noSuchBucket),
  fields: [['BucketName', bucket]],
})

/** The directory could not be written, so the old rules stay. `code` is the system's error code. */
export const notWritten = (code: string): ApiError =>
  error(
    503,
    'ServiceUnavailable',
    `The rules could not be changed (${code}); the old rules are still active.`,
  )

/** The change is made, but a power failure may undo it. `code` is the system's error code. */
export const notFlushed = (code: string): ApiError =>
  error(
    503,
    'ServiceUnavailable',
    `The rules were changed, but the disk did not confirm it (${code}). Please try again.`,
  )

/** The files are written but not live yet. The log says why. */
export const notLive: ApiError = error(
  503,
  'ServiceUnavailable',
  'The change was stored but is not active yet. Please try again.',
)

export const credentialsUnusable: ApiError = error(
  503,
  'ServiceUnavailable',
  'The access keys cannot be read at the moment. Please try again later.',
)

/** A file that this API does not rewrite, and why. */
export const conflict = (reason: string): ApiError => error(409, 'InvalidBucketState', reason)

/** Codes of values that are well-formed but that we do not store in this dialect. */
const invalidValue = /^(?:method|origin|header|expose|id)-|^too-many-rules$/

/** A configuration that cannot be stored. `finding` is the error that `check` would report. */
export function configurationError({ code, message }: Finding, words: BucketCorsWords): ApiError {
  if (code === 'test-failed')
    return conflict(`The rules fail the tests in this bucket's rule file: ${message}`)
  if (code === 'file-too-large')
    return error(400, 'EntityTooLarge', `Your CORS configuration is too large: ${message}`)
  // `no-rules`, or a key missing outside any rule: the document has no rules.
  if (code === 'no-rules' || (code === 'missing-key' && !message.startsWith('rule ')))
    return malformed('CORSRule is required', words, 'no-rules')
  if (code === 'too-many-rules' && words.tooManyRules !== undefined)
    return { ...words.tooManyRules, fields: words.fieldsFor(code) }
  if (!invalidValue.test(code))
    return malformed(message, words, message.startsWith('ResponseVary') ? 'response-vary' : code)
  // S3 ends this sentence with a period.
  const sentence = code.endsWith('-more-than-one-wildcard') ? `${message}.` : message
  return { ...error(400, 'InvalidRequest', sentence), fields: words.fieldsFor(code) }
}

/** The reason goes into an element of its own: SDKs ignore it, and a person who reads the response finds it. */
const malformed = (reason: string, words: BucketCorsWords, cause: string): ApiError => ({
  ...error(400, 'MalformedXML', words.malformedXml),
  fields: [['Reason', reason], ...words.fieldsFor(cause)],
})
