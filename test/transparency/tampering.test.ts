/** Control experiments: what happens if a single byte changes on the way to the store. */

import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessKeyId, cosClient, s3Client, secret } from '../auth/clients.ts'
import { signChunks } from './calls-chunk-signed.ts'
import { startInFront, startTamperingHop } from './in-front.ts'
import { headerValues } from './received.ts'
import { fetchAt, noise } from './sdk-call.ts'
import { startVerifyingStore, type VerifyingStore } from './verifying-store.ts'

/** Where the tampered words are: `tamper-path`, `tamper-query`, `tamper-header`, `tamper-body`. */
type Part = 'path' | 'query' | 'header' | 'body'

interface Row {
  readonly name: string
  /** What the signature covers, directly or through digests. */
  readonly covers: readonly Part[]
  readonly run: (port: number) => Promise<unknown>
}

interface OssClient {
  put(name: string, body: Buffer, options: object): Promise<unknown>
  listV2(query: object): Promise<unknown>
  signatureUrl(name: string, options: object): string
  signatureUrlV4(method: string, expires: number, request: object, name: string): Promise<string>
}
const OSS: new (options: object) => OssClient = createRequire(import.meta.url)('ali-oss')
const ossOptions = { region: 'oss-cn-hangzhou', accessKeyId, accessKeySecret: secret, bucket: 'photos' }
const oss = (port: number, options: object = {}): OssClient =>
  new OSS({ ...ossOptions, endpoint: `http://127.0.0.1:${port}`, ...options })
const ossAtName = (): OssClient => new OSS({ ...ossOptions, endpoint: 'http://oss.test' })

/** A refused stream cannot be sent again, and the client would warn about that. */
const silent = (): void => {}
const logger = { debug: silent, info: silent, warn: silent, error: silent }

const at = { Bucket: 'photos', Key: 'tamper-path' }
const put = (port: number, more: Partial<PutObjectCommandInput>): Promise<unknown> =>
  s3Client(port, { logger }).send(new PutObjectCommand({ ...at, Metadata: { a: 'tamper-header' }, ...more }))

/** Large enough that the changed byte is not in the same chunk as the head. */
const body = Buffer.concat([noise(1000), Buffer.from('tamper-body')])
const cosAt = { Bucket: 'photos-1250000000', Region: 'ap-beijing', Key: 'tamper-path' }
const filename = 'attachment; filename=tamper-query'
const meta = { meta: { a: 'tamper-header' } }

const rows: readonly Row[] = [
  {
    name: 'sigv4 header: PutObject',
    covers: ['path', 'header', 'body'],
    run: (port) => put(port, { Body: body }),
  },
  {
    name: 'sigv4 header: ListObjectsV2',
    covers: ['query'],
    run: (port) =>
      s3Client(port).send(new ListObjectsV2Command({ Bucket: 'photos', Prefix: 'tamper-query' })),
  },
  {
    name: 'sigv4 header, aws-chunked with a checksum in the trailer',
    covers: ['path', 'header', 'body'],
    run: (port) =>
      put(port, { Body: Readable.from([body], { objectMode: false }), ContentLength: body.length }),
  },
  {
    name: 'sigv4 header, every chunk signed',
    covers: ['path', 'header', 'body'],
    run: async (port) => {
      const { url, ...sent } = await signChunks(port, '/photos/tamper-path', [noise(9000), body], false)
      return fetchAt(port, url, { method: 'PUT', ...sent })
    },
  },
  {
    name: 'sigv4 query: presigned PUT',
    covers: ['path', 'header'],
    run: async (port) => {
      const client = s3Client(port, { requestChecksumCalculation: 'WHEN_REQUIRED' })
      const command = new PutObjectCommand({ ...at, Metadata: { a: 'tamper-header' } })
      const unhoistableHeaders = new Set(['x-amz-meta-a'])
      const url = await getSignedUrl(client, command, { expiresIn: 60, unhoistableHeaders })
      return fetchAt(port, url, { method: 'PUT', body, headers: { 'x-amz-meta-a': 'tamper-header' } })
    },
  },
  {
    name: 'sigv4 query: presigned GET',
    covers: ['path', 'query'],
    run: async (port) => {
      await put(port, { Body: 'x', Metadata: {}, Key: 'other' })
      const command = new GetObjectCommand({ ...at, ResponseContentDisposition: filename })
      return fetchAt(port, await getSignedUrl(s3Client(port), command, { expiresIn: 60 }))
    },
  },
  {
    name: 'sigv4 form: presigned POST',
    covers: ['header'],
    run: async (port) => {
      const Fields = { 'x-amz-meta-a': 'tamper-header' }
      const { url, fields } = await createPresignedPost(s3Client(port), { ...at, Fields, Expires: 60 })
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.append(name, value)
      form.append('file', new File([new Uint8Array(body)], 'x'))
      return fetch(url, { method: 'POST', body: form })
    },
  },
  {
    name: 'oss v1 header',
    covers: ['path', 'header', 'body'],
    run: (port) => oss(port).put('tamper-path', body, meta),
  },
  {
    name: 'oss v4 header: put',
    covers: ['path', 'header', 'body'],
    run: (port) => oss(port, { authorizationV4: true }).put('tamper-path', body, meta),
  },
  {
    name: 'oss v4 header: listV2',
    covers: ['query'],
    run: (port) => oss(port, { authorizationV4: true }).listV2({ prefix: 'tamper-query' }),
  },
  {
    name: 'oss v1 query',
    covers: ['path', 'query'],
    run: (port) => {
      const response = { 'content-disposition': filename }
      return fetchAt(port, ossAtName().signatureUrl('tamper-path', { expires: 60, response }))
    },
  },
  {
    name: 'oss v4 query',
    covers: ['path', 'query'],
    run: async (port) => {
      const queries = { 'response-content-disposition': filename }
      return fetchAt(port, await ossAtName().signatureUrlV4('GET', 60, { queries }, 'tamper-path'))
    },
  },
  {
    name: 'cos header: putObject',
    covers: ['path', 'header', 'body'],
    run: (port) =>
      cosClient({ Ip: `127.0.0.1:${port}`, UploadCheckContentMd5: true }).putObject({
        ...cosAt,
        Body: body,
        Headers: { 'x-cos-meta-a': 'tamper-header' },
      }),
  },
  {
    name: 'cos header: getBucket',
    covers: ['query'],
    run: (port) => cosClient({ Ip: `127.0.0.1:${port}` }).getBucket({ ...cosAt, Prefix: 'tamper-query' }),
  },
  {
    name: 'cos query',
    covers: ['path', 'query'],
    run: (port) => {
      const { promise, resolve, reject } = Promise.withResolvers<unknown>()
      const params = { ...cosAt, Sign: true, Query: { 'response-content-disposition': filename } }
      cosClient({}).getObjectUrl(params, (_, { Url }) => fetchAt(port, Url).then(resolve, reject))
      return promise
    },
  },
]

