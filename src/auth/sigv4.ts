import { deriveKey, hmacSha256, sameSignature, sha256Hex } from './digest.ts'
import { canonicalPath, percentEncode } from './percent.ts'
import {
  hostForms,
  inByteOrder,
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

export const sigV4Algorithm = 'AWS4-HMAC-SHA256'

/** The fields of an AWS Signature Version 4 (S3 API reference, "Authenticating Requests"). */
export interface SigV4Credential {
  readonly scheme: 'sigv4'
  readonly accessKeyId: string
  /** `yyyymmdd`. */
  readonly date: string
  readonly region: string
  /** ISO 8601 basic format. */
  readonly timestamp: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly presigned: boolean
  /** What is signed in the place of the body's hash; `undefined`: the hash itself, which no header states. */
  readonly payloadHash: string | undefined
  readonly validity: Validity
}

/** `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. */
export function readSigV4Header(authorization: string, parts: RequestParts): SigV4Credential | Refusal {
  const fields = readFields(authorization.slice(sigV4Algorithm.length))
  const dateName = parts.headers.has('x-amz-date') ? 'x-amz-date' : 'date'
  const unixSeconds = readDateHeader(singleHeader(parts, dateName) ?? '')
  if (fields === undefined || unixSeconds === undefined) return 'malformed'
  const timestamp = isoBasic(unixSeconds)
  const credential = readCredential(fields.credential, timestamp)
  const signedHeaders = readSignedHeaders(fields.signedHeaders)
  if (credential === undefined || signedHeaders === undefined || !isSignature(fields.signature))
    return 'malformed'
  if (!signedHeaders.includes('host') || !signedHeaders.includes(dateName)) return 'not-covered'
  if (parts.headers.has('x-amz-content-sha256') && singleHeader(parts, 'x-amz-content-sha256') === undefined)
    return 'malformed'
  return {
    scheme: 'sigv4',
    ...credential,
    timestamp,
    signedHeaders,
    signature: fields.signature,
    presigned: false,
    payloadHash: singleHeader(parts, 'x-amz-content-sha256'),
    validity: { kind: 'signed-at', unixSeconds },
  }
}

/** `X-Amz-Algorithm`, `X-Amz-Credential` and the other parameters of a presigned request. */
export function readSigV4Query(parts: RequestParts): SigV4Credential | Refusal {
  const parameter = (name: string): string => singleParameter(parts, name) ?? ''
  const timestamp = parameter('X-Amz-Date')
  const unixSeconds = readIsoBasic(timestamp)
  const expires = parameter('X-Amz-Expires')
  const credential = readCredential(parameter('X-Amz-Credential'), timestamp)
  const signedHeaders = readSignedHeaders(parameter('X-Amz-SignedHeaders'))
  const signature = parameter('X-Amz-Signature')
  if (parameter('X-Amz-Algorithm') !== sigV4Algorithm || unixSeconds === undefined) return 'malformed'
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > maxPresignedSeconds)
    return 'malformed'
  if (credential === undefined || signedHeaders === undefined || !isSignature(signature)) return 'malformed'
  if (!signedHeaders.includes('host')) return 'not-covered'
  const until = unixSeconds + Number(expires)
  return {
    scheme: 'sigv4',
    ...credential,
    timestamp,
    signedHeaders,
    signature,
    presigned: true,
    payloadHash:
      singleParameter(parts, 'X-Amz-Content-Sha256') ??
      singleHeader(parts, 'x-amz-content-sha256') ??
      'UNSIGNED-PAYLOAD',
    validity: { kind: 'window', from: unixSeconds - maxSkewSeconds, until },
  }
}

interface Fields {
  readonly credential: string
  readonly signedHeaders: string
  readonly signature: string
}

function readFields(text: string): Fields | undefined {
  const form = /^ +Credential=([^, ]+) *, *SignedHeaders=([^, ]+) *, *Signature=([^, ]+) *$/.exec(text)
  const [, credential, signedHeaders, signature] = form ?? []
  if (credential === undefined || signedHeaders === undefined || signature === undefined) return undefined
  return { credential, signedHeaders, signature }
}

