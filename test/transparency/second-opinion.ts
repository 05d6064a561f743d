/** Verifies signatures independently of src/auth: runs the vendors' own signers on the received request. */

import { createHash, createHmac } from 'node:crypto'
import { createRequire } from 'node:module'
import { SignatureV4 } from '@smithy/signature-v4'
import COS from 'cos-nodejs-sdk-v5'
import { headerValue, headerValues, parametersOf, pathOf, type Received, utf8 } from './received.ts'

export interface Key {
  readonly id: string
  readonly secret: string
}

/** The signature that the vendor's signer computes, and the one in the request. */
export interface Opinion {
  readonly expected: string
  readonly presented: string
}

/** Bucket and object, decoded. */
interface Named {
  readonly bucket: string
  readonly object: string
}

interface OssSigner {
  buildCanonicalString(method: string, resource: string, request: object, expires?: string): string
  computeSignature(secret: string, text: string, encoding: string): string
  authorizationV4(...parameters: readonly unknown[]): string
  getCanonicalRequest(...parameters: readonly unknown[]): string
  getStringToSign(region: string, timestamp: string, request: string): string
  getSignatureV4(secret: string, date: string, region: string, text: string): string
}
const oss: OssSigner = createRequire(import.meta.url)('ali-oss/lib/common/signUtils')

