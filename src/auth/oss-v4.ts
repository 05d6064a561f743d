import { deriveKey, hmacSha256, sameSignature, sha256Hex } from './digest.ts'
import { percentEncode } from './percent.ts'
import {
  hostForms,
  inByteOrder,
  objectName,
  type Parameter,
  type RequestParts,
  singleHeader,
  singleParameter,
} from './request-parts.ts'
import { isoBasic, readDateHeader, readIsoBasic } from './timestamp.ts'
import {
  type AccessKey,
  maxPresignedSeconds,
  maxSkewSeconds,
  type Refusal,
  type Validity,
} from './verdict.ts'

export const ossV4Algorithm = 'OSS4-HMAC-SHA256'

/** The fields of an OSS V4 signature (developer reference, "Include V4 signatures in the header", "… in a URL"). */
export interface OssV4Credential {
  readonly scheme: 'oss-v4'
  readonly accessKeyId: string
  /** `yyyymmdd`. */
  readonly date: string
  readonly region: string
  /** ISO 8601 basic format. */
  readonly timestamp: string
  /** Headers that are signed beside Content-Type, Content-MD5 and x-oss-*. */
  readonly additionalHeaders: readonly string[]
  readonly signature: string
  readonly presigned: boolean
  readonly payloadHash: string
  readonly validity: Validity
}

/** `OSS4-HMAC-SHA256 Credential=…,[AdditionalHeaders=…,]Signature=…`. */
export function readOssV4Header(authorization: string, parts: RequestParts): OssV4Credential | Refusal {
  const form =
    /^ +Credential=([^, ]+) *, *(?:AdditionalHeaders=([^, ]+) *, *)?Signature=([0-9a-f]{64}) *$/.exec(
      authorization.slice(ossV4Algorithm.length),
    )
  const [, scope = '', additional = '', signature = ''] = form ?? []
  const dateName = parts.headers.has('x-oss-date') ? 'x-oss-date' : 'date'
  const unixSeconds = readDateHeader(singleHeader(parts, dateName) ?? '')
  if (form === null || unixSeconds === undefined) return 'malformed'
  const timestamp = isoBasic(unixSeconds)
  const credential = readCredential(scope, timestamp)
  const additionalHeaders = readAdditionalHeaders(additional)
  if (credential === undefined || additionalHeaders === undefined) return 'malformed'
  return {
    scheme: 'oss-v4',
    ...credential,
    timestamp,
    additionalHeaders,
    signature,
    presigned: false,
    payloadHash: payloadHash(parts),
    validity: { kind: 'signed-at', unixSeconds },
  }
}

/** `x-oss-signature-version`, `x-oss-credential` and the other parameters of a signed URL. */
export function readOssV4Query(parts: RequestParts): OssV4Credential | Refusal {
  const parameter = (name: string): string => singleParameter(parts, name) ?? ''
  const timestamp = parameter('x-oss-date')
  const unixSeconds = readIsoBasic(timestamp)
  const expires = parameter('x-oss-expires')
  const credential = readCredential(parameter('x-oss-credential'), timestamp)
  const additionalHeaders = readAdditionalHeaders(parameter('x-oss-additional-headers'))
  const signature = parameter('x-oss-signature')
  if (parameter('x-oss-signature-version') !== ossV4Algorithm || unixSeconds === undefined) return 'malformed'
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > maxPresignedSeconds)
    return 'malformed'
  if (credential === undefined || additionalHeaders === undefined || !/^[0-9a-f]{64}$/.test(signature))
    return 'malformed'
  const until = unixSeconds + Number(expires)
  return {
    scheme: 'oss-v4',
    ...credential,
    timestamp,
    additionalHeaders,
    signature,
    presigned: true,
    payloadHash: payloadHash(parts),
    validity: { kind: 'window', from: unixSeconds - maxSkewSeconds, until },
  }
}

const payloadHash = (parts: RequestParts): string =>
  singleHeader(parts, 'x-oss-content-sha256') ?? 'UNSIGNED-PAYLOAD'

