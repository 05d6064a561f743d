import { hmacSha1, sameSignature } from './digest.ts'
import {
  inByteOrder,
  objectName,
  type Parameter,
  type RequestParts,
  singleHeader,
  singleParameter,
} from './request-parts.ts'
import { readDateHeader } from './timestamp.ts'
import { type AccessKey, maxPresignedSeconds, type Refusal, type Validity } from './verification.ts'

/** The fields of an OSS V1 signature (developer reference, "Include V1 signatures in the header", "… in a URL"). */
export interface OssV1Credential {
  readonly scheme: 'oss-v1'
  readonly accessKeyId: string
  readonly signature: string
  /** The date line of StringToSign: the date header as sent, or the expiry of a signed URL in Unix seconds. */
  readonly date: string
  readonly validity: Validity
}

/** Reads `OSS KEY:SIGNATURE`. x-oss-date takes precedence over Date. */
export function readOssV1Header(authorization: string, parts: RequestParts): OssV1Credential | Refusal {
  const [, accessKeyId, signature] = /^OSS ([^: ]+):([^: ]+)$/.exec(authorization) ?? []
  const date = singleHeader(parts, parts.headers.has('x-oss-date') ? 'x-oss-date' : 'date')
  if (accessKeyId === undefined || signature === undefined || !isSignature(signature)) return 'malformed'
  if (date === undefined) return 'malformed'
  const unixSeconds = readDateHeader(date.trim())
  if (unixSeconds === undefined) return 'malformed'
  const validity: Validity = { kind: 'signed-at', unixSeconds }
  return { scheme: 'oss-v1', accessKeyId, signature, date: date.trim(), validity }
}

/**
 * Reads `OSSAccessKeyId`, `Expires` and `Signature` of a signed URL. A V1 URL does not contain its signing time, so an
 * expiry more than `maxPresignedSeconds` from now is refused, as no V4 URL is valid for longer.
 */
export function readOssV1Query(parts: RequestParts, unixSeconds: number): OssV1Credential | Refusal {
  const accessKeyId = singleParameter(parts, 'OSSAccessKeyId') ?? ''
  const signature = singleParameter(parts, 'Signature') ?? ''
  const expires = singleParameter(parts, 'Expires') ?? ''
  if (accessKeyId === '' || !isSignature(signature) || !/^[0-9]{1,10}$/.test(expires)) return 'malformed'
  const until = Number(expires)
  if (until > unixSeconds + maxPresignedSeconds) return 'malformed'
  const validity: Validity = { kind: 'window', from: 0, until }
  return { scheme: 'oss-v1', accessKeyId, signature, date: expires, validity }
}

const isSignature = (text: string): boolean => /^[A-Za-z0-9+/]{27}=$/.test(text)

/** Why the signature is invalid; `undefined` when it is valid. */
export function checkOssV1(
  parts: RequestParts,
  credential: OssV1Credential,
  key: AccessKey,
): Refusal | undefined {
  const object = objectName(parts)
  const ossHeaders = canonicalizedOssHeaders(parts)
  const md5 = optionalHeader(parts, 'content-md5')
  const type = optionalHeader(parts, 'content-type')
  if (object === undefined || ossHeaders === undefined || md5 === undefined || type === undefined)
    return 'malformed'
  const resource = canonicalizedResource(`/${parts.bucket}/${object}`, parts.parameters)
  const text = stringToSign(parts.method, md5, type, credential.date, ossHeaders, resource)
  return sameSignature(credential.signature, hmacSha1(key.secret, text).toString('base64'))
    ? undefined
    : 'wrong-signature'
}

/** Empty when absent; `undefined` when the header is repeated. */
const optionalHeader = (parts: RequestParts, name: string): string | undefined =>
  parts.headers.has(name) ? singleHeader(parts, name)?.trim() : ''

/** Step "CanonicalizedOSSHeaders": every x-oss- header, sorted by name; `undefined` when one is repeated. */
function canonicalizedOssHeaders(parts: RequestParts): string | undefined {
  const names = [...parts.headers.keys()].filter((name) => name.startsWith('x-oss-')).sort(inByteOrder)
  const lines: string[] = []
  for (const name of names) {
    const value = singleHeader(parts, name)
    if (value === undefined) return undefined
    lines.push(`${name}:${value.trim()}\n`)
  }
  return lines.join('')
}

/** Step "CanonicalizedResource": the resource and its signed sub-resources, sorted, values decoded. */
export function canonicalizedResource(resource: string, parameters: readonly Parameter[]): string {
  const signed = parameters
    .filter(({ name }) => subResources.has(name) || name.startsWith('x-oss-'))
    .sort((left, right) => inByteOrder(left.name, right.name) || inByteOrder(left.value, right.value))
    .map(({ name, value }) => (value === '' ? name : `${name}=${value}`))
  return signed.length === 0 ? resource : `${resource}?${signed.join('&')}`
}

/** Step "StringToSign". */
export const stringToSign = (
  method: string,
  contentMd5: string,
  contentType: string,
  date: string,
  ossHeaders: string,
  resource: string,
): string => `${method}\n${contentMd5}\n${contentType}\n${date}\n${ossHeaders}${resource}`

/**
 * Parameters that V1 signs besides those that start with x-oss- (developer reference; the vendor's Go and Python
 * SDKs).
 */
const subResources = new Set(
  (
    'acl append asyncFetch bucketInfo callback callback-var cname comp continuation-token cors delete encryption ' +
    'endTime group img inventory inventoryId lifecycle link live location logging metaQuery objectInfo objectMeta ' +
    'partNumber policy position publicAccessBlock qos qosInfo referer regionList replication replicationLocation ' +
    'replicationProgress requestPayment resourceGroup response-cache-control response-content-disposition ' +
    'response-content-encoding response-content-language response-content-type response-expires restore ' +
    'security-token sequential startTime stat status style styleName symlink tagging transferAcceleration uploadId ' +
    'uploads versionId versioning versions vod website worm wormExtend wormId'
  ).split(' '),
)
