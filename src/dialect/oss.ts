import { vendorMatching } from '../cors/rule.ts'
import {
  createRequestIds,
  type Dialect,
  hex,
  lenientForm,
  type RefusedPreflight,
  type VendorDialect,
  xmlResponse,
} from './dialect.ts'
import {
  badSha256,
  malformedArgument,
  malformedXml,
  notValidYet,
  signatureDoesNotMatch,
  tooSkewed,
} from './shared-words.ts'
import { escapeXml } from './xml.ts'

/** The text of COS plus a final period (OSS developer reference, "cors-options"). */
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec."

const originVary = { matched: ['Origin'], other: ['Origin'] } as const
const noVary = { matched: [], other: [] } as const

/** EC values from OSS's error pages and its guides to CORS errors. OSS says that they may change. */
const errorCodes: Readonly<Record<string, string>> = {
  NoSuchCORSConfiguration: '0034-00000001',
  NoSuchBucket: '0015-00000101',
}

/** EC values by the code of the finding. */
const errorCodesOfFindings: Readonly<Record<string, string>> = {
  'no-rules': '0034-00000002',
  'response-vary': '0034-00000004',
  'too-many-rules': '0034-00000006',
  origin: '0034-00000009',
  'method-unsupported': '0034-00000011',
  'expose-wildcard': '0034-00000013',
}

const upperCase = (text: string): string => text.toUpperCase()

const requestId = createRequestIds(
  ({ unixSeconds, node }, rest) => upperCase(hex(unixSeconds, 8) + hex(node, 8) + hex(rest, 5)),
  upperCase,
)

/** Alibaba Cloud OSS: OptionObject, PutBucketCors, "cors-options" in the developer reference. */
export const oss: VendorDialect = {
  name: 'oss',
  signature: (requestId) => [
    ...['Server', 'AliyunOSS', 'x-oss-request-id', requestId],
    ...['x-oss-server-time', '0'],
  ],
  // PutBucketCors (Feb 2026) says 20 rules; older pages say 10.
  limits: { rules: 20, bytes: 16_384 },
  // OSS documents no Allow-Credentials. Max-Age 0 when unset: see the output on the ossutil page.
  style: { separator: ', ', allowHeaders: 'requested', credentials: 'never', maxAgeUnset: '0' },

  matching: vendorMatching,
  refusesUnderscore: false,
  form: lenientForm,
  preflightStatus: 200,
  vary: (responseVary) => (responseVary ? originVary : noVary),

  requestId,

  refusal,

  error({ status, code, message }, { identity, requestId, host }, fields = []) {
    const ec = fields.find(([name]) => name === 'EC')?.[1] ?? errorCodes[code]
    const elements: (readonly [string, string])[] = [
      ['Code', code],
      ['Message', message],
      ['RequestId', requestId],
      ['HostId', host],
      ...fields.filter(([name]) => name !== 'EC'),
      // ali-oss sets its clock by ServerTime and retries.
      ...(code === tooSkewed.code
        ? [['ServerTime', identity.isoTime(identity.unixSeconds)] as const, maxAllowedSkew]
        : []),
      ...(ec === undefined
        ? []
        : [['EC', ec] as const, ['RecommendDoc', `https://api.aliyun.com/troubleshoot?q=${ec}`] as const]),
    ]
    const lines = elements.map(([name, text]) => `  <${name}>${escapeXml(text)}</${name}>\n`).join('')
    return xmlResponse(
      status,
      [
        ...['Server', 'AliyunOSS', 'x-oss-request-id', requestId, 'x-oss-server-time', '0'],
        ...(ec === undefined ? [] : ['x-oss-ec', ec]),
      ],
      `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n${lines}</Error>\n`,
    )
  },

  bucketCors: {
    // GetBucketCors, sample response.
    layout: {
      declaration: '<?xml version="1.0" encoding="UTF-8"?>\n',
      attributes: '',
      indent: '  ',
      responseVary: 'always',
    },
    unsigned: 'Anonymous access is forbidden for this operation.',
    unknownKey: 'The OSS Access Key Id you provided does not exist in our records.',
    wrongSignature: signatureDoesNotMatch,
    malformedAuthorization: malformedArgument,
    notYetValid: notValidYet,
    sha256Mismatch: badSha256,
    noSuchBucket: 'The specified bucket does not exist.',
    malformedXml,
    tooManyRules: { status: 400, code: 'CORSRuleBeyondLimit', message: 'The CORS Rules num is beyond limit' },
    notConfigured: 'The CORS Configuration does not exist.',
    // No document says that OSS rejects these.
    stores: new Set(['default-port', 'trailing-slash']),
    fieldsFor(cause) {
      const ec = errorCodesOfFindings[cause.startsWith('origin-') ? 'origin' : cause]
      return ec === undefined ? [] : [['EC', ec]]
    },
  },
}

const maxAllowedSkew = ['MaxAllowedSkewMilliseconds', '900000'] as const

/**
 * HTTP 400 errors (Dec 2025), and the two ECs of a refused preflight: without rules, and with rules that do not
 * match.
 */
function refusal({ deny, bucket, requestedMethod = '' }: RefusedPreflight): ReturnType<Dialect['refusal']> {
  if (deny.malformed?.what === 'origin-missing')
    return insufficient('Origin request header needed.', '0034-00000101')
  if (requestedMethod === '')
    return insufficient('Request Access-Control-Request-Method header needed.', '0034-00000102')
  const ec = bucket === 'configured' ? '0003-00000602' : '0003-00000601'
  return { status: 403, code: 'AccessForbidden', message: notAllowed, fields: [['EC', ec]] }
}

const insufficient = (what: string, ec: string): ReturnType<Dialect['refusal']> => ({
  status: 400,
  code: 'BadRequest',
  message: `Insufficient information. ${what}`,
  fields: [['EC', ec]],
})
