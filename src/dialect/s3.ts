import { vendorMatching } from '../cors/rule.ts'
import {
  createRequestIds,
  type Dialect,
  hex,
  lenientForm,
  type RefusedPreflight,
  type StoreError,
  type VendorDialect,
  xmlResponse,
} from './dialect.ts'
import { malformedArgument, malformedXml, notValidYet, signatureDoesNotMatch } from './shared-words.ts'
import { escapeXml } from './xml.ts'

/** As recorded from the service, including the misspelling (localstack test_s3_cors.snapshot.json). */
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec."

const requestVary = ['Origin', 'Access-Control-Request-Headers', 'Access-Control-Request-Method'] as const

const badRequest = (message: string): StoreError => ({ status: 400, code: 'BadRequest', message })
const forbidden = (message: string, method: string, type: 'BUCKET' | 'OBJECT') => ({
  status: 403,
  code: 'AccessForbidden',
  message,
  fields: [
    ['Method', method],
    ['ResourceType', type],
  ] as const,
})

/** Limits what a message quotes from a request. */
const quoted = (value: string): string => (value.length > 128 ? `${value.slice(0, 128)}…` : value)

const upperCase = (text: string): string => text.toUpperCase()

const requestId = createRequestIds(({ node }, rest) => upperCase(hex(node, 8) + hex(rest, 5)), upperCase)

/** AWS S3: recorded responses; PutBucketCors; user guide, "ManageCorsUsing". */
export const s3: VendorDialect = {
  name: 's3',
  signature: (requestId) => ['Server', 'AmazonS3', 'x-amz-request-id', requestId],
  limits: { rules: 100, bytes: 65_536 },
  style: { separator: ', ', allowHeaders: 'requested', credentials: 'always', maxAgeUnset: undefined },

  // Recorded (localstack test_s3_cors.py, test_cors_match_methods); ceph/s3-tests and minio-go expect the same.
  matching: { ...vendorMatching, actualMethod: 'requested' },
  refusesUnderscore: false,
  form: lenientForm,
  preflightStatus: 200,
  vary: () => ({ matched: requestVary, other: [] }),

  requestId,

  refusal,

  error({ status, code, message }, { identity, requestId }, fields = []) {
    const hostId = btoa(identity.randomHex(56))
    const elements: (readonly [string, string])[] = [
      ['Code', code],
      ['Message', message],
      ...fields,
      ['RequestId', requestId],
      ['HostId', hostId],
    ]
    const body = elements.map(([name, text]) => `<${name}>${escapeXml(text)}</${name}>`).join('')
    return xmlResponse(
      status,
      ['Server', 'AmazonS3', 'x-amz-request-id', requestId, 'x-amz-id-2', hostId],
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error>${body}</Error>`,
    )
  },

  bucketCors: {
    layout: {
      declaration: '<?xml version="1.0" encoding="UTF-8"?>\n',
      attributes: ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"',
      indent: '',
      responseVary: 'never',
    },
    unsigned: 'Access Denied',
    unknownKey: 'The AWS Access Key Id you provided does not exist in our records.',
    wrongSignature: signatureDoesNotMatch,
    malformedAuthorization: { ...malformedArgument, code: 'AuthorizationHeaderMalformed' },
    notYetValid: notValidYet,
    sha256Mismatch: {
      status: 400,
      code: 'XAmzContentSHA256Mismatch',
      message: "The provided 'x-amz-content-sha256' header does not match what was computed.",
    },
    noSuchBucket: 'The specified bucket does not exist',
    // As recorded: S3 omits the final period.
    malformedXml: malformedXml.slice(0, -1),
    tooManyRules: undefined,
    notConfigured: 'The CORS configuration does not exist',
    // minio-go testCors and versitygw's suite, both written to run against AWS.
    stores: new Set(['default-port', 'trailing-slash', 'upper-case', 'negative-max-age']),
    fieldsFor: () => [],
  },
}

/** Checks in the recorded order: Origin, the bucket, its configuration, the method, the header names. */
function refusal({
  deny,
  bucket,
  onBucket,
  requestedMethod,
}: RefusedPreflight): ReturnType<Dialect['refusal']> {
  const malformed = deny.malformed
  if (malformed?.what === 'origin-missing')
    return badRequest('Insufficient information. Origin request header needed.')
  const method = requestedMethod === undefined || requestedMethod === '' ? 'OPTIONS' : quoted(requestedMethod)
  if (bucket === 'none') return forbidden('CORSResponse: Bucket not found', method, 'BUCKET')
  if (bucket === 'unconfigured')
    return forbidden('CORSResponse: CORS is not enabled for this bucket.', method, 'BUCKET')
  switch (malformed?.what) {
    case 'method-missing':
      return badRequest('Invalid Access-Control-Request-Method: null')
    case 'method-invalid':
      return badRequest(`Invalid Access-Control-Request-Method: ${quoted(malformed.value)}`)
    case 'header-invalid':
      return badRequest(
        `Access-Control-Request-Headers "${quoted(malformed.value)}" contains invalid character.`,
      )
    default:
      return forbidden(notAllowed, method, onBucket ? 'BUCKET' : 'OBJECT')
  }
}