/** `KEY/yyyymmdd/region/oss/aliyun_v4_request`, whose day is that of the request. */
function readCredential(
  text: string,
  timestamp: string,
): { accessKeyId: string; date: string; region: string } | undefined {
  const form = /^([^/]+)\/([0-9]{8})\/([^/]+)\/oss\/aliyun_v4_request$/.exec(text)
  const [, accessKeyId, date, region] = form ?? []
  if (accessKeyId === undefined || date === undefined || region === undefined) return undefined
  return timestamp.startsWith(date) ? { accessKeyId, date, region } : undefined
}

function readAdditionalHeaders(text: string): string[] | undefined {
  if (text === '') return []
  const names = text.split(';')
  const wellFormed = names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
  return wellFormed && new Set(names).size === names.length ? names : undefined
}

/** Why `parts` was not signed with `key`; `undefined` when it was. */
export function checkOssV4(
  parts: RequestParts,
  credential: OssV4Credential,
  key: AccessKey,
): Refusal | undefined {
  const object = objectName(parts)
  if (object === undefined) return 'malformed'
  const query = canonicalQueryString(
    parts.parameters.filter(({ name }) => !(credential.presigned && name === 'x-oss-signature')),
  )
  const { additionalHeaders, timestamp, date, region, payloadHash: payload } = credential
  const uri = canonicalUri(parts.bucket, object)
  const derivedKey = signingKey(key.secret, date, region)
  for (const host of hostForms(singleHeader(parts, 'host') ?? '')) {
    const headers = canonicalHeaders(parts, additionalHeaders, host)
    if (headers === undefined) return 'wrong-signature'
    const request = canonicalRequest(parts.method, uri, query, headers, additionalHeaders, payload)
    const text = stringToSign(timestamp, date, region, request)
    if (sameSignature(credential.signature, hmacSha256(derivedKey, text).toString('hex'))) return undefined
  }
  return 'wrong-signature'
}

/** Step "Canonical URI": `/bucket/object`, however the request names the bucket. */
export const canonicalUri = (bucket: string, object: string): string =>
  percentEncode(`/${bucket}/${object}`).replaceAll('%2F', '/')

/** Step "Canonical Query String": sorted; a parameter without a value is its name alone. */
export function canonicalQueryString(parameters: readonly Parameter[]): string {
  return parameters
    .map(({ name, value }) => ({ name: percentEncode(name), value: percentEncode(value) }))
    .sort((left, right) => inByteOrder(left.name, right.name) || inByteOrder(left.value, right.value))
    .map(({ name, value }) => (value === '' ? name : `${name}=${value}`))
    .join('&')
}

/** Step "Canonical Headers"; `undefined` when a signed header is absent or stands on several lines. */
function canonicalHeaders(
  parts: RequestParts,
  additional: readonly string[],
  host: string,
): string | undefined {
  const names = new Set(additional)
  for (const name of parts.headers.keys())
    if (name === 'content-type' || name === 'content-md5' || name.startsWith('x-oss-')) names.add(name)
  const lines: string[] = []
  for (const name of [...names].sort(inByteOrder)) {
    const value = name === 'host' ? host : singleHeader(parts, name)
    if (value === undefined) return undefined
    lines.push(`${name}:${value.trim()}\n`)
  }
  return lines.join('')
}

/** Step "Canonical Request". */
export const canonicalRequest = (
  method: string,
  uri: string,
  query: string,
  headers: string,
  additionalHeaders: readonly string[],
  payload: string,
): string => [method, uri, query, headers, additionalHeaders.join(';'), payload].join('\n')

/** Step "StringToSign". */
export const stringToSign = (timestamp: string, date: string, region: string, request: string): string =>
  [ossV4Algorithm, timestamp, `${date}/${region}/oss/aliyun_v4_request`, sha256Hex(request)].join('\n')

/** Step "SigningKey". */
export const signingKey = (secret: string, date: string, region: string): Buffer =>
  deriveKey(`aliyun_v4${secret}`, [date, region, 'oss', 'aliyun_v4_request'])
