import { createHash, createHmac } from 'node:crypto'

/** One chunk of an aws-chunked body. `signature` is `undefined` when chunks are unsigned. */
interface Chunk {
  readonly bytes: Buffer
  readonly signature: string | undefined
}

/** A parsed aws-chunked body: S3's own framing inside the body, independent of HTTP's. */
export interface AwsChunked {
  /** The last one is empty. */
  readonly chunks: readonly Chunk[]
  /** `[name, value]`, names in lower case, without x-amz-trailer-signature. */
  readonly trailers: readonly (readonly [string, string])[]
  readonly trailerSignature: string | undefined
}

/** Parses an aws-chunked body completely; `undefined` when it is anything else. */
export function readAwsChunked(body: Buffer): AwsChunked | undefined {
  const chunks: Chunk[] = []
  let at = 0
  for (;;) {
    const end = body.indexOf('\r\n', at)
    const head = /^([0-9a-fA-F]{1,8})(?:;chunk-signature=([0-9a-f]{64}))?$/.exec(
      body.toString('latin1', at, Math.max(at, end)),
    )
    if (end < 0 || head === null) return undefined
    const start = end + 2
    const size = Number.parseInt(head[1] ?? '', 16)
    chunks.push({ bytes: body.subarray(start, start + size), signature: head[2] })
    if (size === 0) return readTrailers(chunks, body.toString('latin1', start))
    at = start + size + 2
    if (body.toString('latin1', start + size, at) !== '\r\n') return undefined
  }
}

/** `name:value` lines, then an empty line. */
function readTrailers(chunks: readonly Chunk[], text: string): AwsChunked | undefined {
  const lines = text.split('\r\n')
  if (lines.pop() !== '' || lines.pop() !== '') return undefined
  const fields: [string, string][] = []
  for (const line of lines) {
    const field = /^([A-Za-z0-9-]+): ?(.*)$/.exec(line)
    if (field === null) return undefined
    fields.push([(field[1] ?? '').toLowerCase(), field[2] ?? ''])
  }
  const isSignature = ([name]: [string, string]): boolean => name === 'x-amz-trailer-signature'
  return {
    chunks,
    trailers: fields.filter((field) => !isSignature(field)),
    trailerSignature: fields.find(isSignature)?.[1],
  }
}

/** What the first chunk signature continues: the signature of the head. */
export interface Seed {
  readonly signature: string
  /** ISO 8601 basic format. */
  readonly timestamp: string
  /** `yyyymmdd/region/s3/aws4_request`. */
  readonly scope: string
  readonly secret: string
}

const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

/**
 * Whether every chunk, and the trailer if there is one, has the correct signature (S3 API reference, "Signature
 * calculations for … transferring payload in multiple chunks", "… including trailing headers").
 */
export function chunksAreSigned({ chunks, trailers, trailerSignature }: AwsChunked, seed: Seed): boolean {
  let previous = seed.signature
  for (const { bytes, signature } of chunks) {
    previous = chunkSignature(seed, previous, bytes)
    if (signature !== previous) return false
  }
  if (trailers.length === 0) return trailerSignature === undefined
  return trailerSignature === signatureOfTrailers(seed, previous, trailers)
}

export function chunkSignature(seed: Seed, previous: string, bytes: Uint8Array): string {
  return sign(seed, 'AWS4-HMAC-SHA256-PAYLOAD', [previous, sha256(''), sha256(bytes)])
}

export function signatureOfTrailers(seed: Seed, previous: string, trailers: AwsChunked['trailers']): string {
  const text = trailers.map(([name, value]) => `${name}:${value}\n`).join('')
  return sign(seed, 'AWS4-HMAC-SHA256-TRAILER', [previous, sha256(text)])
}

function sign({ timestamp, scope, secret }: Seed, algorithm: string, last: readonly string[]): string {
  const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const key = scope.split('/').reduce<string | Buffer>(hmac, `AWS4${secret}`)
  return hmac(key, [algorithm, timestamp, scope, ...last].join('\n')).toString('hex')
}
