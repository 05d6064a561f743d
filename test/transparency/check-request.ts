import { createHash } from 'node:crypto'
import { verify } from '../../src/auth/verify.ts'
import { chunksAreSigned, readAwsChunked } from './aws-chunked.ts'
import { checksum } from './checksums.ts'
import { headerValue, headerValues, parametersOf, type Received } from './received.ts'
import { cos, type Key, type Opinion, ossV1, ossV4, sigV4Header, sigV4Query } from './second-opinion.ts'

/** The bucket and object of a request. */
export interface Place {
  readonly bucket: string
  /** Percent-decoded; empty for the bucket itself. */
  readonly object: string
  readonly byHost: boolean
}

/** The store's check of a request: the object in its body, or why it is refused. */
export type Checked =
  | {
      readonly kind: 'good'
      /** What was recomputed and matched: the signature's scheme and place, then what covers the body. */
      readonly proofs: readonly string[]
      /** Without the framing of aws-chunked. */
      readonly content: Buffer
    }
  | { readonly kind: 'refused'; readonly code: string; readonly why: string }

const refused = (code: string, why: string): Checked => ({ kind: 'refused', code, why })

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Recomputes every signature, digest and checksum of `received` from the bytes that arrived. A signature counts
 * only if both src/auth and the vendor's own signer accept it.
 */
export async function checkRequest(received: Received, place: Place, key: Key): Promise<Checked> {
  const signature = await checkSignature(received, place, key)
  if ('kind' in signature) return signature
  const proofs = [signature.name]
  const { body } = received
  const stated = headerValue(received, 'x-amz-content-sha256') ?? ''
  if (/^[0-9a-f]{64}$/.test(stated)) {
    if (stated !== sha256(body)) return refused('XAmzContentSHA256Mismatch', 'x-amz-content-sha256')
    proofs.push('body hash')
  }
  const md5 = headerValue(received, 'content-md5')
  if (md5 !== undefined) {
    if (md5 !== createHash('md5').update(body).digest('base64')) return refused('BadDigest', 'Content-MD5')
    proofs.push('md5')
  }
  const chunked = stated.startsWith('STREAMING-') ? checkChunks(received, stated, key) : undefined
  if (chunked?.kind === 'refused') return chunked
  const content = chunked?.content ?? body
  for (const name of checksumNames(received)) {
    const values = headerValues(received, name)
    const algorithm = name.slice('x-amz-checksum-'.length)
    if (values.length !== 1 || values[0] !== checksum(algorithm, content)) return refused('BadDigest', name)
    proofs.push(algorithm)
  }
  return { kind: 'good', proofs: [...proofs, ...(chunked?.proofs ?? [])], content }
}

interface Scheme {
  readonly name: string
  readonly opinion: (received: Received, key: Key, place: Place) => Promise<Opinion> | Opinion
}

async function checkSignature(received: Received, place: Place, key: Key): Promise<Checked | Scheme> {
  const scheme = schemeOf(received)
  if (scheme === undefined) return refused('AccessDenied', 'unsigned')
  const views = [{ received, place }]
  // With the option `Domain`, the COS SDK puts the bucket into the path after signing.
  if (scheme.name.startsWith('cos') && !place.byHost) {
    const target = received.target.slice(place.bucket.length + 1)
    views.push({ received: { ...received, target }, place: { ...place, byHost: true } })
  }
  const doubts: string[] = []
  for (const view of views) {
    const ours = opinionOfOurs(view.received, view.place, key)
    const { expected, presented } = await scheme.opinion(view.received, key, view.place)
    const theirs = presented !== '' && presented === expected ? 'verified' : 'wrong-signature'
    // src/auth serves `?cors` and refuses a body that only chunk signatures cover; here those are checked below.
    const isGood = ours === 'verified' || (ours === 'invalid-digest' && isStreaming(received))
    if (isGood && theirs === 'verified') return scheme
    doubts.push(`${ours}, the vendor's signer: ${theirs}`)
  }
  return refused('SignatureDoesNotMatch', `${scheme.name}: ${doubts.join('; ')}`)
}

const isStreaming = (received: Received): boolean =>
  headerValue(received, 'x-amz-content-sha256')?.startsWith('STREAMING-') === true

