import { percentDecode, percentEncode } from '../text/percent.ts'
import { hmacSha1, sameSignature, sha1Hex } from './digest.ts'
import {
  hostForms,
  inByteOrder,
  type Parameter,
  type RequestParts,
  singleHeader,
  singleParameter,
} from './request-parts.ts'
import type { AccessKey, Refusal, Validity } from './verification.ts'

/** The fields of a COS signature (document 436/7778, "Request Signature"). */
export interface CosCredential {
  readonly scheme: 'cos'
  readonly accessKeyId: string
  /** `start;end` in seconds since 1970, as sent. */
  readonly signTime: string
  readonly keyTime: string
  readonly headerList: readonly string[]
  readonly urlParamList: readonly string[]
  readonly signature: string
  readonly validity: Validity
}

const fieldNames = [
  'q-sign-algorithm',
  'q-ak',
  'q-sign-time',
  'q-key-time',
  'q-header-list',
  'q-url-param-list',
  'q-signature',
] as const
type FieldName = (typeof fieldNames)[number]

/** Reads `q-sign-algorithm=sha1&q-ak=…&q-signature=…`. Every field must appear exactly once. */
export function readCosHeader(authorization: string): CosCredential | Refusal {
  const fields = new Map<string, string>()
  const pairs = authorization.split('&', fieldNames.length + 1)
  if (pairs.length !== fieldNames.length) return 'malformed'
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    if (equals > 0) fields.set(pair.slice(0, equals), pair.slice(equals + 1))
  }
  return readFields((name) => fields.get(name))
}

/** Reads the same fields from the query of a presigned request. */
export const readCosQuery = (parts: RequestParts): CosCredential | Refusal =>
  readFields((name) => singleParameter(parts, name))

function readFields(field: (name: FieldName) => string | undefined): CosCredential | Refusal {
  const values = fieldNames.map(field)
  if (values.some((value) => value === undefined)) return 'malformed'
  const [algorithm = '', accessKeyId = '', signTime = '', keyTime = '', headers = '', parameters = ''] =
    values
  const signature = values[6] ?? ''
  const signed = readWindow(signTime)
  const derived = readWindow(keyTime)
  if (algorithm !== 'sha1' || accessKeyId === '' || !/^[0-9a-f]{40}$/.test(signature)) return 'malformed'
  if (signed === undefined || derived === undefined) return 'malformed'
  const headerList = readList(headers)
  if (!headerList.includes('host')) return 'not-covered'
  const from = Math.max(signed.from, derived.from)
  const until = Math.min(signed.until, derived.until)
  const validity: Validity = { kind: 'window', from, until }
  const urlParamList = readList(parameters)
  return { scheme: 'cos', accessKeyId, signTime, keyTime, headerList, urlParamList, signature, validity }
}

function readWindow(text: string): { from: number; until: number } | undefined {
  const [, from, until] = /^([0-9]{1,10});([0-9]{1,10})$/.exec(text) ?? []
  return from === undefined || until === undefined ? undefined : { from: Number(from), until: Number(until) }
}

const readList = (text: string): string[] => (text === '' ? [] : text.split(';'))

/** Why the signature is invalid; `undefined` when it is valid. */
export function checkCos(
  parts: RequestParts,
  credential: CosCredential,
  key: AccessKey,
): Refusal | undefined {
  const { operation } = parts
  if (operation !== undefined && !credential.urlParamList.includes(encodedName(operation)))
    return 'not-covered'
  const path = percentDecode(parts.path)
  const host = singleHeader(parts, 'host')
  if (path === undefined || host === undefined) return 'malformed'
  const parameters = listed(credential.urlParamList, parts.parameters)
  if (parameters === undefined) return 'wrong-signature'
  const derivedKey = signKey(key.secret, credential.keyTime)
  const signedFor = (pathname: string): boolean =>
    hostForms(host).some((form) => {
      const headers = listed(credential.headerList, headerPairs(parts, form))
      if (headers === undefined) return false
      const text = stringToSign(credential.signTime, httpString(parts.method, pathname, parameters, headers))
      return sameSignature(credential.signature, signature(derivedKey, text))
    })
  if (signedFor(path)) return undefined
  if (parts.byHost || !signedFor('/')) return 'wrong-signature'
  // The SDKs' option `Domain` puts the bucket into the path after signing, so such a signature is valid for every
  // bucket of the host. Only the `buckets` of the key can then say which one is meant.
  return key.buckets?.includes(parts.bucket) ? undefined : 'bucket-not-named'
}

function headerPairs(parts: RequestParts, host: string): Parameter[] {
  const pairs: Parameter[] = []
  for (const [name, values] of parts.headers)
    for (const value of values) pairs.push({ name, value: name === 'host' ? host : value.trim() })
  return pairs
}

/** The listed pairs, encoded and sorted; `undefined` when a listed name is absent, ambiguous or listed twice. */
function listed(list: readonly string[], pairs: readonly Parameter[]): string | undefined {
  if (new Set(list).size !== list.length) return undefined
  const encoded = pairs.map(({ name, value }) => ({ name: encodedName(name), value: percentEncode(value) }))
  const fields: string[] = []
  for (const name of [...list].sort(inByteOrder)) {
    const found = encoded.filter((pair) => pair.name === name)
    if (found.length !== 1) return undefined
    fields.push(`${name}=${found[0]?.value}`)
  }
  return fields.join('&')
}

const encodedName = (name: string): string => percentEncode(name).toLowerCase()

/** Step "SignKey". */
export const signKey = (secret: string, keyTime: string): string => hmacSha1(secret, keyTime).toString('hex')

/** Step "HttpString". `pathname` is decoded; `parameters` and `headers` are `key=value`, joined with `&`. */
export const httpString = (method: string, pathname: string, parameters: string, headers: string): string =>
  `${method.toLowerCase()}\n${pathname}\n${parameters}\n${headers}\n`

/** Step "StringToSign". */
export const stringToSign = (signTime: string, httpText: string): string =>
  `sha1\n${signTime}\n${sha1Hex(httpText)}\n`

/** Step "Signature". The key is the hexadecimal text of the sign key, not its bytes. */
export const signature = (key: string, text: string): string => hmacSha1(key, text).toString('hex')
