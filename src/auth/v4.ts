/**
 * Steps shared by AWS Signature Version 4 (S3 API reference, "Authenticating Requests") and OSS V4 (developer
 * reference, "Include V4 signatures in the header", "… in a URL"). The two schemes use different header and parameter
 * names, which callers pass as `V4Names`. The canonical forms differ too: see `sigv4.ts` and `oss-v4.ts`.
 */

import { percentEncode } from '../text/percent.ts'
import { deriveKey, hmacSha256, sameSignature, sha256Hex } from './digest.ts'
import {
  hostForms,
  inByteOrder,
  type Parameter,
  type RequestParts,
  singleHeader,
  singleParameter,
} from './request-parts.ts'
import { isoBasic, readDateHeader, readIsoBasic } from './timestamp.ts'
import { maxPresignedSeconds, maxSkewSeconds, type Validity } from './verification.ts'

export interface V4Names {
  readonly algorithm: string
  /** Prefix of the secret in the first step of the signing key. */
  readonly keyPrefix: string
  readonly service: string
  readonly terminator: string
  /** Replaces Date if present. */
  readonly dateHeader: string
  readonly parameters: {
    readonly algorithm: string
    readonly credential: string
    readonly date: string
    readonly expires: string
    readonly signedHeaders: string
    readonly signature: string
  }
}

/** The Credential field: access key id and credential scope, `KEY/yyyymmdd/REGION/service/terminator`. */
interface CredentialField {
  readonly accessKeyId: string
  /** `yyyymmdd`. */
  readonly date: string
  readonly region: string
}

export interface V4Credential extends CredentialField {
  /** ISO 8601 basic format. */
  readonly timestamp: string
  readonly signature: string
  readonly presigned: boolean
  readonly validity: Validity
}

/** `undefined` when the scope is malformed or its day is not that of the request. */
function readCredentialField(
  { service, terminator }: V4Names,
  text: string,
  timestamp: string,
): CredentialField | undefined {
  const [accessKeyId = '', date = '', region = '', ...rest] = text.split('/')
  const isWhole = accessKeyId !== '' && /^[0-9]{8}$/.test(date) && region !== ''
  return isWhole && rest.join('/') === `${service}/${terminator}` && timestamp.startsWith(date)
    ? { accessKeyId, date, region }
    : undefined
}

/** Lower-case header names, separated by semicolons; `undefined` when one is malformed or repeated. */
export function readHeaderNames(text: string): readonly string[] | undefined {
  const names = text.split(';')
  const wellFormed = names.every((name) => /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name))
  return wellFormed && new Set(names).size === names.length ? names : undefined
}

const isSignature = (text: string): boolean => /^[0-9a-f]{64}$/.test(text)

/** The header with the time of signing. */
export const dateHeaderOf = ({ dateHeader }: V4Names, parts: RequestParts): string =>
  parts.headers.has(dateHeader) ? dateHeader : 'date'

/**
 * Checks the parts of an Authorization header and adds the time from the date header; `undefined` when one of them is
 * missing or malformed.
 */
export function readHeaderCredential(
  names: V4Names,
  parts: RequestParts,
  { scope, signature }: { readonly scope: string; readonly signature: string },
): V4Credential | undefined {
  const unixSeconds = readDateHeader(singleHeader(parts, dateHeaderOf(names, parts)) ?? '')
  if (unixSeconds === undefined || !isSignature(signature)) return undefined
  const timestamp = isoBasic(unixSeconds)
  const read = readCredentialField(names, scope, timestamp)
  if (read === undefined) return undefined
  return {
    ...read,
    timestamp,
    signature,
    presigned: false,
    validity: { kind: 'signed-at', unixSeconds },
  }
}

/** Reads the parameters of a presigned request; `undefined` when they are malformed. */
export function readQueryCredential(names: V4Names, parts: RequestParts): V4Credential | undefined {
  const parameter = (name: keyof V4Names['parameters']): string =>
    singleParameter(parts, names.parameters[name]) ?? ''
  const timestamp = parameter('date')
  const unixSeconds = readIsoBasic(timestamp)
  const expires = parameter('expires')
  const signature = parameter('signature')
  const scope = readCredentialField(names, parameter('credential'), timestamp)
  if (parameter('algorithm') !== names.algorithm || unixSeconds === undefined) return undefined
  if (!/^[0-9]{1,6}$/.test(expires) || Number(expires) < 1 || Number(expires) > maxPresignedSeconds)
    return undefined
  if (scope === undefined || !isSignature(signature)) return undefined
  const until = unixSeconds + Number(expires)
  return {
    ...scope,
    timestamp,
    signature,
    presigned: true,
    validity: { kind: 'window', from: unixSeconds - maxSkewSeconds, until },
  }
}

export const signedParameters = (
  { parameters: { signature } }: V4Names,
  { presigned }: V4Credential,
  { parameters }: RequestParts,
): readonly Parameter[] => parameters.filter(({ name }) => !(presigned && name === signature))

/** Sorts by encoded name, then by encoded value. `write` formats one parameter. */
export const canonicalQuery = (
  parameters: readonly Parameter[],
  write: (parameter: Parameter) => string,
): string =>
  parameters
    .map(({ name, value }) => ({ name: percentEncode(name), value: percentEncode(value) }))
    .sort((left, right) => inByteOrder(left.name, right.name) || inByteOrder(left.value, right.value))
    .map(write)
    .join('&')

/** Step "CanonicalRequest". */
export const canonicalRequest = (
  method: string,
  uri: string,
  query: string,
  headers: string,
  signedHeaders: readonly string[],
  payloadHash: string,
): string => [method, uri, query, headers, signedHeaders.join(';'), payloadHash].join('\n')

/** Step "StringToSign". */
export const stringToSign = (
  { algorithm, service, terminator }: V4Names,
  { timestamp, date, region }: Pick<V4Credential, 'timestamp' | 'date' | 'region'>,
  request: string,
): string =>
  [algorithm, timestamp, `${date}/${region}/${service}/${terminator}`, sha256Hex(request)].join('\n')

/** Step "SigningKey". */
export const signingKey = (
  { keyPrefix, service, terminator }: V4Names,
  { date, region }: Pick<V4Credential, 'date' | 'region'>,
  secret: string,
): Buffer => deriveKey(`${keyPrefix}${secret}`, [date, region, service, terminator])

/**
 * Whether `secret` signed the canonical request. Tries both forms of Host that clients sign. `requestFor` returns
 * `undefined` when a signed header is absent.
 */
export function isSignedWith(
  names: V4Names,
  credential: V4Credential,
  secret: string,
  host: string,
  requestFor: (host: string) => string | undefined,
): boolean {
  const key = signingKey(names, credential, secret)
  for (const form of hostForms(host)) {
    const request = requestFor(form)
    if (request === undefined) return false
    const text = stringToSign(names, credential, request)
    if (sameSignature(credential.signature, hmacSha256(key, text).toString('hex'))) return true
  }
  return false
}