function opinionOfOurs({ method, target, headers, body }: Received, place: Place, key: Key): string {
  const { bucket, byHost } = place
  const bodySha256 = sha256(body)
  const request = { method, target, headers, bucket, byHost, operation: undefined, hasBody: body.length > 0 }
  const keys = new Map([[key.id, { ...key, buckets: [bucket] }]])
  const verdict = verify({ ...request, bodySha256 }, keys, Math.floor(Date.now() / 1000))
  return verdict.kind === 'refused' ? verdict.why : verdict.kind
}

const inAuthorization: readonly (readonly [string, Scheme])[] = [
  ['AWS4-HMAC-SHA256 ', { name: 'sigv4 header', opinion: sigV4Header }],
  ['OSS4-HMAC-SHA256 ', { name: 'oss v4 header', opinion: ossV4 }],
  ['OSS ', { name: 'oss v1 header', opinion: ossV1 }],
  ['q-', { name: 'cos header', opinion: cos }],
]
const inQuery: readonly (readonly [string, Scheme])[] = [
  ['X-Amz-Signature', { name: 'sigv4 query', opinion: sigV4Query }],
  ['x-oss-signature', { name: 'oss v4 query', opinion: ossV4 }],
  ['OSSAccessKeyId', { name: 'oss v1 query', opinion: ossV1 }],
  ['q-signature', { name: 'cos query', opinion: cos }],
]

function schemeOf(received: Received): Scheme | undefined {
  const authorization = headerValue(received, 'authorization')
  const names = parametersOf(received).map(([name]) => name)
  const found =
    authorization === undefined
      ? inQuery.find(([mark]) => names.includes(mark))
      : inAuthorization.find(([mark]) => authorization.startsWith(mark))
  return found?.[1]
}

/** Headers with a checksum of the body; x-amz-checksum-mode and the like contain none. */
function checksumNames({ headers }: Received): string[] {
  const names = headers.filter((_, index) => index % 2 === 0).map((name) => name.toLowerCase())
  return [...new Set(names)].filter((name) => /^x-amz-checksum-(?!mode$|algorithm$|type$)/.test(name))
}

/** Parses aws-chunked, and checks its signatures and trailer. */
function checkChunks(received: Received, stated: string, key: Key): Checked {
  const chunked = readAwsChunked(received.body)
  if (chunked === undefined) return refused('IncompleteBody', 'the body is not aws-chunked')
  const content = Buffer.concat(chunked.chunks.map(({ bytes }) => bytes))
  const length = headerValue(received, 'x-amz-decoded-content-length')
  if (length !== undefined && length !== String(content.length))
    return refused('IncompleteBody', 'x-amz-decoded-content-length')
  const proofs: string[] = ['aws-chunked']
  if (stated.startsWith('STREAMING-AWS4-HMAC-SHA256-PAYLOAD')) {
    const authorization = headerValue(received, 'authorization') ?? ''
    const [, scope = '', signature = ''] =
      /Credential=[^/]+\/([^,]+),.*Signature=([0-9a-f]{64})$/.exec(authorization) ?? []
    const timestamp = headerValue(received, 'x-amz-date') ?? ''
    if (!chunksAreSigned(chunked, { signature, scope, timestamp, secret: key.secret }))
      return refused('SignatureDoesNotMatch', 'a chunk signature')
    proofs.push('chunk signatures')
  } else if (chunked.chunks.some(({ signature }) => signature !== undefined))
    return refused('InvalidChunkSignature', 'an unannounced chunk signature')
  const announced = (headerValue(received, 'x-amz-trailer') ?? '').split(',').filter((name) => name !== '')
  const sent = chunked.trailers.map(([name]) => name)
  if (announced.join() !== sent.join()) return refused('MalformedTrailerError', sent.join())
  if (stated.endsWith('-TRAILER') !== sent.length > 0) return refused('MalformedTrailerError', stated)
  for (const [name, value] of chunked.trailers) {
    const algorithm = name.replace(/^x-amz-checksum-/, '')
    if (value !== checksum(algorithm, content)) return refused('BadDigest', name)
    proofs.push(`${algorithm} trailer`)
  }
  return { kind: 'good', proofs, content }
}
