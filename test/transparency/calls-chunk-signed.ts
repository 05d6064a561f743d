/** Uploads with signed chunks. Older AWS SDKs send them over plain HTTP; none of those used here does. */

import { accessKeyId, secret } from '../auth/clients.ts'
import { chunkSignature, type Seed, signatureOfTrailers } from './aws-chunked.ts'
import { checksum } from './checksums.ts'
import { fetchAt, type Group, noise, type SdkCall } from './sdk-call.ts'
import { sigV4Signer } from './second-opinion.ts'

const group: Group = { name: 'S3, chunks signed', dialect: 's3', bucket: 'photos', hostSuffixes: [] }

export interface SignedUpload {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Signs a PUT of `pieces` chunk by chunk, with a checksum in a signed trailer if `hasTrailer`. */
export async function signChunks(
  port: number,
  path: string,
  pieces: readonly Buffer[],
  hasTrailer: boolean,
): Promise<SignedUpload> {
  const content = Buffer.concat(pieces)
  const trailers = [['x-amz-checksum-crc32c', checksum('crc32c', content) ?? '']] as const
  const signed = await sigV4Signer({ id: accessKeyId, secret }, 'us-east-1').sign({
    method: 'PUT',
    protocol: 'http:',
    hostname: '127.0.0.1',
    path,
    query: {},
    headers: {
      host: `127.0.0.1:${port}`,
      'content-encoding': 'aws-chunked',
      'x-amz-content-sha256': `STREAMING-AWS4-HMAC-SHA256-PAYLOAD${hasTrailer ? '-TRAILER' : ''}`,
      'x-amz-decoded-content-length': String(content.length),
      'x-amz-meta-a': 'tamper-header',
      ...(hasTrailer ? { 'x-amz-trailer': 'x-amz-checksum-crc32c' } : {}),
    },
  })
  const timestamp = signed.headers['x-amz-date'] ?? ''
  const [, signature = ''] = /Signature=(.*)$/.exec(signed.headers.authorization ?? '') ?? []
  const scope = `${timestamp.slice(0, 8)}/us-east-1/s3/aws4_request`
  const seed: Seed = { signature, timestamp, scope, secret }
  let previous = signature
  const framed = [...pieces, Buffer.alloc(0)].flatMap((piece) => {
    previous = chunkSignature(seed, previous, piece)
    const head = Buffer.from(`${piece.length.toString(16)};chunk-signature=${previous}\r\n`)
    return piece.length === 0 ? [head] : [head, piece, Buffer.from('\r\n')]
  })
  const lines = hasTrailer
    ? `${trailers[0].join(':')}\r\nx-amz-trailer-signature:${signatureOfTrailers(seed, previous, trailers)}\r\n\r\n`
    : '\r\n'
  const body = Buffer.concat([...framed, Buffer.from(lines)])
  const { host, ...headers } = signed.headers
  return { url: `http://${host}${path}`, headers, body }
}

const call = (name: string, hasTrailer: boolean, isChunked: boolean, proofs: readonly string[]): SdkCall => ({
  name,
  group,
  proofs: ['sigv4 header', 'aws-chunked', 'chunk signatures', ...proofs],
  run: async (port) => {
    const pieces = [noise(65_536), noise(65_536, 2), noise(1_000, 3)]
    const { url, headers, body } = await signChunks(port, '/photos/a%20%281%29%2B', pieces, hasTrailer)
    // HTTP chunks around those of S3, of other sizes.
    const framing: Record<string, string> = isChunked ? { 'Transfer-Encoding': 'chunked' } : {}
    return fetchAt(port, url, { method: 'PUT', headers: { ...headers, ...framing }, body })
  },
})

export const chunkSignedCalls: readonly SdkCall[] = [
  call('chunks signed', false, false, []),
  call('chunks signed, in the chunks of HTTP', false, true, []),
  call('chunks and trailer signed', true, false, ['crc32c trailer']),
  call('chunks and trailer signed, in the chunks of HTTP', true, true, ['crc32c trailer']),
]
