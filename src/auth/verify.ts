import { type CosCredential, checkCos, readCosHeader, readCosQuery } from './cos.ts'
import { md5Hex, sameSignature, sha256Hex } from './digest.ts'
import { checkOssV1, type OssV1Credential, readOssV1Header, readOssV1Query } from './oss-v1.ts'
import {
  checkOssV4,
  type OssV4Credential,
  ossV4Algorithm,
  readOssV4Header,
  readOssV4Query,
} from './oss-v4.ts'
import { parseRequest, type RequestParts, type SignedRequest, singleHeader } from './request-parts.ts'
import {
  checkSigV4,
  needsBody,
  readSigV4Header,
  readSigV4Query,
  type SigV4Credential,
  sigV4Algorithm,
} from './sigv4.ts'
import {
  type AccessKey,
  type AccessKeys,
  type BodyDigest,
  type Refusal,
  untimely,
  type Verification,
} from './verification.ts'

/** Longest Authorization that is parsed. Session tokens have a header of their own. */
export const maxAuthorizationLength = 4096

type Credential = CosCredential | OssV1Credential | OssV4Credential | SigV4Credential

const refused = (why: Refusal): Verification => ({ kind: 'refused', why })

/**
 * Verifies the signature of `request`: COS, OSS V1 and V4, AWS SigV4, in Authorization or in the query. Checks the
 * key, the time, the signature and the key's buckets in this order, so that only the holder of a key learns which
 * buckets it may use. `unixSeconds` is the current time.
 */
export function verify(request: SignedRequest, keys: AccessKeys, unixSeconds: number): Verification {
  const parts = parseRequest(request)
  if (parts === undefined) return refused('malformed')
  const credential = readCredential(parts, unixSeconds)
  if (typeof credential === 'string') return refused(credential)
  const key = keys.get(credential.accessKeyId)
  if (key === undefined) return refused('unknown-key')
  const late = untimely(credential.validity, unixSeconds)
  if (late !== undefined) return refused(late)
  if (credential.scheme === 'sigv4' && needsBody(parts, credential)) return { kind: 'body-needed' }
  const wrong = check(parts, credential, key)
  if (wrong !== undefined) return refused(wrong)
  if (key.buckets !== undefined && !key.buckets.includes(parts.bucket)) return refused('bucket-not-allowed')
  const digests = readDigests(parts, 'payloadHash' in credential ? credential.payloadHash : undefined)
  return digests === undefined
    ? refused('invalid-digest')
    : { kind: 'verified', accessKeyId: key.id, digests }
}

/**
 * Why `request` cannot have a valid signature, as far as can be seen without a key; otherwise `undefined`.
 * `unixSeconds` is the current time.
 */
export function whyNotSigned(request: SignedRequest, unixSeconds: number): Refusal | undefined {
  const parts = parseRequest(request)
  const credential = parts === undefined ? 'malformed' : readCredential(parts, unixSeconds)
  return typeof credential === 'string' ? credential : undefined
}

/** The only credential of a request, in Authorization or in the query. */
function readCredential(parts: RequestParts, unixSeconds: number): Credential | Refusal {
  const lines = parts.headers.get('authorization') ?? []
  const inQuery = querySchemes(parts)
  if (lines.length + inQuery.length > 1) return 'two-credentials'
  const [authorization] = lines
  if (authorization !== undefined) return readAuthorization(authorization, parts)
  const [scheme] = inQuery
  if (scheme === undefined) return 'unsigned'
  switch (scheme) {
    case 'sigv4':
      return readSigV4Query(parts)
    case 'oss-v4':
      return readOssV4Query(parts)
    case 'oss-v1':
      return readOssV1Query(parts, unixSeconds)
    case 'cos':
      return readCosQuery(parts)
    case 'other':
      return 'unsupported'
  }
}

function readAuthorization(authorization: string, parts: RequestParts): Credential | Refusal {
  if (authorization.length > maxAuthorizationLength) return 'malformed'
  if (authorization.startsWith(`${sigV4Algorithm} `)) return readSigV4Header(authorization, parts)
  if (authorization.startsWith(`${ossV4Algorithm} `)) return readOssV4Header(authorization, parts)
  if (authorization.startsWith('OSS ')) return readOssV1Header(authorization, parts)
  if (authorization.startsWith('q-')) return readCosHeader(authorization)
  return 'unsupported'
}

type QueryScheme = Credential['scheme'] | 'other'

/** Parameters that mark a signed query. In lower case, because some stores may ignore case. */
const queryMarks: Readonly<Record<string, QueryScheme>> = {
  'x-amz-algorithm': 'sigv4',
  'x-amz-credential': 'sigv4',
  'x-amz-signature': 'sigv4',
  'x-oss-signature-version': 'oss-v4',
  'x-oss-credential': 'oss-v4',
  'x-oss-signature': 'oss-v4',
  ossaccesskeyid: 'oss-v1',
  'q-sign-algorithm': 'cos',
  'q-ak': 'cos',
  'q-signature': 'cos',
  awsaccesskeyid: 'other',
}

function querySchemes(parts: RequestParts): readonly QueryScheme[] {
  const found = new Set<QueryScheme>()
  for (const { name } of parts.parameters) {
    const lower = name.toLowerCase()
    if (Object.hasOwn(queryMarks, lower)) found.add(queryMarks[lower] ?? 'other')
  }
  return [...found]
}

function check(parts: RequestParts, credential: Credential, key: AccessKey): Refusal | undefined {
  switch (credential.scheme) {
    case 'cos':
      return checkCos(parts, credential, key)
    case 'oss-v1':
      return checkOssV1(parts, credential, key)
    case 'oss-v4':
      return checkOssV4(parts, credential, key)
    case 'sigv4':
      return checkSigV4(parts, credential, key)
  }
}

/**
 * Clients sign this in place of the body's SHA-256 when the signature does not cover the body (S3 API reference,
 * x-amz-content-sha256). The `STREAMING-…` values are refused as `invalid-digest`, because chunk signatures and
 * trailers are not supported.
 */
const noHash = 'UNSIGNED-PAYLOAD'

/** The digests of the body that the request states; `undefined` when one is malformed. */
function readDigests(parts: RequestParts, signedHash: string | undefined): readonly BodyDigest[] | undefined {
  const digests: BodyDigest[] = []
  const hashes = [parts.headers.get('x-amz-content-sha256'), parts.headers.get('x-oss-content-sha256')]
  for (const hash of new Set([signedHash, ...hashes.flatMap((values) => values ?? [])])) {
    if (hash === undefined || hash === noHash) continue
    if (!/^[0-9A-Fa-f]{64}$/.test(hash)) return undefined
    digests.push({ algorithm: 'sha256', hex: hash.toLowerCase() })
  }
  if (!parts.headers.has('content-md5')) return digests
  const md5 = singleHeader(parts, 'content-md5')?.trim() ?? ''
  if (!/^[A-Za-z0-9+/]{22}==$/.test(md5)) return undefined
  return [...digests, { algorithm: 'md5', hex: Buffer.from(md5, 'base64').toString('hex') }]
}

/** The first of `digests` that does not match `body`; `undefined` when all match. */
export function compareBody(digests: readonly BodyDigest[], body: Uint8Array): BodyDigest | undefined {
  return digests.find(({ algorithm, hex }) => {
    const actual = algorithm === 'md5' ? md5Hex(body) : sha256Hex(body)
    return !sameSignature(hex, actual)
  })
}
