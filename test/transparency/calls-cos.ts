import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import type COS from 'cos-nodejs-sdk-v5'
import { cosClient } from '../auth/clients.ts'
import { pageOrigin } from './in-front.ts'
import { fetchAt, fingerprint, type Group, noise, oddKeys, type SdkCall, steady } from './sdk-call.ts'

const bucket = 'photos-1250000000'
const at = { Bucket: bucket, Region: 'ap-beijing' }
const inHost: Group = {
  name: 'COS, bucket in Host',
  dialect: 'cos',
  bucket,
  hostSuffixes: ['cos.ap-beijing.myqcloud.com'],
}
const inPath: Group = { name: 'COS, bucket in the path', dialect: 'cos', bucket, hostSuffixes: [] }

/** Where the SDK records resumable uploads; by default in the home directory. */
const ConfCwd = join(tmpdir(), 'cos-uploads')

/** The two ways to point the SDK at a proxy. */
const styles = [
  {
    name: 'option Ip',
    group: inHost,
    client: (port: number) => cosClient({ Ip: `127.0.0.1:${port}`, ConfCwd }),
  },
  {
    name: 'option Domain, which is signed without the bucket',
    group: inPath,
    client: (port: number) => cosClient({ Domain: `127.0.0.1:${port}/{Bucket}`, ConfCwd }),
  },
] as const

/** What a program sees of a response, without the parts that contain the port. */
function seen(answer: object): unknown {
  const { headers, Body, Location, RequestId, ...fields } = answer as {
    headers?: Readonly<Record<string, string>>
    Body?: Buffer
    Location?: string
    RequestId?: string
  }
  return {
    ...fields,
    headers: steady(headers ?? {}),
    body: Buffer.isBuffer(Body) ? fingerprint(Body) : Body,
  }
}

async function roundTrip(client: COS, Key: string): Promise<unknown> {
  return [
    seen(await client.putObject({ ...at, Key, Body: `the object ${Key}` })),
    seen(await client.getObject({ ...at, Key })),
    seen(await client.headObject({ ...at, Key })),
    seen(await client.getBucket({ ...at, Prefix: Key })),
    seen(await client.deleteObject({ ...at, Key })),
    await client.getObject({ ...at, Key }).catch((error: { code?: string }) => error.code),
  ]
}

const Headers = {
  'x-cos-meta-list': 'a, a,b , a',
  'x-cos-meta-blanks': 'one  two   three',
  'x-cos-meta-quoted': '"x", "y"; z="1"',
}

/** Runs `act` with a temporary file of `bytes`. */
async function withFile<Result>(bytes: Buffer, act: (path: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'cos-upload-'))
  try {
    await writeFile(join(folder, 'file.bin'), bytes)
    return await act(join(folder, 'file.bin'))
  } finally {
    await rm(folder, { recursive: true })
  }
}

const large = noise(3 * 1024 * 1024 + 5)

const headerCalls = styles.flatMap(({ name: style, group, client }): readonly SdkCall[] => {
  const call = (
    name: string,
    proofs: readonly string[],
    run: (client: COS) => Promise<unknown>,
  ): SdkCall => ({
    name: `cos-nodejs-sdk-v5, ${style}: ${name}`,
    group,
    proofs,
    run: (port) => run(client(port)),
  })
  const signed = ['cos header']
  return [
    ...oddKeys.map((name) =>
      call(`an object named ${JSON.stringify(name)}`, signed, (cos) => roundTrip(cos, name)),
    ),
    call('a Buffer, a stream and no bytes', signed, async (cos) => [
      seen(await cos.putObject({ ...at, Key: 'a', Body: noise(300_000) })),
      seen(
        await cos.putObject({
          ...at,
          Key: 'b',
          Body: Readable.from([noise(70_000), noise(30_000, 2)], { objectMode: false }),
          ContentLength: 100_000,
        }),
      ),
      seen(await cos.putObject({ ...at, Key: 'c', Body: '' })),
      seen(await cos.getObject({ ...at, Key: 'a' })),
      seen(await cos.getObject({ ...at, Key: 'b' })),
      seen(await cos.getObject({ ...at, Key: 'c' })),
    ]),
    call('metadata, and a range', signed, async (cos) => [
      seen(
        await cos.putObject({
          ...at,
          Key: 'a',
          Body: noise(1000),
          Headers,
          CacheControl: 'max-age=0,  no-cache',
        }),
      ),
      seen(await cos.headObject({ ...at, Key: 'a' })),
      seen(await cos.getObject({ ...at, Key: 'a', Range: 'bytes=10-99' })),
    ]),
    call('lists with odd prefixes', signed, async (cos) => {
      for (const Key of oddKeys) await cos.putObject({ ...at, Key, Body: Key })
      const answers: unknown[] = []
      for (const Prefix of ['ü', "it's (", 'a=b&', 'double//', '%2F', '100%', 'a+', '"', 'none'])
        answers.push(seen(await cos.getBucket({ ...at, Prefix, Delimiter: '/', MaxKeys: 3 })))
      return answers
    }),
    call('a copy, and many objects deleted at once', [...signed, 'md5'], async (cos) => {
      for (const Key of oddKeys) await cos.putObject({ ...at, Key, Body: Key })
      const CopySource = `${bucket}.cos.ap-beijing.myqcloud.com/${encodeURIComponent('a+b c')}`
      return [
        seen(await cos.putObjectCopy({ ...at, Key: 'copy', CopySource })),
        seen(await cos.getObject({ ...at, Key: 'copy' })),
        seen(await cos.deleteMultipleObject({ ...at, Objects: oddKeys.map((Key) => ({ Key })) })),
      ]
    }),
    call('sliceUploadFile', [...signed, 'md5'], (cos) =>
      withFile(large, async (FilePath) => [
        seen(await cos.sliceUploadFile({ ...at, Key: 'large/ü (1) + 2.bin', FilePath, Headers })),
        seen(await cos.getObject({ ...at, Key: 'large/ü (1) + 2.bin' })),
      ]),
    ),
  ]
})

const urlCalls = oddKeys.map(
  (Key): SdkCall => ({
    name: `cos-nodejs-sdk-v5: getObjectUrl for PUT and GET of ${JSON.stringify(Key)}`,
    group: inHost,
    proofs: ['cos query'],
    run: async (port) => {
      const cos = cosClient({})
      const headers = { Origin: pageOrigin }
      const url = (params: object): Promise<string> =>
        new Promise((resolve, reject) => {
          cos.getObjectUrl({ ...at, Key, Sign: true, Expires: 60, ...params }, (error, { Url }) =>
            error ? reject(error) : resolve(Url),
          )
        })
      const put = await url({ Method: 'PUT', Headers: headers })
      const get = await url({ Query: { 'response-content-disposition': 'attachment; filename="ü + b.txt"' } })
      return [
        await fetchAt(port, put, { method: 'PUT', body: noise(500), headers }),
        await fetchAt(port, get, { headers: { Range: 'bytes=3-7' } }),
      ]
    },
  }),
)

export const cosCalls: readonly SdkCall[] = [
  ...headerCalls,
  {
    name: 'cos-nodejs-sdk-v5: a session token and Content-MD5',
    group: inHost,
    proofs: ['cos header', 'md5'],
    run: (port) =>
      roundTrip(
        cosClient({
          Ip: `127.0.0.1:${port}`,
          SecurityToken: 'token/with+signs=='.repeat(60),
          UploadCheckContentMd5: true,
        }),
        'object',
      ),
  },
  ...urlCalls,
]
