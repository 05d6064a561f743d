import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  S3Client,
} from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readSettings } from '../../src/settings/settings.ts'
import { type Sidecar, startSidecar } from '../../src/sidecar/sidecar.ts'

const undo: (() => Promise<unknown>)[] = []
const seen: string[] = []
let folder: string
let sidecar: Sidecar
let client: S3Client

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'api-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  await writeFile(
    join(folder, '.keys.yaml'),
    'accessKeys:\n  - {id: AKIDEXAMPLE, secret: a-secret, buckets: [photos]}\n',
  )
  const store = createServer((request, response) => {
    seen.push(`${request.method} ${request.url}`)
    response.end('from the store')
  })
  await new Promise<void>((resolve) => store.listen(0, '127.0.0.1', resolve))
  undo.push(async () => store.close())
  const { port } = store.address() as AddressInfo
  const read = readSettings({
    flags: {
      upstream: `http://127.0.0.1:${port}`,
      rules: folder,
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      dialect: 's3',
      bucketCorsApi: 'write',
      credentials: join(folder, '.keys.yaml'),
      logLevel: 'silent',
    },
    environment: {},
    config: undefined,
  })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  sidecar = await startSidecar(read.settings)
  undo.push(sidecar.close)
  client = new S3Client({
    endpoint: `http://127.0.0.1:${sidecar.dataAddress.port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'a-secret' },
    maxAttempts: 1,
  })
  undo.push(async () => client.destroy())
})

afterAll(async () => {
  for (const step of undo.reverse()) await step()
})

const preflight = (bucket: string) =>
  fetch(`http://127.0.0.1:${sidecar.dataAddress.port}/${bucket}/k`, {
    method: 'OPTIONS',
    headers: { Origin: 'https://app.example', 'Access-Control-Request-Method': 'PUT' },
  })

test('a caller reads its own write, and the next preflight on any connection uses it', async () => {
  expect((await preflight('photos')).status).toBe(403)
  await expect(client.send(new GetBucketCorsCommand({ Bucket: 'photos' }))).rejects.toMatchObject({
    name: 'NoSuchCORSConfiguration',
  })
  const rule = { AllowedOrigins: ['https://app.example'], AllowedMethods: ['PUT'], ExposeHeaders: ['ETag'] }
  await client.send(new PutBucketCorsCommand({ Bucket: 'photos', CORSConfiguration: { CORSRules: [rule] } }))
  expect((await preflight('photos')).status).toBe(200)
  expect((await client.send(new GetBucketCorsCommand({ Bucket: 'photos' }))).CORSRules).toEqual([rule])
  expect(await readFile(join(folder, 'photos.yaml'), 'utf8')).toContain('https://app.example')

  await client.send(new DeleteBucketCorsCommand({ Bucket: 'photos' }))
  expect((await preflight('photos')).status).toBe(403)
})

test('a key can write only the buckets that it names, and the store receives no request', async () => {
  const rule = { AllowedOrigins: ['*'], AllowedMethods: ['GET'] }
  await expect(
    client.send(new PutBucketCorsCommand({ Bucket: 'other', CORSConfiguration: { CORSRules: [rule] } })),
  ).rejects.toMatchObject({ name: 'AccessDenied' })
  expect((await preflight('other')).status).toBe(403)
  // The store is asked whether the bucket exists, but not for a key that may not use it.
  expect(new Set(seen)).toEqual(new Set(['HEAD /photos/']))
})
