import { percentEncode } from '../text/percent.ts'
import {
  inByteOrder,
  objectName,
  type Parameter,
  type RequestParts,
  singleHeader,
  singleParameter,
} from './request-parts.ts'
import {
  canonicalQuery,
  canonicalRequest,
  isSignedWith,
  readHeaderCredential,
  readHeaderNames,
  readQueryCredential,
  signedParameters,
  type V4Credential,
  type V4Names,
} from './v4.ts'
import type { AccessKey, Refusal } from './verification.ts'

export const ossV4Algorithm = 'OSS4-HMAC-SHA256'

export const names: V4Names = {
  algorithm: ossV4Algorithm,
  keyPrefix: 'aliyun_v4',
  service: 'oss',
  terminator: 'aliyun_v4_request',
  dateHeader: 'x-oss-date',
  parameters: {
    algorithm: 'x-oss-signature-version',
    credential: 'x-oss-credential',
    date: 'x-oss-date',
    expires: 'x-oss-expires',
    signedHeaders: 'x-oss-additional-headers',
    signature: 'x-oss-signature',
  },
}

/** The fields of an OSS V4 signature (developer reference, "Include V4 signatures in the header", "… in a URL"). */
export interface OssV4Credential extends V4Credential {
  readonly scheme: 'oss-v4'
  /** Signed headers other than Content-Type, Content-MD5 and x-oss-*. */
  readonly additionalHeaders: readonly string[]
  readonly payloadHash: string
}

/** Reads `OSS4-HMAC-SHA256 Credential=…,[AdditionalHeaders=…,]Signature=…`. */
export function readOssV4Header(authorization: string, parts: RequestParts): OssV4Credential | Refusal {
  const form = /^ +Credential=([^, ]+) *, *(?:AdditionalHeaders=([^, ]+) *, *)?Signature=([^, ]+) *$/.exec(
    authorization.slice(ossV4Algorithm.length),
  )
  const [, scope = '', additional = '', signature = ''] = form ?? []
  return credentialOf(parts, readHeaderCredential(names, parts, { scope, signature }), additional)
}

/** Reads `x-oss-signature-version`, `x-oss-credential` and the other parameters of a signed URL. */
export function readOssV4Query(parts: RequestParts): OssV4Credential | Refusal {
  const additional = singleParameter(parts, names.parameters.signedHeaders) ?? ''
  return credentialOf(parts, readQueryCredential(names, parts), additional)
}

function credentialOf(
  parts: RequestParts,
  credential: V4Credential | undefined,
  additional: string,
): OssV4Credential | Refusal {
  const additionalHeaders = additional === '' ? [] : readHeaderNames(additional)
  if (credential === undefined || additionalHeaders === undefined) return 'malformed'
  const payloadHash = singleHeader(parts, 'x-oss-content-sha256') ?? 'UNSIGNED-PAYLOAD'
  return { scheme: 'oss-v4', ...credential, additionalHeaders, payloadHash }
}

/** Why the signature is invalid; `undefined` when it is valid. */
export function checkOssV4(
  parts: RequestParts,
  credential: OssV4Credential,
  key: AccessKey,
): Refusal | undefined {
  const object = objectName(parts)
  if (object === undefined) return 'malformed'
  const { additionalHeaders, payloadHash } = credential
  const query = canonicalQueryString(signedParameters(names, credential, parts))
  const uri = canonicalUri(parts.bucket, object)
  const host = singleHeader(parts, 'host') ?? ''
  const isSigned = isSignedWith(names, credential, key.secret, host, (form) => {
    const headers = canonicalHeaders(parts, additionalHeaders, form)
    if (headers === undefined) return undefined
    return canonicalRequest(parts.method, uri, query, headers, additionalHeaders, payloadHash)
  })
  return isSigned ? undefined : 'wrong-signature'
}

/** Step "Canonical URI": `/bucket/object`, however the request names the bucket. */
export const canonicalUri = (bucket: string, object: string): string =>
  percentEncode(`/${bucket}/${object}`).replaceAll('%2F', '/')

/** Step "Canonical Query String": sorted; a parameter without a value is only its name. */
export const canonicalQueryString = (parameters: readonly Parameter[]): string =>
  canonicalQuery(parameters, ({ name, value }) => (value === '' ? name : `${name}=${value}`))

/** Step "Canonical Headers"; `undefined` when a signed header is absent or repeated. */
function canonicalHeaders(
  parts: RequestParts,
  additional: readonly string[],
  host: string,
): string | undefined {
  const signed = new Set(additional)
  for (const name of parts.headers.keys())
    if (name === 'content-type' || name === 'content-md5' || name.startsWith('x-oss-')) signed.add(name)
  const lines: string[] = []
  for (const name of [...signed].sort(inByteOrder)) {
    const value = name === 'host' ? host : singleHeader(parts, name)
    if (value === undefined) return undefined
    lines.push(`${name}:${value.trim()}\n`)
  }
  return lines.join('')
}
