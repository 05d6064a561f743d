import { canonicalPath } from '../text/percent.ts'
import { type RequestParts, singleHeader, singleParameter } from './request-parts.ts'
import {
  canonicalQuery,
  canonicalRequest,
  dateHeaderOf,
  isSignedWith,
  readHeaderCredential,
  readHeaderNames,
  readQueryCredential,
  signedParameters,
  type V4Credential,
  type V4Names,
} from './v4.ts'
import type { AccessKey, Refusal } from './verification.ts'

export const sigV4Algorithm = 'AWS4-HMAC-SHA256'

const names: V4Names = {
  algorithm: sigV4Algorithm,
  keyPrefix: 'AWS4',
  service: 's3',
  terminator: 'aws4_request',
  dateHeader: 'x-amz-date',
  parameters: {
    algorithm: 'X-Amz-Algorithm',
    credential: 'X-Amz-Credential',
    date: 'X-Amz-Date',
    expires: 'X-Amz-Expires',
    signedHeaders: 'X-Amz-SignedHeaders',
    signature: 'X-Amz-Signature',
  },
}

/** The fields of an AWS Signature Version 4 (S3 API reference, "Authenticating Requests"). */
export interface SigV4Credential extends V4Credential {
  readonly scheme: 'sigv4'
  readonly signedHeaders: readonly string[]
  /** Last line of the canonical request. `undefined`: no header states it, so it is the SHA-256 of the body. */
  readonly payloadHash: string | undefined
}

/** Reads `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`. */
export function readSigV4Header(authorization: string, parts: RequestParts): SigV4Credential | Refusal {
  const form = /^ +Credential=([^, ]+) *, *SignedHeaders=([^, ]+) *, *Signature=([^, ]+) *$/.exec(
    authorization.slice(sigV4Algorithm.length),
  )
  const [, scope = '', signed = '', signature = ''] = form ?? []
  const credential = readHeaderCredential(names, parts, { scope, signature })
  const signedHeaders = readHeaderNames(signed)
  if (credential === undefined || signedHeaders === undefined) return 'malformed'
  if (!signedHeaders.includes('host') || !signedHeaders.includes(dateHeaderOf(names, parts)))
    return 'not-covered'
  const payloadHash = singleHeader(parts, 'x-amz-content-sha256')
  if (parts.headers.has('x-amz-content-sha256') && payloadHash === undefined) return 'malformed'
  return { scheme: 'sigv4', ...credential, signedHeaders, payloadHash }
}

/** Reads `X-Amz-Algorithm`, `X-Amz-Credential` and the other parameters of a presigned request. */
export function readSigV4Query(parts: RequestParts): SigV4Credential | Refusal {
  const credential = readQueryCredential(names, parts)
  const signedHeaders = readHeaderNames(singleParameter(parts, names.parameters.signedHeaders) ?? '')
  if (credential === undefined || signedHeaders === undefined) return 'malformed'
  if (!signedHeaders.includes('host')) return 'not-covered'
  const payloadHash =
    singleParameter(parts, 'X-Amz-Content-Sha256') ??
    singleHeader(parts, 'x-amz-content-sha256') ??
    'UNSIGNED-PAYLOAD'
  return { scheme: 'sigv4', ...credential, signedHeaders, payloadHash }
}

/** Whether the body must be read before this signature can be checked. */
export const needsBody = (parts: RequestParts, credential: SigV4Credential): boolean =>
  credential.payloadHash === undefined && parts.bodySha256 === undefined

/** Why the signature is invalid; `undefined` when it is valid. */
export function checkSigV4(
  parts: RequestParts,
  credential: SigV4Credential,
  key: AccessKey,
): Refusal | undefined {
  const uri = canonicalPath(parts.path)
  const host = singleHeader(parts, 'host')
  const payload = credential.payloadHash ?? parts.bodySha256
  if (uri === undefined || host === undefined || payload === undefined) return 'malformed'
  const { signedHeaders } = credential
  const parameters = signedParameters(names, credential, parts)
  const query = canonicalQuery(parameters, ({ name, value }) => `${name}=${value}`)
  const isSigned = isSignedWith(names, credential, key.secret, host, (form) => {
    const headers = canonicalHeaders(parts, signedHeaders, form)
    if (headers === undefined) return undefined
    return canonicalRequest(parts.method, uri, query, headers, signedHeaders, payload)
  })
  return isSigned ? undefined : 'wrong-signature'
}

/** Step "CanonicalHeaders": `undefined` when a signed header is absent. Repeated lines are joined with a comma. */
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
