import { vendorMatching } from '../cors/rule.ts'
import { type RequestIdentity, type VendorDialect, xmlResponse } from './dialect.ts'
import { badSha256, malformedArgument, malformedXml, tooSkewed } from './shared-words.ts'
import { escapeXml } from './xml.ts'

/** As documented, including both misspellings (COS OPTIONS Object 436/8288, example 4). */
const notAllowed =
  "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Requet-Headers are not whitelisted by the resource's CORS spec"

const originVary = { matched: ['Origin'], other: ['Origin'] } as const
const noVary = { matched: [], other: [] } as const

/** Base64 of hex(unix seconds)_hex(node)_hex_hex, without padding: the form of COS's own request ids. */
const requestId = ({ unixSeconds, node, process: number, sequence }: RequestIdentity): string =>
  btoa([unixSeconds, node, number, sequence].map((part) => part.toString(16)).join('_'))

/** Tencent Cloud COS: OPTIONS Object (436/8288), PUT Bucket cors (8279), error responses (7730). */
export const cos: VendorDialect = {
  name: 'cos',
  signature: (requestId) => ['Server', 'tencent-cos', 'x-cos-request-id', requestId],
  limits: { rules: 100, bytes: 65_536 },
  style: { separator: ',', allowHeaders: 'rule', credentials: 'always', maxAgeUnset: undefined },

  matching: vendorMatching,
  refusesUnderscore: true,
  // Tencent COS, console guide, "Setting Cross-Origin Access".
  form: {
    refuses: new Set([
      'header-underscore',
      'maxage-zero',
      'origin-pattern-without-scheme',
      'origin-without-scheme',
    ]),
    requiresMaxAge: true,
  },
  preflightStatus: 200,
  vary: (responseVary) => (responseVary ? originVary : noVary),

  requestId,

  // COS documents a single refusal, so it is used here for every cause, including a missing Origin.
  refusal: () => ({ status: 403, code: 'AccessForbidden', message: notAllowed }),

  error({ status, code, message }, { identity, requestId, host, path }, fields = []) {
    const traceId = btoa(identity.randomHex(128))
    // COS's SDKs cannot read Date in a browser. They set their clock by ServerTime and retry.
    const isAboutCaller = status === 403 && code !== 'AccessForbidden'
    const time = isAboutCaller ? [['ServerTime', identity.isoTime(identity.unixSeconds)] as const] : []
    const elements: (readonly [string, string])[] = [
      ['Code', code],
      ['Message', message],
      ...fields,
      ...time,
      ['Resource', host + path],
      ['RequestId', requestId],
      ['TraceId', traceId],
    ]
    const lines = elements.map(([name, text]) => `\t<${name}>${escapeXml(text)}</${name}>\n`).join('')
    return xmlResponse(
      status,
      ['Server', 'tencent-cos', 'x-cos-request-id', requestId, 'x-cos-trace-id', traceId],
      `<?xml version='1.0' encoding='utf-8' ?>\n<Error>\n${lines}</Error>`,
    )
  },

  bucketCors: {
    // GET Bucket cors (436/8274), sample response.
    layout: {
      declaration: "<?xml version='1.0' encoding='utf-8' ?>\n",
      attributes: '',
      indent: '\t',
      responseVary: 'when-set',
    },
    unsigned: 'Access Denied.',
    unknownKey: 'The Access Key Id you provided does not exist in our records',
    wrongSignature: 'The Signature you specified is invalid.',
    malformedAuthorization: malformedArgument,
    notYetValid: tooSkewed,
    sha256Mismatch: badSha256,
    noSuchBucket: 'The specified bucket does not exist.',
    malformedXml,
    tooManyRules: undefined,
    notConfigured: 'The CORS configuration does not exist',
    // No document says that COS rejects these.
    stores: new Set(['default-port', 'trailing-slash']),
    fieldsFor: () => [],
  },
}