/** `KEY/yyyymmdd/region/s3/aws4_request`, whose day is that of the request. */
function readCredential(
  text: string,
  timestamp: string,
): { accessKeyId: string; date: string; region: string } | undefined {
  const [, accessKeyId, date, region] = /^([^/]+)\/([0-9]{8})\/([^/]+)\/s3\/aws4_request$/.exec(text) ?? []
  if (accessKeyId === undefined || date === undefined || region === undefined) return undefined
  return timestamp.startsWith(date) ? { accessKeyId, date, region } : undefined
}

function readSignedHeaders(text: string): string[] | undefined {
  const names = text.split(';')
  const wellFormed = names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
  return wellFormed && new Set(names).size === names.length ? names : undefined
}

const isSignature = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** Whether the body must be read before this signature can be checked. */
export const needsBody = (parts: RequestParts, credential: SigV4Credential): boolean =>
  credential.payloadHash === undefined && parts.bodySha256 === undefined

/** Why `parts` was not signed with `key`; `undefined` when it was. */
export function checkSigV4(
  parts: RequestParts,
  credential: SigV4Credential,
  key: AccessKey,
): Refusal | undefined {
  const uri = canonicalPath(parts.path)
  const host = singleHeader(parts, 'host')
  const payload = credential.payloadHash ?? parts.bodySha256
  if (uri === undefined || host === undefined || payload === undefined) return 'malformed'
  const query = canonicalQueryString(
    parts.parameters.filter(({ name }) => !(credential.presigned && name === 'X-Amz-Signature')),
  )
  const derivedKey = signingKey(key.secret, credential.date, credential.region)
  for (const form of hostForms(host)) {
    const headers = canonicalHeaders(parts, credential.signedHeaders, form)
    if (headers === undefined) return 'wrong-signature'
    const request = canonicalRequest(parts.method, uri, query, headers, credential.signedHeaders, payload)
    const text = stringToSign(credential.timestamp, credential.date, credential.region, request)
    if (sameSignature(credential.signature, hmacSha256(derivedKey, text).toString('hex'))) return undefined
  }
  return 'wrong-signature'
}

/** Step "CanonicalQueryString": every parameter, sorted by encoded name, then by encoded value. */
function canonicalQueryString(parameters: readonly Parameter[]): string {
  return parameters
    .map(({ name, value }) => ({ name: percentEncode(name), value: percentEncode(value) }))
    .sort((left, right) => inByteOrder(left.name, right.name) || inByteOrder(left.value, right.value))
    .map(({ name, value }) => `${name}=${value}`)
    .join('&')
}

/** Step "CanonicalHeaders": `undefined` when a signed header is absent. Several lines are joined with a comma. */
function canonicalHeaders(
  parts: RequestParts,
  signedHeaders: readonly string[],
  host: string,
): string | undefined {
  const lines: string[] = []
  for (const name of signedHeaders) {
    const values = name === 'host' ? [host] : parts.headers.get(name)
    if (values === undefined) return undefined
    lines.push(`${name}:${values.map((value) => value.trim().replace(/[ \t]+/g, ' ')).join(',')}\n`)
  }
  return lines.join('')
}

/** Step "CanonicalRequest". */
const canonicalRequest = (
  method: string,
  uri: string,
  query: string,
  headers: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string => [method, uri, query, headers, signedHeaders.join(';'), payloadHash].join('\n')

/** Step "StringToSign". */
const stringToSign = (timestamp: string, date: string, region: string, request: string): string =>
  [sigV4Algorithm, timestamp, `${date}/${region}/s3/aws4_request`, sha256Hex(request)].join('\n')

/** Step "SigningKey". */
const signingKey = (secret: string, date: string, region: string): Buffer =>
  deriveKey(`AWS4${secret}`, [date, region, 's3', 'aws4_request'])
