import { vendorMatching } from '../cors/rule.ts'
import { createRequestIds, hex, type VendorDialect, xmlResponse } from './dialect.ts'
import { badSha256, malformedArgument, notValidYet, signatureDoesNotMatch } from './shared-words.ts'
import { escapeXml } from './xml.ts'

/** The text of COS with a final period (OSS developer reference, "cors-options"). */
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec."

const originVary = { matched: ['Origin'], other: ['Origin'] } as const
const noVary = { matched: [], other: [] } as const

/** EC values that the error pages 0034-* document; OSS calls them not stable, so no others are made up. */
const errorCodes: Readonly<Record<string, string>> = { NoSuchCORSConfiguration: '0034-00000001' }

/** The same by what is wrong with a configuration. */
const errorCodesOfFindings: Readonly<Record<string, string>> = {
  'no-rules': '0034-00000002',
  'method-unsupported': '0034-00000011',
}

const upperCase = (text: string): string => text.toUpperCase()

const requestId = createRequestIds(
  ({ unixSeconds, node }, rest) => upperCase(hex(unixSeconds, 8) + hex(node, 8) + hex(rest, 5)),
  upperCase,
)

/** Alibaba Cloud OSS: OptionObject, PutBucketCors, "cors-options" in the developer reference. */
export const oss: VendorDialect = {
  name: 'oss',
  signature: (requestId) => ['Server', 'AliyunOSS', 'x-oss-request-id', requestId],
  // PutBucketCors (Feb 2026) says 20 rules; older pages say 10.
  limits: { rules: 20, bytes: 16_384 },
  // Credentials are never documented. Max-Age 0 when unset: the output printed on the ossutil page.
  style: { separator: ', ', allowHeaders: 'requested', credentials: 'never', maxAgeUnset: '0' },

  matching: vendorMatching,
  preflightStatus: 200,
  vary: (responseVary) => (responseVary ? originVary : noVary),

  requestId,

  refusal: () => ({ status: 403, code: 'AccessForbidden', message: notAllowed }),

  error({ status, code, message }, { requestId, host }, fields = []) {
    const own = errorCodes[code]
    const all = own === undefined ? fields : [...fields, ['EC', own] as const]
    const ec = all.find(([name]) => name === 'EC')?.[1]
    const elements: (readonly [string, string])[] = [
      ['Code', code],
      ['Message', message],
      ['RequestId', requestId],
      ['HostId', host],
      ...all,
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
    notConfigured: 'The CORS Configuration does not exist.',
    // No document says that these are refused.
    stores: new Set(['default-port', 'trailing-slash']),
    fieldsFor(code) {
      const ec = errorCodesOfFindings[code]
      return ec === undefined ? [] : [['EC', ec]]
    },
  },
}
