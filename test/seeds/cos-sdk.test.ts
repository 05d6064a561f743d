import { afterAll, beforeAll, expect } from 'vitest'
import { accessKeyId, cosClient, secret } from '../auth/clients.ts'
import { startSidecar, type TestSidecar } from '../bucket-cors/sidecar.ts'
import { runStatements, type Statement } from './statements.ts'

/* COS JavaScript SDK, "Setting Cross-Origin Access": the three calls as printed, by the SDK itself, in the mode `write`. */

const at = { Bucket: 'examplebucket-1250000000', Region: 'ap-beijing' } as const
/** The rule of the sample, as printed. */
const printed = {
  AllowedOrigin: ['*'],
  AllowedMethod: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'],
  AllowedHeader: ['*'],
  ExposeHeader: [
    'ETag',
    'x-cos-acl',
    'x-cos-version-id',
    'x-cos-delete-marker',
    'x-cos-server-side-encryption',
  ],
  MaxAgeSeconds: '5',
}
const stored = {
  AllowedOrigins: printed.AllowedOrigin,
  AllowedMethods: printed.AllowedMethod,
  AllowedHeaders: printed.AllowedHeader,
  ExposeHeaders: printed.ExposeHeader,
  MaxAgeSeconds: '5',
}

/** A key in the file of `--credentials`. */
const credentials = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`
let sidecar: TestSidecar
let reading: TestSidecar
beforeAll(async () => {
  sidecar = await startSidecar({ credentials, setup: { hostSuffixes: ['cos.ap-beijing.myqcloud.com'] } })
  reading = await startSidecar({
    credentials,
    mode: 'read',
    setup: { hostSuffixes: ['cos.ap-beijing.myqcloud.com'] },
  })
})
afterAll(async () => {
  await sidecar?.close()
  await reading?.close()
})

interface Outcome {
  readonly error: Record<string, unknown> | null
  readonly data: Record<string, unknown> | null
}
type Name = 'putBucketCors' | 'getBucketCors' | 'deleteBucketCors'
const call = (name: Name, more: object = {}, port = sidecar.port): Promise<Outcome> =>
  new Promise((resolve) => {
    const client = cosClient({ Ip: `127.0.0.1:${port}` })
    Reflect.apply(client[name], client, [
      { ...at, ...more },
      (error: Outcome['error'], data: Outcome['data']) =>
        resolve({ error: error ?? null, data: data ?? null }),
    ])
  })
const put = (rule: object = {}): Promise<Outcome> =>
  call('putBucketCors', { CORSRules: [{ ...printed, ...rule }] })
const refused = (rule: object, code: string) => async () => {
  const { error } = await put(rule)
  expect(error).toMatchObject({ statusCode: 400, code })
}

runStatements('COS SDK, cross-origin access', [
  { line: '161-165', says: 'title and date', notOurs: 'furniture of the page' },
  {
    line: '168-178',
    says: 'there are three operations: set, query, delete',
    holds: async () => {
      expect((await put()).data).toMatchObject({ statusCode: 200 })
      expect((await call('getBucketCors')).data).toMatchObject({ statusCode: 200 })
      expect((await call('deleteBucketCors')).data).toMatchObject({ statusCode: 204 })
    },
  },
  { line: '183', says: 'a change should not affect the current origin', notOurs: 'advice' },
  {
    line: '187',
    says: 'a configuration has up to 64 KB',
    holds: async () => {
      const rules = Array.from({ length: 100 }, (_, index) => ({
        ...printed,
        ID: `${index}${'x'.repeat(240)}`,
        AllowedHeader: Array.from({ length: 20 }, (_, name) => `x-cos-meta-${name}-${'y'.repeat(20)}`),
      }))
      expect((await call('putBucketCors', { CORSRules: rules })).error).toMatchObject({
        statusCode: 400,
        code: 'EntityTooLarge',
      })
    },
  },
  {
    line: '187',
    says: 'the owner has the permission, and can grant it',
    differs:
      'callers with a key from --credentials have it; `read`, the default, answers 405 and says where the rules are',
    holds: async () => {
      const { error } = await call('putBucketCors', { CORSRules: [printed] }, reading.port)
      expect(error).toMatchObject({ statusCode: 405, code: 'MethodNotAllowed' })
      expect(String(error?.message)).toContain('--bucket-cors-api write')
    },
  },
  ...Object.entries(stored).map(
    ([field, value]): Statement => ({
      line: '191-203, 290-300',
      says: `${field} of the sample comes back as it was put`,
      holds: async () => {
        await put()
        const { data } = await call('getBucketCors')
        const rules = data?.CORSRules
        expect(Array.isArray(rules) ? rules[0] : undefined).toMatchObject({ [field]: value })
      },
    }),
  ),
  { line: '209-217', says: 'Bucket and Region are required', notOurs: 'the SDK checks them before it sends' },
  {
    line: '218',
    says: 'CORSRules is not required',
    differs: 'the document of COS requires a CORSRule: MalformedXML',
    holds: async () => {
      expect((await call('putBucketCors', { CORSRules: [] })).error).toMatchObject({
        statusCode: 400,
        code: 'MalformedXML',
      })
    },
  },
  {
    line: '222',
    says: 'ID',
    holds: async () => {
      await put({ ID: 'my-rule' })
      expect(JSON.stringify((await call('getBucketCors')).data)).toContain('"my-rule"')
    },
  },
  {
    line: '226',
    says: 'AllowedMethods: GET, PUT, HEAD, POST, DELETE',
    holds: refused({ AllowedMethod: ['PATCH'] }, 'InvalidRequest'),
  },
  { line: '226', says: 'AllowedMethods is required', holds: refused({ AllowedMethod: [] }, 'MalformedXML') },
  {
    line: '230',
    says: 'AllowedOrigins: protocol://domain[:port]',
    differs: 'what has no protocol is stored too, as the vendors store it, and is a finding',
    holds: async () => {
      expect((await put({ AllowedOrigin: ['www.qq.com'] })).data).toMatchObject({ statusCode: 200 })
      expect(
        (await put({ AllowedOrigin: ['http://www.qq.com:80', 'https://www.qq.com/'] })).data,
      ).toMatchObject({ statusCode: 200 })
    },
  },
  {
    line: '230',
    says: 'AllowedOrigins: one wildcard',
    holds: refused({ AllowedOrigin: ['https://*.a.*'] }, 'InvalidRequest'),
  },
  { line: '230', says: 'AllowedOrigins is required', holds: refused({ AllowedOrigin: [] }, 'MalformedXML') },
  {
    line: '234',
    says: 'AllowedHeaders is not required',
    holds: async () => expect((await put({ AllowedHeader: [] })).error).toBeNull(),
  },
  {
    line: '238',
    says: 'ExposeHeaders is not required',
    holds: async () => expect((await put({ ExposeHeader: [] })).error).toBeNull(),
  },
  {
    line: '242',
    says: 'MaxAgeSeconds is text',
    holds: async () => {
      await put({ MaxAgeSeconds: '7' })
      expect(JSON.stringify((await call('getBucketCors')).data)).toContain('"MaxAgeSeconds":"7"')
    },
  },
  {
    line: '248-271',
    says: 'err is null on success, data has statusCode and headers',
    holds: async () => {
      const { error, data } = await put()
      expect(error).toBeNull()
      expect(data).toMatchObject({ statusCode: 200, headers: expect.any(Object) })
    },
  },
  {
    line: '248-271',
    says: 'data is null on failure, err has statusCode and headers',
    holds: async () => {
      const { error, data } = await put({ AllowedMethod: ['PATCH'] })
      expect(data).toBeNull()
      expect(error).toMatchObject({ statusCode: 400, headers: expect.any(Object) })
    },
  },
  {
    line: '317-350',
    says: 'a bucket without configuration has no rules',
    holds: async () => {
      await call('deleteBucketCors')
      expect((await call('getBucketCors')).data).toMatchObject({ CORSRules: [], statusCode: 404 })
    },
  },
  {
    line: '358',
    says: 'after delete, all cross-origin requests fail',
    holds: async () => {
      await put()
      const host = `${at.Bucket}.cos.ap-beijing.myqcloud.com`
      const asking = {
        method: 'OPTIONS',
        target: '/k',
        host,
        headers: { Origin: 'https://a.example', 'Access-Control-Request-Method': 'GET' },
      }
      expect((await sidecar.send(asking)).status).toBe(200)
      expect((await call('deleteBucketCors')).data).toMatchObject({ statusCode: 204 })
      expect((await sidecar.send(asking)).status).toBe(403)
    },
  },
  { line: '359', says: 'deleting in a browser is not recommended', notOurs: 'advice' },
  {
    line: '385-408',
    says: 'delete answers 204, also when there is nothing',
    holds: async () => {
      await call('deleteBucketCors')
      expect(await call('deleteBucketCors')).toMatchObject({ error: null, data: { statusCode: 204 } })
    },
  },
])
