import {
  DeleteBucketCorsCommand,
  GetBucketCorsCommand,
  PutBucketCorsCommand,
  S3ServiceException,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import type COS from 'cos-nodejs-sdk-v5'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { accessKeyId, cosClient, ossClient, s3Client, secret } from '../auth/clients.ts'
import { startSidecar, type TestSidecar } from './sidecar.ts'

const credentials = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`
const origin = 'https://example.com'

let sidecar: TestSidecar
afterEach(async () => {
  expect(sidecar.failures).toEqual([])
  // After a caller is authenticated, the store is only asked whether the bucket exists.
  expect(sidecar.storeRequests.filter(({ method }) => method !== 'HEAD')).toEqual([])
  await sidecar.close()
})

describe('@aws-sdk/client-s3', () => {
  beforeEach(async () => {
    sidecar = await startSidecar({ dialect: 's3', credentials })
  })
  const Bucket = 'photos'
  const CORSConfiguration = {
    CORSRules: [
      {
        ID: 'web',
        AllowedOrigins: [origin, 'https://*.example.org'],
        AllowedMethods: ['GET', 'PUT'],
        AllowedHeaders: ['*'],
        ExposeHeaders: ['ETag'],
        MaxAgeSeconds: 600,
      },
      { AllowedOrigins: ['*'], AllowedMethods: ['GET'] },
    ],
  }

  test('putBucketCors, getBucketCors, deleteBucketCors', async () => {
    const client = s3Client(sidecar.port)
    const missing = await client.send(new GetBucketCorsCommand({ Bucket })).catch((error: unknown) => error)
    expect(missing).toBeInstanceOf(S3ServiceException)
    expect(missing).toMatchObject({ name: 'NoSuchCORSConfiguration', $metadata: { httpStatusCode: 404 } })
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }))
    expect((await sidecar.preflight(origin)).status).toBe(200)
    const got = await client.send(new GetBucketCorsCommand({ Bucket }))
    expect(got.CORSRules).toEqual(CORSConfiguration.CORSRules)
    const removed = await client.send(new DeleteBucketCorsCommand({ Bucket }))
    expect(removed.$metadata.httpStatusCode).toBe(204)
    expect((await sidecar.preflight(origin)).status).toBe(403)
  })

  test('a presigned call', async () => {
    const client = s3Client(sidecar.port)
    await client.send(new PutBucketCorsCommand({ Bucket, CORSConfiguration }))
    const url = await getSignedUrl(client, new GetBucketCorsCommand({ Bucket }), { expiresIn: 60 })
    expect((await fetch(url)).status).toBe(200)
    expect((await fetch(`${url}&x=1`)).status).toBe(403)
  })

  test('a client with another secret gets SignatureDoesNotMatch', async () => {
    const wrong = s3Client(sidecar.port, { credentials: { accessKeyId, secretAccessKey: 'guess' } })
    const unknown = s3Client(sidecar.port, {
      credentials: { accessKeyId: 'NOBODY', secretAccessKey: secret },
    })
    const put = new PutBucketCorsCommand({ Bucket, CORSConfiguration })
    await expect(wrong.send(put)).rejects.toMatchObject({ name: 'SignatureDoesNotMatch' })
    await expect(unknown.send(put)).rejects.toMatchObject({ name: 'InvalidAccessKeyId' })
    expect(await sidecar.list()).toEqual([])
  })

  test('a configuration that cannot be stored gives an error that the SDK can parse', async () => {
    const rule = { AllowedOrigins: ['https://*.*.example'], AllowedMethods: ['GET'] }
    const put = new PutBucketCorsCommand({ Bucket, CORSConfiguration: { CORSRules: [rule] } })
    await expect(s3Client(sidecar.port).send(put)).rejects.toMatchObject({
      name: 'InvalidRequest',
      message: expect.stringContaining('can not have more than one wildcard'),
    })
  })
})

describe.each([
  ['V1, bucket in Host', { authorizationV4: false }],
  ['V4, bucket in Host', { authorizationV4: true }],
  ['V1, bucket in the path', { authorizationV4: false, sldEnable: true }],
  ['V4, bucket in the path', { authorizationV4: true, sldEnable: true }],
])('ali-oss, %s', (_, options) => {
  beforeEach(async () => {
    const isPath = 'sldEnable' in options
    const hostSuffixes = isPath ? [] : ['oss-cn-hangzhou.aliyuncs.com']
    sidecar = await startSidecar({ dialect: 'oss', credentials, setup: { hostSuffixes } })
  })
  const rules = [
    {
      allowedOrigin: [origin, 'https://b.example'],
      allowedMethod: ['GET', 'PUT'],
      allowedHeader: '*',
      exposeHeader: ['ETag', 'x-oss-request-id'],
      maxAgeSeconds: '600',
    },
  ]

  test('putBucketCORS, getBucketCORS, deleteBucketCORS', async () => {
    const client = ossClient(sidecar.port, 'photos', options)
    await expect(client.getBucketCORS('photos')).rejects.toMatchObject({
      status: 404,
      code: 'NoSuchCORSConfiguration',
    })
    expect((await client.putBucketCORS('photos', rules)).res.status).toBe(200)
    expect((await client.getBucketCORS('photos')).rules).toEqual([{ ...rules[0], maxAgeSeconds: '600' }])
    expect((await client.deleteBucketCORS('photos')).res.status).toBe(204)
    expect(await sidecar.list()).toEqual([])
  })

  test('a client with another secret gets SignatureDoesNotMatch', async () => {
    const client = ossClient(sidecar.port, 'photos', { ...options, accessKeySecret: 'guess' })
    await expect(client.putBucketCORS('photos', rules)).rejects.toMatchObject({
      status: 403,
      code: 'SignatureDoesNotMatch',
    })
    expect(await sidecar.list()).toEqual([])
  })
})

describe('cos-nodejs-sdk-v5', () => {
  const bucket = { Bucket: 'examplebucket-1250000000', Region: 'ap-beijing' }
  // As printed on the SDK's page "Cross-Origin Access".
  const rules = [
    {
      AllowedOrigin: ['*'],
      AllowedMethod: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'],
      AllowedHeader: ['*'],
      ExposeHeader: ['ETag', 'x-cos-acl', 'x-cos-version-id'],
      MaxAgeSeconds: '5',
    },
  ]
  // The types have only the plural names.
  const put = (client: COS): Promise<COS.PutBucketCorsResult> =>
    client.putBucketCors({ ...bucket, CORSRules: rules as never })
  const tied = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}", buckets: [${bucket.Bucket}]}\n`

  test.each([
    ['with the Host of the service', true, credentials],
    ['with the bucket in the path, which is signed without it', false, tied],
  ])('putBucketCors, getBucketCors, deleteBucketCors, %s', async (_, byHost, keys) => {
    const hostSuffixes = byHost ? ['cos.ap-beijing.myqcloud.com'] : []
    sidecar = await startSidecar({ credentials: keys, setup: { hostSuffixes } })
    const address = `127.0.0.1:${sidecar.port}`
    const client = cosClient(byHost ? { Ip: address } : { Domain: `${address}/{Bucket}` })
    expect((await client.getBucketCors(bucket)).CORSRules).toEqual([])
    expect((await put(client)).statusCode).toBe(200)
    const { CORSRules } = await client.getBucketCors(bucket)
    expect(CORSRules).toEqual([
      {
        AllowedOrigins: ['*'],
        AllowedMethods: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'],
        AllowedHeaders: ['*'],
        ExposeHeaders: ['ETag', 'x-cos-acl', 'x-cos-version-id'],
        MaxAgeSeconds: '5',
      },
    ])
    expect((await client.deleteBucketCors(bucket)).statusCode).toBe(204)
    expect((await client.getBucketCors(bucket)).CORSRules).toEqual([])
  })

  test('a signature over the bare path is refused to a key that is not tied to the bucket', async () => {
    sidecar = await startSidecar({ credentials })
    const client = cosClient({ Domain: `127.0.0.1:${sidecar.port}/{Bucket}` })
    await expect(put(client)).rejects.toMatchObject({
      statusCode: 403,
      code: 'AccessDenied',
    })
    expect(await sidecar.list()).toEqual([])
  })

  test('a client whose clock is ahead sets it by our answer and succeeds', async () => {
    const hostSuffixes = ['cos.ap-beijing.myqcloud.com']
    sidecar = await startSidecar({ credentials, setup: { hostSuffixes } })
    const client = cosClient({
      Ip: `127.0.0.1:${sidecar.port}`,
      SystemClockOffset: 7_200_000,
      CorrectClockSkew: true,
    })
    expect((await put(client)).statusCode).toBe(200)
  })

  test('a client whose clock is behind also sets it by our answer and succeeds', async () => {
    const hostSuffixes = ['cos.ap-beijing.myqcloud.com']
    sidecar = await startSidecar({ credentials, setup: { hostSuffixes } })
    const client = cosClient({
      Ip: `127.0.0.1:${sidecar.port}`,
      SystemClockOffset: -7_200_000,
      CorrectClockSkew: true,
    })
    expect((await put(client)).statusCode).toBe(200)
  })
})
