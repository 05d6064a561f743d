import { createRequire } from 'node:module'
import { GetBucketCorsCommand, PutBucketCorsCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import COS from 'cos-nodejs-sdk-v5'
import { Client as MinioClient } from 'minio'

const require = createRequire(import.meta.url)

/** The part of ali-oss that is used here; the package has no types. */
export interface OssClient {
  putBucketCORS(bucket: string, rules: readonly object[]): Promise<{ res: { status: number } }>
  getBucketCORS(bucket: string): Promise<{ rules: Record<string, unknown>[] }>
  deleteBucketCORS(bucket: string): Promise<{ res: { status: number } }>
  signatureUrl(name: string, options: object): string
  signatureUrlV4(method: string, expires: number, request: object, name?: string): Promise<string>
}
const OSS: new (options: object) => OssClient = require('ali-oss')

/** The key pair of all tests; never a real one. */
export const accessKeyId = 'AKIDEXAMPLE'
export const secret = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

export const s3Client = (port: number, options: object = {}): S3Client =>
  new S3Client({
    endpoint: `http://127.0.0.1:${port}`,
    region: 'us-east-1',
    forcePathStyle: true,
    maxAttempts: 1,
    credentials: { accessKeyId, secretAccessKey: secret },
    ...options,
  })

export const ossClient = (port: number, bucket: string, options: object = {}): OssClient =>
  new OSS({
    region: 'oss-cn-hangzhou',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    accessKeySecret: secret,
    bucket,
    ...options,
  })

/** `Ip`: the request goes to loopback with the Host of the real service. */
export const cosClient = (options: object): COS =>
  new COS({ SecretId: accessKeyId, SecretKey: secret, Protocol: 'http:', ...options })

export const minioClient = (port: number): MinioClient =>
  new MinioClient({
    endPoint: '127.0.0.1',
    port,
    useSSL: false,
    accessKey: accessKeyId,
    secretKey: secret,
    region: 'eu-central-1',
  })

/** Otherwise the client warns on stderr that the session token cannot be renewed. */
const fixedToken = { refreshSTSToken: async () => ({}), refreshSTSTokenInterval: 3_600_000 }

const configuration = {
  CORSRules: [{ AllowedOrigins: ['https://example.com'], AllowedMethods: ['GET', 'PUT'] }],
}
const ossRules = [{ allowedOrigin: 'https://example.com', allowedMethod: ['GET', 'PUT'] }]
const cosRules = [{ AllowedOrigin: ['https://example.com'], AllowedMethod: ['GET', 'PUT'] }]
const cosBucket = { Bucket: 'photos-1250000000', Region: 'ap-beijing' }

/** One call, signed by the vendor's own code. */
export interface SignedCall {
  readonly name: string
  readonly bucket: string
  readonly byHost: boolean
  /** The key names its bucket, which a signature over the bare path requires. */
  readonly tied?: boolean
  readonly send: (port: number) => Promise<unknown>
}

/** Every scheme, in header and query, in each of the ways to point its SDK at a proxy. */
export const signedCalls: readonly SignedCall[] = [
  {
    name: 'sigv4 header: client-s3 PutBucketCors',
    bucket: 'photos',
    byHost: false,
    send: (port) =>
      s3Client(port).send(new PutBucketCorsCommand({ Bucket: 'photos', CORSConfiguration: configuration })),
  },
  {
    name: 'sigv4 header: client-s3 GetBucketCors with a session token',
    bucket: 'photos',
    byHost: false,
    send: (port) =>
      s3Client(port, {
        credentials: { accessKeyId, secretAccessKey: secret, sessionToken: 'token/with+signs==' },
      }).send(new GetBucketCorsCommand({ Bucket: 'photos' })),
  },
  {
    name: 'sigv4 header: minio',
    bucket: 'photos',
    byHost: false,
    send: (port) =>
      minioClient(port).makeRequestAsync({ method: 'GET', bucketName: 'photos', query: 'cors' }),
  },
  {
    name: 'sigv4 query: s3-request-presigner PutBucketCors',
    bucket: 'photos',
    byHost: false,
    send: async (port) => {
      const command = new PutBucketCorsCommand({ Bucket: 'photos', CORSConfiguration: configuration })
      const url = await getSignedUrl(s3Client(port), command, {
        expiresIn: 60,
        unsignableHeaders: new Set(['content-length']),
      })
      return fetch(url, { method: 'PUT', body: 'x' })
    },
  },
  {
    name: 'sigv4 query: s3-request-presigner GetBucketCors',
    bucket: 'photos',
    byHost: false,
    send: async (port) =>
      fetch(
        await getSignedUrl(s3Client(port), new GetBucketCorsCommand({ Bucket: 'photos' }), { expiresIn: 60 }),
      ),
  },
  {
    name: 'sigv4 query: minio',
    bucket: 'photos',
    byHost: false,
    send: async (port) => fetch(await minioClient(port).presignedUrl('GET', 'photos', '', 60, { cors: '' })),
  },
  {
    name: 'oss v1 header: ali-oss, bucket in Host',
    bucket: 'photos',
    byHost: true,
    send: (port) => ossClient(port, 'photos').putBucketCORS('photos', ossRules),
  },
  {
    name: 'oss v1 header: ali-oss, bucket in the path, with a session token',
    bucket: 'photos',
    byHost: false,
    send: (port) =>
      ossClient(port, 'photos', { sldEnable: true, stsToken: 'token', ...fixedToken }).putBucketCORS(
        'photos',
        ossRules,
      ),
  },
  {
    name: 'oss v4 header: ali-oss, bucket in Host',
    bucket: 'photos',
    byHost: true,
    send: (port) => ossClient(port, 'photos', { authorizationV4: true }).putBucketCORS('photos', ossRules),
  },
  {
    name: 'oss v4 header: ali-oss, bucket in the path',
    bucket: 'photos',
    byHost: false,
    send: (port) =>
      ossClient(port, 'photos', { authorizationV4: true, sldEnable: true }).getBucketCORS('photos'),
  },
  {
    name: 'oss v1 query: ali-oss signatureUrl',
    bucket: 'photos',
    byHost: true,
    send: (port) =>
      fetchAt(
        port,
        ossClient(80, 'photos', { endpoint: 'http://oss.test' }).signatureUrl('', {
          method: 'GET',
          expires: 60,
          subResource: { cors: '' },
        }),
      ),
  },
  {
    name: 'oss v4 query: ali-oss signatureUrlV4',
    bucket: 'photos',
    byHost: true,
    send: async (port) =>
      fetchAt(
        port,
        await ossClient(80, 'photos', { endpoint: 'http://oss.test' }).signatureUrlV4('GET', 60, {
          queries: { cors: null },
        }),
      ),
  },
  {
    name: 'cos header: cos-nodejs-sdk-v5, bucket in Host',
    bucket: 'photos-1250000000',
    byHost: true,
    send: (port) =>
      cosClient({ Ip: `127.0.0.1:${port}` }).putBucketCors({ ...cosBucket, CORSRules: cosRules }),
  },
  {
    name: 'cos header: cos-nodejs-sdk-v5, bucket in the path, which is signed without it',
    bucket: 'photos-1250000000',
    byHost: false,
    tied: true,
    send: (port) =>
      cosClient({ Domain: `127.0.0.1:${port}/{Bucket}` }).putBucketCors({
        ...cosBucket,
        CORSRules: cosRules,
      }),
  },
  {
    name: 'cos query: COS.getAuthorization',
    bucket: 'photos-1250000000',
    byHost: true,
    send: (port) => {
      const host = 'photos-1250000000.cos.ap-beijing.myqcloud.com'
      const fields = COS.getAuthorization({
        SecretId: accessKeyId,
        SecretKey: secret,
        Method: 'GET',
        Key: '',
        Query: { cors: '' },
        Headers: { Host: host },
        Expires: 60,
      })
      const query = fields
        .split('&')
        .map((field) => field.replace(/=.*/, (value) => `=${encodeURIComponent(value.slice(1))}`))
      return fetchAt(port, `http://${host}/?cors&${query.join('&')}`)
    },
  },
]

/** Fetches `url` from the loopback port, with the URL's Host. */
async function fetchAt(port: number, url: string): Promise<void> {
  const { request } = await import('node:http')
  const { host, pathname, search } = new URL(url)
  await new Promise<void>((resolve, reject) => {
    const call = request(
      { host: '127.0.0.1', port, path: pathname + search, headers: { Host: host } },
      (response) => response.resume().on('end', resolve),
    )
    call.on('error', reject).end()
  })
}