/** A hash for @smithy/signature-v4; an HMAC when it is given a key. */
class Sha256 {
  readonly #hash: ReturnType<typeof createHash> | ReturnType<typeof createHmac>
  constructor(key?: string | ArrayBuffer | ArrayBufferView) {
    this.#hash = key === undefined ? createHash('sha256') : createHmac('sha256', bytesOf(key))
  }
  update(bytes: string | ArrayBuffer | ArrayBufferView): void {
    this.#hash.update(bytesOf(bytes))
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

function bytesOf(data: string | ArrayBuffer | ArrayBufferView): Uint8Array {
  if (typeof data === 'string') return Buffer.from(data, 'utf8')
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}

export const sigV4Signer = (key: Key, region: string): SignatureV4 =>
  new SignatureV4({
    service: 's3',
    region,
    credentials: { accessKeyId: key.id, secretAccessKey: key.secret },
    sha256: Sha256,
    uriEscapePath: false,
    applyChecksum: false,
  })

/** `yyyymmddThhmmssZ`. */
export const dateOf = (timestamp: string): Date =>
  new Date(timestamp.replace(/^(.{4})(..)(..T..)(..)(..Z)$/, '$1-$2-$3:$4:$5'))

const payloadHeader = 'x-amz-content-sha256'

/** The path as received, because S3 signs exactly those bytes. */
function sigV4Request(received: Received, signedNames: readonly string[]) {
  const headers: Record<string, string> = {}
  for (const name of new Set([...signedNames, payloadHeader])) {
    const values = headerValues(received, name)
    if (values.length > 0) headers[name] = utf8(values.map((value) => value.trim()).join(','))
  }
  const query: Record<string, string | string[]> = {}
  for (const [name, value] of parametersOf(received)) {
    const before = query[name]
    query[name] = before === undefined ? value : [before, value].flat()
  }
  const options = {
    signableHeaders: new Set(signedNames),
    unsignableHeaders: new Set(signedNames.includes(payloadHeader) ? [] : [payloadHeader]),
  }
  const request = {
    method: received.method,
    protocol: 'http:',
    hostname: 'unused',
    path: pathOf(received),
    query,
    headers,
  }
  return { request, options }
}

export async function sigV4Header(received: Received, key: Key): Promise<Opinion> {
  const authorization = headerValue(received, 'authorization') ?? ''
  const [, region = '', names = '', presented = ''] =
    /Credential=[^/]+\/[0-9]{8}\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=(.*)$/.exec(
      authorization,
    ) ?? []
  const { request, options } = sigV4Request(received, names.split(';'))
  const signingDate = dateOf(headerValue(received, 'x-amz-date') ?? '')
  const signed = await sigV4Signer(key, region).sign(request, { ...options, signingDate })
  return { expected: (signed.headers.authorization ?? '').replace(/^.*Signature=/, ''), presented }
}

export async function sigV4Query(received: Received, key: Key): Promise<Opinion> {
  const query = Object.fromEntries(parametersOf(received))
  const names = (query['X-Amz-SignedHeaders'] ?? '').split(';')
  const [, , region = ''] = (query['X-Amz-Credential'] ?? '').split('/')
  const { request, options } = sigV4Request(received, names)
  const payload = query['X-Amz-Content-Sha256'] ?? request.headers[payloadHeader] ?? 'UNSIGNED-PAYLOAD'
  const signed = await sigV4Signer(key, region).presign(
    { ...request, headers: { ...request.headers, [payloadHeader]: payload } },
    {
      ...options,
      unhoistableHeaders: new Set([...names, payloadHeader]),
      signingDate: dateOf(query['X-Amz-Date'] ?? ''),
      expiresIn: Number(query['X-Amz-Expires']),
    },
  )
  const expected = signed.query?.['X-Amz-Signature']
  return { expected: String(expected), presented: query['X-Amz-Signature'] ?? '' }
}

/** V1 signs none of these: parameters of listings, and those that carry the signature. */
const unsignedByOssV1 =
  /^(?:prefix|marker|delimiter|max-keys|max-uploads|max-parts|encoding-type|list-type|start-after|fetch-owner|key-marker|upload-id-marker|part-number-marker|OSSAccessKeyId|Expires|Signature)$/

/** Gives the signer text whose characters are the UTF-8 bytes, because it encodes the text as latin1. */
export function ossV1(received: Received, key: Key, { bucket, object }: Named): Opinion {
  const query = Object.fromEntries(parametersOf(received))
  const parameters = Object.fromEntries(
    Object.entries(query)
      .filter(([name]) => !unsignedByOssV1.test(name))
      .map(([name, value]) => [name, Buffer.from(value).toString('latin1')]),
  )
  const text = oss.buildCanonicalString(
    received.method,
    `/${bucket}/${Buffer.from(object).toString('latin1')}`,
    { headers: headersOf(received, (value) => value), parameters },
    query.Expires,
  )
  const presented = query.Signature ?? headerValue(received, 'authorization')?.replace(/^.*:/, '') ?? ''
  return { expected: oss.computeSignature(key.secret, text, 'latin1'), presented }
}

export function ossV4(received: Received, key: Key, { bucket, object }: Named): Opinion {
  const query = Object.fromEntries(parametersOf(received))
  const { 'x-oss-signature': inQuery, ...rest } = query
  const authorization = headerValue(received, 'authorization') ?? ''
  const scope = query['x-oss-credential'] ?? /Credential=([^,]+)/.exec(authorization)?.[1] ?? ''
  const [, date = '', region = ''] = scope.split('/')
  const additional = query['x-oss-additional-headers'] ?? /AdditionalHeaders=([^,]+)/.exec(authorization)?.[1]
  const request = oss.getCanonicalRequest(
    received.method,
    {
      headers: headersOf(received, utf8),
      // A parameter without a value is only its name.
      queries: Object.fromEntries(Object.entries(rest).map(([name, value]) => [name, value || null])),
    },
    bucket,
    object,
    additional?.split(';') ?? [],
  )
  const timestamp = query['x-oss-date'] ?? headerValue(received, 'x-oss-date') ?? ''
  const text = oss.getStringToSign(region, timestamp, request)
  return {
    expected: oss.getSignatureV4(key.secret, date, region, text),
    presented: inQuery ?? authorization.replace(/^.*Signature=/, ''),
  }
}

function headersOf({ headers }: Received, read: (value: string) => string): Record<string, string> {
  const named: Record<string, string> = {}
  for (let i = 0; i < headers.length; i += 2) named[headers[i] ?? ''] = read(headers[i + 1] ?? '')
  return named
}

export function cos(received: Received, key: Key): Opinion {
  const query = parametersOf(received)
  const authorization = headerValue(received, 'authorization')
  const fields = Object.fromEntries(
    authorization === undefined
      ? query
      : authorization.split('&').map((field) => [field.replace(/=.*/, ''), field.replace(/^[^=]*=/, '')]),
  )
  const listed = (list: string | undefined, name: string): boolean =>
    list?.split(';').includes(encodeURIComponent(name).toLowerCase()) === true
  const expected = COS.getAuthorization({
    SecretId: key.id,
    SecretKey: key.secret,
    Method: received.method,
    Pathname: decodeURIComponent(pathOf(received)),
    KeyTime: fields['q-sign-time'],
    Query: Object.fromEntries(query.filter(([name]) => listed(fields['q-url-param-list'], name))),
    Headers: Object.fromEntries(
      Object.entries(headersOf(received, utf8)).filter(([name]) => listed(fields['q-header-list'], name)),
    ),
  } as Parameters<typeof COS.getAuthorization>[0])
  return { expected: expected.replace(/^.*q-signature=/, ''), presented: fields['q-signature'] ?? '' }
}
