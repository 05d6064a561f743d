import { createHash, randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { CreateBucketCommand, GetObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type { Answer, Sent } from './client/job.ts'
import type { PodClient } from './pod-client.ts'
import { require } from './step.ts'

export const bucket = 'photos'
export const rootUser = 'platform-root'
export const rootPassword = 'a-long-secret-0001'
/** The origins that the overlays' rule file allows: the first may write, the second may read. */
export const writer = 'https://app.example.com'
export const reader = 'https://www.example.com'
export const stranger = 'https://evil.example.com'

/** The vendor's own client, with its requests sent from the pod. */
export function s3At(endpoint: string, client: PodClient): S3Client {
  return new S3Client({
    endpoint,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId: rootUser, secretAccessKey: rootPassword },
    requestChecksumCalculation: 'WHEN_REQUIRED',
    requestHandler: {
      async handle(request: HandledRequest) {
        const { status, headers, body, error } = await client.send({
          url: urlOf(request),
          method: request.method,
          headers: request.headers,
          body: Buffer.from(request.body ?? '').toString('base64'),
        })
        if (status === 0) throw new Error(error)
        return {
          response: { statusCode: status, headers, body: Readable.from([Buffer.from(body, 'base64')]) },
        }
      },
    },
  })
}

interface HandledRequest {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number
  readonly path: string
  readonly method: string
  readonly query?: Readonly<Record<string, string | readonly string[] | null>>
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array | string
}

function urlOf({ protocol, hostname, port, path, query = {} }: HandledRequest): string {
  const url = new URL(`${protocol}//${hostname}${port === undefined ? '' : `:${port}`}${path}`)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, String(value ?? ''))
  return url.href
}

export const presignedPut = (s3: S3Client, key: string): Promise<string> =>
  getSignedUrl(s3, new PutObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: 3600 })

export const presignedGet = (s3: S3Client, key: string): Promise<string> =>
  getSignedUrl(s3, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: 3600 })

export const preflight = (base: string, origin: string, method: string, name: string = bucket): Sent => ({
  url: `${base}/${name}/object`,
  method: 'OPTIONS',
  headers: { origin, 'access-control-request-method': method },
})

export async function createBucket(s3: S3Client): Promise<void> {
  await s3.send(new CreateBucketCommand({ Bucket: bucket })).catch((error: Error) => {
    require(error.name === 'BucketAlreadyOwnedByYou', `CreateBucket: ${error.name}: ${error.message}`)
  })
}

const sha256 = (content: Uint8Array): string => createHash('sha256').update(content).digest('hex')

/** 5 MiB up and down, signed in headers and by URL. */
export async function carryObjects(base: string, client: PodClient): Promise<string> {
  const s3 = s3At(base, client)
  const content = randomBytes(5 << 20)
  await s3.send(new PutObjectCommand({ Bucket: bucket, Key: 'signed', Body: content }))
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: 'signed' }))
  const back = await Body?.transformToByteArray()
  require(back !== undefined &&
    sha256(back) === sha256(content), 'the signed GET returned different bytes from those PUT')
  const url = await presignedPut(s3, 'presigned')
  const put = await client.send({
    url,
    method: 'PUT',
    headers: { origin: writer },
    body: content.toString('base64'),
  })
  require(put.status === 200, `presigned PUT: ${described(put)}`)
  require(put.headers['access-control-allow-origin'] === writer, 'the presigned PUT has no CORS headers')
  const get = await client.send({ url: await presignedGet(s3, 'presigned'), headers: { origin: reader } })
  require(get.status === 200, `presigned GET: ${described(get)}`)
  require(sha256(Buffer.from(get.body, 'base64')) ===
    sha256(content), 'the presigned GET returned different bytes from those PUT')
  const evil = await client.send({ url: await presignedGet(s3, 'presigned'), headers: { origin: stranger } })
  const access = Object.keys(evil.headers).filter((name) => name.startsWith('access-control-'))
  require(access.length === 0, `an origin without a rule gets ${access.join(', ')}`)
  return 'signed and presigned PUT and GET of 5 MiB with equal hashes, no CORS headers for a stranger'
}

/** Preflights, answered by the overlays' rule file. */
export async function askPreflights(base: string, client: PodClient): Promise<string> {
  const cases: readonly (readonly [string, string, number])[] = [
    [writer, 'PUT', 200],
    [reader, 'GET', 200],
    [reader, 'PUT', 403],
    [stranger, 'GET', 403],
  ]
  for (const [origin, method, status] of cases) {
    const answer = await client.send(preflight(base, origin, method))
    require(answer.status === status, `preflight of ${origin} for ${method}: ${described(answer)}`)
    const allowed = answer.headers['access-control-allow-origin']
    require((allowed === undefined) === (status === 403), `preflight of ${origin} allows ${allowed}`)
  }
  return `${cases.length} preflights as expected`
}

export const described = ({ status, error, body }: Answer): string =>
  `${error ?? status} ${Buffer.from(body, 'base64').toString().slice(0, 200)}`