const buckets = ['photos', 'photos-1250000000']
const hostSuffixes = ['oss-cn-hangzhou.aliyuncs.com', 'oss.test', 'cos.ap-beijing.myqcloud.com']
let store: VerifyingStore
let hop: Awaited<ReturnType<typeof startTamperingHop>>
let sidecar: Awaited<ReturnType<typeof startInFront>>
beforeAll(async () => {
  store = await startVerifyingStore({ key: { id: accessKeyId, secret }, hostSuffixes })
  hop = await startTamperingHop(store.port)
  sidecar = await startInFront(hop.port, buckets, { hostSuffix: hostSuffixes })
})
afterAll(async () => {
  await sidecar.close()
  await hop.close()
  await store.close()
})

/**
 * Runs `row` while the hop replaces `word` by `by`. Returns the store's refusals and the number of replacements.
 */
async function runTampered(row: Row, word: string, by: string) {
  store.reset()
  let replaced = 0
  hop.set((bytes) =>
    bytes.replaceAll(word, () => {
      replaced += 1
      return by
    }),
  )
  await row.run(sidecar.port).catch(() => undefined)
  const refused = store.recorded().filter(({ checked }) => checked.kind === 'refused')
  return { replaced, refused, recorded: store.recorded() }
}

describe.each(rows)('$name', (row) => {
  test('verifies if nothing is changed', async () => {
    const { refused, recorded } = await runTampered(row, 'tamper-nothing', 'tamper-nothinh')
    expect(refused).toEqual([])
    expect(recorded.length).toBeGreaterThan(0)
  })

  test.each(row.covers)('is refused with a byte of its %s changed', async (part) => {
    const { replaced, refused } = await runTampered(row, `tamper-${part}`, `tamper-${part.slice(0, -1)}X`)
    expect(replaced).toBeGreaterThan(0)
    expect(refused.map(({ status }) => status)).toEqual([
      expect.toSatisfy((status) => status === 403 || status === 400),
    ])
    for (const bucket of buckets) {
      expect(store.content(bucket, 'tamper-path')).toBeUndefined()
      expect(store.content(bucket, 'tamper-patX')).toBeUndefined()
    }
  })
})

test.each([
  'append',
  'replace',
])('with --forwarded-for %s every signature still verifies: none covers what the sidecar adds', async (forwardedFor) => {
  const flags = { hostSuffix: hostSuffixes, forwardedFor, debugHeaders: 'true' }
  const adding = await startInFront(store.port, buckets, flags)
  store.reset()
  for (const row of rows) await row.run(adding.port).catch(() => undefined)
  await adding.close()
  expect(store.recorded().filter(({ checked }) => checked.kind === 'refused')).toEqual([])
  expect(store.recorded().length).toBeGreaterThanOrEqual(rows.length)
  for (const request of store.recorded())
    expect(headerValues(request, 'x-forwarded-for')).toEqual(['127.0.0.1'])
})
