import { Agent } from 'node:http'
import type { LookupFunction } from 'node:net'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  ChecksumAlgorithm,
  CopyObjectCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  type S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { accessKeyId, s3Client, secret } from '../auth/clients.ts'
import { Bucket, checked, hostStyle, pathStyle, put, seen, signed, withKeys } from './s3-sdk.ts'
import { noise, oddKeys, type SdkCall } from './sdk-call.ts'

/** Resolves every name to this machine. */
const lookup: LookupFunction = (_name, options, done) => {
  if (options.all) done(null, [{ address: '127.0.0.1', family: 4 }])
  else done(null, '127.0.0.1', 4)
}

const hostStyleClient = (port: number): S3Client =>
  s3Client(port, {
    endpoint: `http://s3.test:${port}`,
    forcePathStyle: false,
    requestHandler: { httpAgent: new Agent({ lookup }) },
  })

const bodies: readonly (readonly [string, () => string | Buffer | Readable, object, readonly string[]])[] = [
  ['a string', () => 'Grüße, 世界', {}, checked],
  ['no bytes', () => Buffer.alloc(0), {}, checked],
  ['a Buffer', () => noise(300_000), {}, checked],
  [
    'a stream',
    () => Readable.from([noise(70_000), noise(130_000, 2)], { objectMode: false }),
    { ContentLength: 200_000 },
    ['sigv4 header', 'body hash', 'aws-chunked', 'crc32 trailer'],
  ],
  [
    'a stream of some megabytes',
    () => Readable.from([noise(1_500_000), noise(1_000_000, 2)], { objectMode: false }),
    { ContentLength: 2_500_000 },
    ['sigv4 header', 'body hash', 'aws-chunked', 'crc32 trailer'],
  ],
]

const algorithms = [
  ChecksumAlgorithm.CRC32C,
  ChecksumAlgorithm.CRC64NVME,
  ChecksumAlgorithm.SHA1,
  ChecksumAlgorithm.SHA256,
]

/** Values that look like lists, repeats or whitespace, which a proxy might normalise. */
const metadata = {
  plain: 'value',
  list: 'a, a,b , a',
  quoted: '"x", "y"; z="1"',
  blanks: 'one  two   three',
  encoded: '%E4%BD%A0 + =?UTF-8?Q?=E4=BD=A0?=',
  'x-forwarded-for': '10.0.0.1',
  connection: 'close',
  empty: '',
}

/** Puts, reads, heads, lists and deletes an object. */
async function roundTrip(client: S3Client, Key: string): Promise<unknown> {
  return [
    await seen(await put(client, Key, `the object ${Key}`)),
    await seen(await client.send(new GetObjectCommand({ Bucket, Key }))),
    await seen(await client.send(new HeadObjectCommand({ Bucket, Key }))),
    await seen(await client.send(new ListObjectsV2Command({ Bucket, Prefix: Key }))),
    await seen(await client.send(new DeleteObjectCommand({ Bucket, Key }))),
    await client.send(new GetObjectCommand({ Bucket, Key })).catch((error: Error) => error.name),
  ]
}

async function putAndGet(client: S3Client, Body: string | Buffer | Readable, more: object): Promise<unknown> {
  return [
    await seen(await put(client, 'object', Body, more)),
    await seen(await client.send(new GetObjectCommand({ Bucket, Key: 'object' }))),
  ]
}

