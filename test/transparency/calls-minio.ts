import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { Client, CopyDestinationOptions, CopySourceOptions } from 'minio'
import { accessKeyId, secret } from '../auth/clients.ts'
import { pageOrigin } from './in-front.ts'
import { fetchAt, fingerprint, type Group, noise, oddKeys, type SdkCall } from './sdk-call.ts'

const bucket = 'photos'
const group: Group = { name: 'MinIO', dialect: 's3', bucket, hostSuffixes: [] }

const minio = (port: number, options: object = {}): Client =>
  new Client({
    endPoint: '127.0.0.1',
    port,
    useSSL: false,
    accessKey: accessKeyId,
    secretKey: secret,
    region: 'eu-central-1',
    partSize: 5 * 1024 * 1024,
    ...options,
  })

const signed = ['sigv4 header', 'body hash']
/** Multipart uploads and deletions of several objects have Content-MD5 too. */
const hashed = [...signed, 'md5']

async function read(client: Client, name: string): Promise<string> {
  return fingerprint(await buffer(await client.getObject(bucket, name)))
}

async function list(client: Client, prefix: string, recursive: boolean): Promise<unknown> {
  return client.listObjectsV2(bucket, prefix, recursive).toArray()
}

async function roundTrip(client: Client, name: string): Promise<unknown> {
  return [
    await client.putObject(bucket, name, Buffer.from(`the object ${name}`)),
    await read(client, name),
    await client.statObject(bucket, name),
    await list(client, name, true),
    await client.removeObject(bucket, name),
    await client.statObject(bucket, name).catch((error: Error) => error.name),
  ]
}

const metadata = {
  'Content-Type': 'text/plain; charset=utf-8',
  'x-amz-meta-list': 'a, a,b , a',
  'x-amz-meta-blanks': 'one  two   three',
  'Cache-Control': 'max-age=0,  no-cache',
  'X-Amz-Meta-Case': 'Kept',
}

const large = noise(11 * 1024 * 1024)

const putLarge = async (port: number, body: Buffer | Readable): Promise<unknown> => {
  const client = minio(port)
  return [
    await client.putObject(bucket, 'large/ü (1) + 2.bin', body, large.length, metadata),
    await read(client, 'large/ü (1) + 2.bin'),
  ]
}

export const minioCalls: readonly SdkCall[] = [
  ...oddKeys.map((name) => ({
    name: `minio: an object named ${JSON.stringify(name)}`,
    group,
    proofs: signed,
    run: (port: number) => roundTrip(minio(port), name),
  })),
  {
    name: 'minio: a session token',
    group,
    proofs: signed,
    run: (port) => roundTrip(minio(port, { sessionToken: 'token/with+signs=='.repeat(60) }), 'object'),
  },
  {
    name: 'minio: metadata',
    group,
    proofs: signed,
    run: async (port) => {
      const client = minio(port)
      await client.putObject(bucket, 'object', noise(10), 10, metadata)
      return client.statObject(bucket, 'object')
    },
  },
  {
    name: 'minio: a stream',
    group,
    proofs: signed,
    run: async (port) => {
      const client = minio(port)
      await client.putObject(bucket, 'object', Readable.from([noise(70_000)], { objectMode: false }), 70_000)
      return read(client, 'object')
    },
  },
  { name: 'minio: a Buffer in parts', group, proofs: hashed, run: (port) => putLarge(port, large) },
  {
    name: 'minio: a stream in parts',
    group,
    proofs: hashed,
    run: (port) => putLarge(port, Readable.from([large], { objectMode: false })),
  },
  {
    name: 'minio: parts of an object',
    group,
    proofs: signed,
    run: async (port) => {
      const client = minio(port)
      await client.putObject(bucket, 'object', noise(1000))
      const part = async (offset: number, length?: number): Promise<string> =>
        fingerprint(await buffer(await client.getPartialObject(bucket, 'object', offset, length)))
      return [await part(0, 1), await part(10, 90), await part(990)]
    },
  },
  {
    name: 'minio: lists with odd prefixes',
    group,
    proofs: signed,
    run: async (port) => {
      const client = minio(port)
      for (const name of oddKeys) await client.putObject(bucket, name, name)
      const answers: unknown[] = []
      for (const prefix of ['', 'ü', "it's (", 'a=b&', 'double//', '%2F', '100%', 'a+', '"', 'none'])
        answers.push(await list(client, prefix, true), await list(client, prefix, false))
      return answers
    },
  },
  {
    name: 'minio: many objects removed at once',
    group,
    proofs: hashed,
    run: async (port) => {
      const client = minio(port)
      for (const name of oddKeys) await client.putObject(bucket, name, name)
      return client.removeObjects(bucket, [...oddKeys])
    },
  },
  {
    name: 'minio: a copy with new metadata',
    group,
    proofs: signed,
    run: async (port) => {
      const client = minio(port)
      await client.putObject(bucket, 'from ü (1)', noise(100))
      const source = new CopySourceOptions({ Bucket: bucket, Object: 'from ü (1)' })
      const UserMetadata = { 'x-amz-meta-a': 'b,  c' }
      const target = new CopyDestinationOptions({
        Bucket: bucket,
        Object: 'to',
        UserMetadata,
        MetadataDirective: 'REPLACE',
      })
      await client.copyObject(source, target)
      return [await read(client, 'to'), await client.statObject(bucket, 'to')]
    },
  },
  ...oddKeys.map((name) => ({
    name: `minio: presigned PUT and GET of ${JSON.stringify(name)}`,
    group,
    proofs: ['sigv4 query'],
    run: async (port: number) => {
      const client = minio(port)
      const put = await client.presignedPutObject(bucket, name, 60)
      const get = await client.presignedUrl('GET', bucket, name, 60, {
        'response-content-disposition': 'attachment; filename="ü + b.txt"',
      })
      const headers = { Origin: pageOrigin }
      return [
        await fetchAt(port, put, { method: 'PUT', body: noise(500), headers }),
        await fetchAt(port, get, { headers }),
      ]
    },
  })),
  {
    name: 'minio: a posted form',
    group,
    proofs: ['sigv4 form', ...signed],
    run: async (port) => {
      const client = minio(port)
      const policy = client.newPostPolicy()
      policy.setBucket(bucket)
      policy.setKey('posted/ü (1)')
      policy.setContentType('image/png')
      policy.setContentLengthRange(1, 10_000)
      policy.setExpires(new Date(Date.now() + 60_000))
      policy.setUserMetaData({ a: 'b,  c' })
      const { postURL, formData } = await client.presignedPostPolicy(policy)
      const form = new FormData()
      for (const [name, value] of Object.entries(formData)) form.append(name, String(value))
      form.append('file', new File([new Uint8Array(noise(5000))], 'x.png'))
      const answer = await fetch(postURL, { method: 'POST', body: form, headers: { Origin: pageOrigin } })
      return [answer.status, await answer.text(), await read(client, 'posted/ü (1)')]
    },
  },
]
