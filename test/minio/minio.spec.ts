import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateBucketCommand,
  CreateMultipartUploadCommand,
  GetBucketCorsCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketCorsCommand,
  PutObjectCommand,
  S3Client,
  type ServiceInputTypes,
  type ServiceOutputTypes,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { Upload } from '@aws-sdk/lib-storage'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { AssumeRoleProvider } from 'minio/dist/esm/AssumeRoleProvider.mjs'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { chromiumPath, launchChromium } from '../browser/chromium.ts'
import { folderWith } from '../rules/directory.ts'
import { exchange, metric, preflight } from '../serve/exchange.ts'
import { endProgram, type Program, startProgram } from '../serve/program.ts'
import { accessKeyId, hasMinio, type Minio, secretAccessKey, startMinio } from './minio.ts'
import { fetchIn, type Init, type Seen } from './page.ts'
import { hashOf, noise, putStream, residentMemory } from './transfer.ts'

const mebibyte = 1024 * 1024
const gibibyte = 1024 * mebibyte

/** Two buckets, two origins: each may do in one bucket what it may not do in the other. */
const rulesFor = (app: string, viewer: string): Readonly<Record<string, string>> => ({
  'photos.yaml': `rules:
  - id: app
    allowedOrigins: ["${app}"]
    allowedMethods: [GET, HEAD, PUT, POST, DELETE]
    allowedHeaders: ["*"]
    exposeHeaders: [ETag]
    maxAgeSeconds: 5
`,
  'reports.yaml': `rules:
  - id: viewer
    allowedOrigins: ["${viewer}"]
    allowedMethods: [GET, HEAD]
    allowedHeaders: [range]
    exposeHeaders: [Content-Range]
    maxAgeSeconds: 5
`,
})

interface Keys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

test('MinIO and a browser are installed', () => {
  expect(hasMinio(), 'no MinIO: set MINIO_PATH').toBe(true)
  expect(chromiumPath, 'no Chromium: set CHROMIUM_PATH').toBeDefined()
})