const clientCalls: readonly SdkCall[] = [
  ...oddKeys.map((key) => ({
    name: `client-s3: an object named ${JSON.stringify(key)}`,
    group: pathStyle,
    proofs: checked,
    run: (port: number) => roundTrip(s3Client(port), key),
  })),
  ...[...oddKeys, '/leading', '//two leading'].map((key) => ({
    name: `client-s3, bucket in Host: an object named ${JSON.stringify(key)}`,
    group: hostStyle,
    proofs: checked,
    run: (port: number) => roundTrip(hostStyleClient(port), key),
  })),
  ...bodies.map(([name, body, more, proofs]) => ({
    name: `client-s3: a body that is ${name}`,
    group: pathStyle,
    proofs,
    run: (port: number) => putAndGet(s3Client(port), body(), more),
  })),
  ...algorithms.flatMap((algorithm) => [
    {
      name: `client-s3: ${algorithm} in a header`,
      group: pathStyle,
      proofs: [...signed, algorithm.toLowerCase()],
      run: (port: number) => putAndGet(s3Client(port), noise(20_000), { ChecksumAlgorithm: algorithm }),
    },
    {
      name: `client-s3: ${algorithm} in a trailer`,
      group: pathStyle,
      proofs: [...signed, 'aws-chunked', `${algorithm.toLowerCase()} trailer`],
      run: (port: number) =>
        putAndGet(s3Client(port), Readable.from([noise(20_000)], { objectMode: false }), {
          ChecksumAlgorithm: algorithm,
          ContentLength: 20_000,
        }),
    },
  ]),
  {
    name: 'client-s3: metadata and the headers of an object',
    group: pathStyle,
    proofs: checked,
    run: async (port) =>
      putAndGet(s3Client(port), noise(10), {
        Metadata: metadata,
        ContentType: 'text/plain; charset=utf-8',
        ContentEncoding: 'gzip',
        CacheControl: 'max-age=0,  no-cache',
        ContentDisposition: 'attachment; filename="a, b.txt"; filename*=UTF-8\'\'%E4%BD%A0.txt',
        Expires: new Date(1_800_000_000_000),
      }),
  },
  {
    name: 'client-s3: ranges',
    group: pathStyle,
    proofs: checked,
    run: async (port) => {
      const client = s3Client(port)
      await put(client, 'object', noise(1000))
      const ranges = ['bytes=0-0', 'bytes=10-99', 'bytes=990-', 'bytes=-7', 'bytes=2000-']
      const get = async (Range: string): Promise<unknown> => {
        try {
          return await seen(await client.send(new GetObjectCommand({ Bucket, Key: 'object', Range })))
        } catch (error) {
          return String(error)
        }
      }
      return Promise.all(ranges.map(get))
    },
  },
  {
    name: 'client-s3: lists with odd prefixes and delimiters, page by page',
    group: pathStyle,
    proofs: checked,
    run: async (port) => {
      const client = await withKeys(s3Client(port), oddKeys)
      const list = async (options: object): Promise<unknown> =>
        seen(await client.send(new ListObjectsV2Command({ Bucket, ...options })))
      const answers = [await list({})]
      for (const Prefix of ['ü', "it's (", 'a=b&', 'double//', '%2F', '100%', 'a+', '"', 'tab\t', 'none'])
        answers.push(await list({ Prefix }), await list({ Prefix, Delimiter: '/' }))
      for (const Delimiter of ['//', ' ', '%', '&', '+', '日'])
        answers.push(await list({ Delimiter, EncodingType: 'url' }))
      let ContinuationToken: string | undefined
      do {
        const page = await client.send(new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken }))
        answers.push(await seen(page))
        ContinuationToken = page.NextContinuationToken
      } while (ContinuationToken !== undefined)
      return answers
    },
  },
  {
    name: 'client-s3: many objects deleted at once',
    group: pathStyle,
    proofs: checked,
    run: async (port) => {
      const client = await withKeys(s3Client(port), oddKeys)
      const Delete = { Objects: oddKeys.map((Key) => ({ Key })) }
      return seen(await client.send(new DeleteObjectsCommand({ Bucket, Delete })))
    },
  },
  {
    name: 'client-s3: a copy of an object with an odd name',
    group: pathStyle,
    proofs: checked,
    run: async (port) => {
      const client = await withKeys(s3Client(port), ["ünï + 'x' (1).txt"])
      const CopySource = `${Bucket}/${encodeURIComponent("ünï + 'x' (1).txt")}`
      const copy = await client.send(new CopyObjectCommand({ Bucket, Key: 'the copy', CopySource }))
      const get = await client.send(new GetObjectCommand({ Bucket, Key: 'the copy' }))
      return [await seen(copy), await seen(get)]
    },
  },
  {
    name: 'client-s3: a session token',
    group: pathStyle,
    proofs: checked,
    run: (port) => {
      const sessionToken = `${'token/with+signs=='.repeat(60)}`
      return roundTrip(
        s3Client(port, { credentials: { accessKeyId, secretAccessKey: secret, sessionToken } }),
        'x',
      )
    },
  },
]

/** Larger than two parts. */
const large = noise(11 * 1024 * 1024)

const upload = async (port: number, Body: Buffer | Readable, queueSize: number): Promise<unknown> => {
  const client = s3Client(port)
  const params = { Bucket, Key: 'large/ünï +.bin', Body, Metadata: metadata }
  const done = await new Upload({ client, params, queueSize, partSize: 5 * 1024 * 1024 }).done()
  const { $metadata, Location, ...fields } = done
  return [fields, await seen(await client.send(new GetObjectCommand({ Bucket, Key: params.Key })))]
}

const uploadCalls: readonly SdkCall[] = [
  {
    name: 'lib-storage: a Buffer in parts, three at a time',
    group: pathStyle,
    proofs: checked,
    run: (port) => upload(port, large, 3),
  },
  {
    name: 'lib-storage: a stream in parts, one after the other',
    group: pathStyle,
    proofs: checked,
    run: (port) => upload(port, Readable.from([large], { objectMode: false }), 1),
  },
  {
    name: 'client-s3: an upload in parts that is listed, and aborted',
    group: pathStyle,
    proofs: checked,
    run: async (port) => {
      const client = s3Client(port)
      const at = { Bucket, Key: 'aborted (1) + é' }
      const { UploadId } = await client.send(new CreateMultipartUploadCommand(at))
      const part = { ...at, UploadId, PartNumber: 1, Body: noise(5000) }
      return [
        await seen(await client.send(new UploadPartCommand(part))),
        await seen(await client.send(new ListPartsCommand({ ...at, UploadId }))),
        await seen(await client.send(new AbortMultipartUploadCommand({ ...at, UploadId }))),
        await client.send(new UploadPartCommand(part)).catch((error: Error) => error.name),
      ]
    },
  },
]

export const s3Calls: readonly SdkCall[] = [...clientCalls, ...uploadCalls]