describe.skipIf(!hasMinio() || chromiumPath === undefined)('in front of MinIO', () => {
  const undo: (() => Promise<unknown>)[] = []
  const figures: string[] = []
  let minio: Minio
  let program: Program
  let s3: S3Client
  let app = ''
  let viewer = ''
  let appPage: Page
  let viewerPage: Page

  const client = (credentials: Keys = { accessKeyId, secretAccessKey }): S3Client =>
    new S3Client({
      endpoint: program.data,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials,
      maxAttempts: 1,
    })
  /** A caller that MinIO allows `actions` on all buckets, and nothing else. Created through the sidecar. */
  const callerAllowed = async (...actions: readonly string[]): Promise<S3Client> => {
    const Statement = [{ Effect: 'Allow', Action: actions, Resource: ['arn:aws:s3:::*'] }]
    const policy = JSON.stringify({ Version: '2012-10-17', Statement })
    const provider = new AssumeRoleProvider({
      stsEndpoint: program.data,
      accessKey: accessKeyId,
      secretKey: secretAccessKey,
      policy,
    })
    const known = await provider.getCredentials()
    return client({
      accessKeyId: known.getAccessKey(),
      secretAccessKey: known.getSecretKey(),
      sessionToken: known.getSessionToken() ?? '',
    })
  }
  const presigned = <Input extends ServiceInputTypes, Output extends ServiceOutputTypes>(
    command: Parameters<typeof getSignedUrl<ServiceInputTypes, Input, Output>>[1],
  ): Promise<string> => getSignedUrl(s3, command, { expiresIn: 600 })
  const inApp = (url: string, init?: Init): Promise<Seen> => fetchIn(appPage, url, init)
  const inViewer = (url: string, init?: Init): Promise<Seen> => fetchIn(viewerPage, url, init)
  const body = (seen: Seen): string => (seen.kind === 'answer' ? seen.body : '')
  const header = (seen: Seen, name: string): string | undefined =>
    seen.kind === 'answer' ? seen.headers[name] : undefined

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minio-'))
    undo.push(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }))
    minio = await startMinio(join(folder, 'data'))
    undo.push(minio.close)
    const pages = await openLocalPort(0)
    undo.push(pages.close)
    pages.serve((_request, response) =>
      response.setHeader('content-type', 'text/html').end('<!doctype html>'),
    )
    app = `http://127.0.0.1:${pages.port}`
    viewer = `http://localhost:${pages.port}`
    const rules = await folderWith(join(folder, 'rules'), rulesFor(app, viewer))
    program = await startProgram(minio.url, rules, ['--dialect', 's3'])
    undo.push(() => endProgram(program))
    s3 = client()
    for (const Bucket of ['photos', 'reports', 'private']) await s3.send(new CreateBucketCommand({ Bucket }))
    const { context, close } = await launchChromium()
    undo.push(close)
    appPage = await context.newPage()
    await appPage.goto(`${app}/`)
    viewerPage = await context.newPage()
    await viewerPage.goto(`${viewer}/`)
  })

  afterAll(async () => {
    console.log(['figures of this run', ...figures].join('\n  '))
    for (const step of undo.reverse()) await step()
  })

  test("MinIO's own headers allow every origin, and the sidecar removes them", async () => {
    const origin = 'https://evil.example'
    const allow = 'access-control-allow-origin'
    const past = await exchange(`${minio.url}/photos/x`, { headers: { Origin: origin } })
    const through = await exchange(`${program.data}/photos/x`, { headers: { Origin: origin } })
    // MinIO allows every page to send cookies and passwords.
    expect(past.headers[allow]).toBe(origin)
    expect(past.headers['access-control-allow-credentials']).toBe('true')
    expect(through.status).toBe(past.status)
    expect(Object.keys(through.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
    expect((await exchange(`${minio.url}/photos/x`, preflight(origin, 'PUT'))).headers[allow]).toBe(origin)
    const refused = await exchange(`${program.data}/photos/x`, preflight(origin, 'PUT'))
    expect(refused.status).toBe(403)
    expect(refused.headers[allow]).toBeUndefined()
    expect(refused.body.toString()).toContain('<Code>AccessForbidden</Code>')
  })

  test('a page puts and gets an object by presigned URLs, and reads its ETag', async () => {
    const at = { Bucket: 'photos', Key: 'folder/ünï code+1.txt' }
    const put = await inApp(await presigned(new PutObjectCommand(at)), {
      method: 'PUT',
      body: 'from the page',
    })
    expect(put).toMatchObject({ kind: 'answer', status: 200 })
    expect(header(put, 'etag')).toMatch(/^"[0-9a-f]{32}"$/)
    const got = await inApp(await presigned(new GetObjectCommand(at)))
    expect(got).toMatchObject({ kind: 'answer', status: 200, body: 'from the page' })
    expect(header(got, 'etag')).toBe(header(put, 'etag'))
  })

  test("the store's errors reach the page: a missing object, a wrong signature", async () => {
    const url = await presigned(new GetObjectCommand({ Bucket: 'photos', Key: 'absent' }))
    expect(await inApp(url)).toMatchObject({ status: 404, body: expect.stringContaining('NoSuchKey') })
    const wrong = url.replace(/Signature=..../, 'Signature=0000')
    expect(await inApp(wrong)).toMatchObject({
      status: 403,
      body: expect.stringContaining('SignatureDoesNotMatch'),
    })
  })

  test('a page uploads in parts and reads the ETag of each', async () => {
    const at = { Bucket: 'photos', Key: 'parts.txt' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(at))
    const parts = ['a'.repeat(5 * mebibyte), 'the end']
    const entries: string[] = []
    for (const [index, part] of parts.entries()) {
      const PartNumber = index + 1
      const url = await presigned(new UploadPartCommand({ ...at, UploadId, PartNumber }))
      const seen = await inApp(url, { method: 'PUT', body: part })
      expect(header(seen, 'etag')).toMatch(/^"[0-9a-f]{32}"$/)
      entries.push(`<Part><PartNumber>${PartNumber}</PartNumber><ETag>${header(seen, 'etag')}</ETag></Part>`)
    }
    const completed = await inApp(await presigned(new CompleteMultipartUploadCommand({ ...at, UploadId })), {
      method: 'POST',
      body: `<CompleteMultipartUpload>${entries.join('')}</CompleteMultipartUpload>`,
    })
    expect(completed).toMatchObject({ status: 200, body: expect.stringContaining('-2') })
    const { Body } = await s3.send(new GetObjectCommand(at))
    expect(await Body?.transformToString()).toBe(parts.join(''))
  })

  test('a page reads a range and lists a bucket', async () => {
    await s3.send(new PutObjectCommand({ Bucket: 'reports', Key: 'digits', Body: '0123456789' }))
    const url = await presigned(new GetObjectCommand({ Bucket: 'reports', Key: 'digits' }))
    const seen = await inViewer(url, { headers: { Range: 'bytes=2-4' } })
    expect(seen).toMatchObject({ kind: 'answer', status: 206, body: '234' })
    expect(header(seen, 'content-range')).toBe('bytes 2-4/10')
    const beyond = await inViewer(url, { headers: { Range: 'bytes=100-' } })
    expect(beyond).toMatchObject({ status: 416 })
    const list = await inViewer(await presigned(new ListObjectsV2Command({ Bucket: 'reports' })))
    expect(body(list)).toContain('<Key>digits</Key>')
  })

  test('each bucket has its own rules: other pages and methods are blocked, and a bucket without rules blocks all', async () => {
    const read = (Bucket: string): Promise<string> =>
      presigned(new GetObjectCommand({ Bucket, Key: 'digits' }))
    const write = (Bucket: string): Promise<string> => presigned(new PutObjectCommand({ Bucket, Key: 'new' }))
    expect(await inApp(await read('reports'))).toEqual({ kind: 'blocked' })
    expect(await inViewer(await read('photos'))).toEqual({ kind: 'blocked' })
    expect(await inViewer(await write('reports'), { method: 'PUT', body: 'x' })).toEqual({ kind: 'blocked' })
    expect(await inApp(await read('private'))).toEqual({ kind: 'blocked' })
    expect(await inApp(await write('private'), { method: 'PUT', body: 'x' })).toEqual({ kind: 'blocked' })
    const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: 'private' }))
    expect(KeyCount).toBe(0)
  })

  test('?cors shows the rules only to callers that MinIO authorises', async () => {
    const { CORSRules } = await s3.send(new GetBucketCorsCommand({ Bucket: 'reports' }))
    expect(CORSRules).toEqual([
      {
        ID: 'viewer',
        AllowedOrigins: [viewer],
        AllowedMethods: ['GET', 'HEAD'],
        AllowedHeaders: ['range'],
        ExposeHeaders: ['Content-Range'],
        MaxAgeSeconds: 5,
      },
    ])
    const ask = (sender: S3Client) => sender.send(new GetBucketCorsCommand({ Bucket: 'reports' }))
    const wrong = client({ accessKeyId, secretAccessKey: 'a wrong secret' })
    await expect(ask(wrong)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
    // Spelled differently from AWS (s3:GetBucketCORS).
    expect((await ask(await callerAllowed('s3:GetBucketCors'))).CORSRules).toEqual(CORSRules)
    await expect(ask(await callerAllowed('s3:GetObject'))).rejects.toMatchObject({ name: 'AccessDenied' })
    expect((await exchange(`${program.data}/reports?cors`)).status).toBe(403)
    const put = new PutBucketCorsCommand({
      Bucket: 'reports',
      CORSConfiguration: { CORSRules: [{ AllowedOrigins: ['*'], AllowedMethods: ['GET'] }] },
    })
    await expect(s3.send(put)).rejects.toMatchObject({ name: 'MethodNotAllowed' })
  })

  test('1 GiB that is uploaded in one PUT is downloaded unchanged', { timeout: 300_000 }, async () => {
    const at = { Bucket: 'photos', Key: 'one.bin' }
    const before = await residentMemory(program.pid)
    const sent = noise(gibibyte)
    const started = performance.now()
    expect(await putStream(await presigned(new PutObjectCommand(at)), gibibyte, sent.stream)).toBe(200)
    const up = performance.now()
    const { Body } = await s3.send(new GetObjectCommand(at))
    if (!(Body instanceof Readable)) throw new Error('The SDK gave no stream.')
    expect(await hashOf(Body)).toEqual({ length: gibibyte, hash: sent.hash() })
    const down = performance.now()
    figures.push(
      `1 GiB up ${seconds(started, up)}, down ${seconds(up, down)}, the SHA-256 on both sides included`,
      `resident memory of the sidecar ${before} MiB before, ${await residentMemory(program.pid)} MiB after`,
    )
  })

  test('a stream that the SDK uploads in parts arrives complete', { timeout: 120_000 }, async () => {
    const at = { Bucket: 'photos', Key: 'sdk.bin' }
    const length = 128 * mebibyte
    const sent = noise(length)
    await new Upload({ client: s3, params: { ...at, Body: sent.stream }, partSize: 16 * mebibyte }).done()
    const { Body } = await s3.send(new GetObjectCommand(at))
    if (!(Body instanceof Readable)) throw new Error('The SDK gave no stream.')
    expect(await hashOf(Body)).toEqual({ length, hash: sent.hash() })
  })

  test('when MinIO goes down, transfers are aborted and pages get an error; everything works again when it is back', {
    timeout: 120_000,
  }, async () => {
    const { Body } = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'one.bin' }))
    if (!(Body instanceof Readable)) throw new Error('The SDK gave no stream.')
    const upload = { Bucket: 'photos', Key: 'interrupted.bin' }
    const { UploadId } = await s3.send(new CreateMultipartUploadCommand(upload))
    const url = await presigned(new GetObjectCommand({ Bucket: 'photos', Key: 'parts.txt' }))
    const wasRead = await new Promise<number>((resolve) =>
      Body.once('data', (piece: Buffer) => resolve(piece.length)),
    )
    expect(wasRead).toBeGreaterThan(0)
    Body.pause()
    await minio.kill()

    // Never looks complete, because the announced length does not arrive.
    await expect(hashOf(Body)).rejects.toThrow()
    expect(await inApp(url)).toMatchObject({ kind: 'answer', status: 502 })
    expect(await inViewer(url)).toEqual({ kind: 'blocked' })
    const asked = await exchange(`${program.data}/photos/parts.txt`, preflight(app, 'PUT'))
    expect(asked.status).toBe(200)
    for (const probe of ['healthz', 'readyz'])
      expect((await exchange(`${program.admin}/${probe}`)).status).toBe(200)

    await minio.start()
    expect(await inApp(url)).toMatchObject({ kind: 'answer', status: 200 })
    const part = new UploadPartCommand({ ...upload, UploadId, PartNumber: 1 })
    expect(await inApp(await presigned(part), { method: 'PUT', body: 'again' })).toMatchObject({
      status: 200,
    })
    await s3.send(new AbortMultipartUploadCommand({ ...upload, UploadId }))
    const again = await s3.send(new GetObjectCommand({ Bucket: 'photos', Key: 'one.bin' }))
    if (!(again.Body instanceof Readable)) throw new Error('The SDK gave no stream.')
    expect((await hashOf(again.Body)).length).toBe(gibibyte)
    const refused = 'cors_sidecar_upstream_errors_total{type="refused"}'
    expect(await metric(program.admin, refused)).toBeGreaterThanOrEqual(1)
  })

  test('with the settings of the overlay, MinIO does not allow a page that bypasses the sidecar', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'minio-strict-'))
    const strict = await startMinio(folder, { MINIO_API_CORS_ALLOW_ORIGIN: 'http://cors.invalid' })
    undo.push(
      () => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
      strict.close,
    )
    const { headers } = await exchange(`${strict.url}/photos/x`, { headers: { Origin: app } })
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })
})

const seconds = (from: number, to: number): string => `${((to - from) / 1000).toFixed(1)} s`
