import { createRequire } from 'node:module'
import { Readable } from 'node:stream'
import { buffer } from 'node:stream/consumers'
import { accessKeyId, secret } from '../auth/clients.ts'
import { pageOrigin } from './in-front.ts'
import { fetchAt, fingerprint, type Group, noise, oddKeys, type SdkCall, steady } from './sdk-call.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The part of ali-oss's result that is used here; the package has no types. */
interface Answer {
  readonly res: { readonly status: number; readonly headers: Headers }
  readonly content?: Buffer
  readonly stream?: Readable
  readonly [field: string]: unknown
}

interface ObjectClient {
  put(name: string, body: Buffer | Readable, options?: object): Promise<Answer>
  get(name: string, options?: object): Promise<Answer>
  getStream(name: string, options?: object): Promise<Answer>
  head(name: string, options?: object): Promise<Answer>
  list(query: object, options?: object): Promise<Answer>
  listV2(query: object, options?: object): Promise<Answer>
  copy(name: string, source: string, options?: object): Promise<Answer>
  delete(name: string): Promise<Answer>
  deleteMulti(names: readonly string[]): Promise<Answer>
  multipartUpload(name: string, body: Buffer, options?: object): Promise<Answer>
  signatureUrl(name: string, options: object): string
  signatureUrlV4(
    method: string,
    expires: number,
    request: object,
    name: string,
    additional?: readonly string[],
  ): Promise<string>
  calculatePostSignature(policy: object): Readonly<Record<string, string>>
  signPostObjectPolicyV4(policy: object, date: Date): string
}
const OSS: new (options: object) => ObjectClient = createRequire(import.meta.url)('ali-oss')

const bucket = 'photos'
const inHost: Group = {
  name: 'OSS, bucket in Host',
  dialect: 'oss',
  bucket,
  hostSuffixes: ['oss-cn-hangzhou.aliyuncs.com', 'oss.test'],
}
const inPath: Group = { name: 'OSS, bucket in the path', dialect: 'oss', bucket, hostSuffixes: [] }

const oss = (port: number, options: object = {}): ObjectClient =>
  new OSS({
    region: 'oss-cn-hangzhou',
    endpoint: `http://127.0.0.1:${port}`,
    accessKeyId,
    accessKeySecret: secret,
    bucket,
    ...options,
  })

async function seen({ res, content, stream, ...fields }: Answer): Promise<unknown> {
  const { url, ...rest } = fields
  const body = stream === undefined ? content : await buffer(stream)
  return {
    ...rest,
    status: res.status,
    headers: steady(res.headers),
    body: body === undefined ? undefined : fingerprint(body),
  }
}

/** The list's objects, without the URLs that contain the port. */
async function listed(answer: Answer): Promise<unknown> {
  const objects = Array.isArray(answer.objects) ? answer.objects : []
  return seen({ ...answer, objects: objects.map(({ url, ...fields }) => fields) })
}

async function roundTrip(client: ObjectClient, name: string): Promise<unknown> {
  return [
    await seen(await client.put(name, Buffer.from(`the object ${name}`))),
    await seen(await client.get(name)),
    await seen(await client.head(name)),
    await listed(await client.list({ prefix: name, 'max-keys': 10 })),
    await listed(await client.listV2({ prefix: name, delimiter: '/' })),
    await seen(await client.delete(name)),
    await client.get(name).catch((error: Error) => error.name),
  ]
}

const metadata = { list: 'a, a,b , a', blanks: 'one  two   three', quoted: '"x", "y"; z="1"' }
const large = noise(450_000)

/** The same calls in both schemes and both styles. */
const styles = [
  { scheme: 'v1', group: inHost, options: {} },
  { scheme: 'v4', group: inHost, options: { authorizationV4: true } },
  { scheme: 'v1', group: inPath, options: { sldEnable: true } },
  { scheme: 'v4', group: inPath, options: { authorizationV4: true, sldEnable: true } },
] as const

const headerCalls = styles.flatMap(({ scheme, group, options }): readonly SdkCall[] => {
  const signed = [`oss ${scheme} header`]
  const hashed = [...signed, 'md5']
  const call = (
    name: string,
    proofs: readonly string[],
    run: (client: ObjectClient) => Promise<unknown>,
  ): SdkCall => ({
    name: `ali-oss ${scheme}: ${name}`,
    group,
    proofs,
    run: (port) => run(oss(port, options)),
  })
  return [
    ...oddKeys.map((name) =>
      call(`an object named ${JSON.stringify(name)}`, hashed, (client) => roundTrip(client, name)),
    ),
    {
      ...call('a session token', hashed, async () => undefined),
      run: (port) => {
        const renewal = { refreshSTSToken: async () => ({}), refreshSTSTokenInterval: 3_600_000 }
        return roundTrip(
          oss(port, { ...options, ...renewal, stsToken: 'token/with+signs=='.repeat(60) }),
          'x',
        )
      },
    },
    call('a stream of known and of unknown length', signed, async (client) => {
      const body = (): Readable => Readable.from([noise(70_000), noise(30_000, 2)], { objectMode: false })
      return [
        await seen(await client.put('known', body(), { contentLength: 100_000 })),
        await seen(await client.put('unknown', body())),
        await seen(await client.get('known')),
        await seen(await client.getStream('unknown')),
      ]
    }),
    call('metadata and the headers of an object', hashed, async (client) => {
      const headers = { 'Cache-Control': 'max-age=0,  no-cache', 'Content-Encoding': 'identity' }
      await client.put('object', noise(10), { meta: metadata, mime: 'text/plain', headers })
      return [await seen(await client.head('object')), await seen(await client.get('object'))]
    }),
    call('ranges', hashed, async (client) => {
      await client.put('object', noise(1000))
      const get = async (Range: string): Promise<unknown> =>
        seen(await client.get('object', { headers: { Range } }))
      return [await get('bytes=0-0'), await get('bytes=10-99'), await get('bytes=-7')]
    }),
    call('lists with odd prefixes, page by page', hashed, async (client) => {
      for (const name of oddKeys) await client.put(name, Buffer.from(name))
      const answers: unknown[] = []
      for (const prefix of ['ü', "it's (", 'a=b&', 'double//', '%2F', '100%', 'a+', '"', 'none'])
        answers.push(await listed(await client.list({ prefix, delimiter: '/' })))
      let token: unknown
      do {
        const page = await client.listV2({
          'max-keys': '4',
          ...(token ? { 'continuation-token': token } : {}),
        })
        answers.push(await listed(page))
        token = page.nextContinuationToken
      } while (token)
      return answers
    }),
    call('a copy, and many objects deleted at once', hashed, async (client) => {
      for (const name of oddKeys) await client.put(name, Buffer.from(name))
      return [
        await seen(await client.copy('copy', 'a+b c')),
        await seen(await client.copy('copy', "it's (round) star* bang! tilde~", { meta: metadata })),
        await seen(await client.get('copy')),
        await seen(await client.deleteMulti([...oddKeys])),
      ]
    }),
    call('an upload in parts, three at a time', hashed, async (client) => {
      const upload = { partSize: 100 * 1024, parallel: 3, meta: metadata }
      return [
        await seen(await client.multipartUpload('large/ü (1) + 2.bin', large, upload)),
        await seen(await client.get('large/ü (1) + 2.bin')),
      ]
    }),
  ]
})

/** Non-ASCII header values in UTF-8, which OSS keeps; the client has an option for them. */
const utf8Calls: readonly SdkCall[] = [
  {
    name: 'ali-oss v1: metadata in UTF-8',
    group: inHost,
    proofs: ['oss v1 header', 'md5'],
    run: async (port) => {
      const client = oss(port, { headerEncoding: 'latin1' })
      await client.put('object', noise(10), { meta: { name: 'Grüße, 世界 🙂' } })
      return seen(await client.head('object'))
    },
  },
]

const urlCalls: readonly SdkCall[] = [
  ...oddKeys.flatMap((name): readonly SdkCall[] => [
    {
      name: `ali-oss v1: signed URLs for PUT and GET of ${JSON.stringify(name)}`,
      group: inHost,
      proofs: ['oss v1 query'],
      run: async (port) => {
        const client = oss(80, { endpoint: 'http://oss.test' })
        const type = { 'Content-Type': 'text/plain' }
        const put = client.signatureUrl(name, { method: 'PUT', expires: 60, ...type })
        const response = { 'content-disposition': 'attachment; filename="ü + b.txt"' }
        const get = client.signatureUrl(name, { expires: 60, response })
        const headers = { Origin: pageOrigin }
        return [
          await fetchAt(port, put, { method: 'PUT', body: noise(500), headers: { ...headers, ...type } }),
          await fetchAt(port, get, { headers: { ...headers, Range: 'bytes=3-7' } }),
        ]
      },
    },
    {
      name: `ali-oss v4: signed URLs for PUT and GET of ${JSON.stringify(name)}`,
      group: inHost,
      proofs: ['oss v4 query'],
      run: async (port) => {
        const client = oss(80, { endpoint: 'http://oss.test', authorizationV4: true })
        const sent = { 'content-type': 'text/plain', 'x-oss-meta-a': 'b,  c', host: 'photos.oss.test' }
        const put = await client.signatureUrlV4('PUT', 60, { headers: sent }, name, ['host'])
        const queries = { 'response-content-disposition': 'attachment; filename="ü + b.txt"' }
        const get = await client.signatureUrlV4('GET', 60, { queries }, name)
        const headers = { Origin: pageOrigin }
        return [
          await fetchAt(port, put, { method: 'PUT', body: noise(500), headers: { ...headers, ...sent } }),
          await fetchAt(port, get, { headers }),
        ]
      },
    },
  ]),
]

const conditions = [['content-length-range', 1, 10_000], { bucket }, ['starts-with', '$key', 'posted/']]
const policy = (more: readonly object[]): object => ({
  expiration: new Date(Date.now() + 60_000).toISOString(),
  conditions: [...conditions, ...more],
})

async function post(port: number, fields: Readonly<Record<string, string>>): Promise<unknown> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ key: 'posted/ü (1)', ...fields })) form.append(name, value)
  form.append('file', new File([new Uint8Array(noise(5000))], 'x.png'))
  const request = new Request('http://photos.oss.test/', { method: 'POST', body: form })
  const body = Buffer.from(await request.arrayBuffer())
  const headers = { 'Content-Type': request.headers.get('content-type') ?? '', Origin: pageOrigin }
  return [
    await fetchAt(port, request.url, { method: 'POST', headers, body }),
    await seen(await oss(port).get('posted/ü (1)')),
  ]
}

const formCalls: readonly SdkCall[] = [
  {
    name: 'ali-oss v1: a posted form',
    group: inHost,
    proofs: ['oss v1 form', 'oss v1 header'],
    run: (port) => post(port, oss(port).calculatePostSignature(policy([]))),
  },
  {
    name: 'ali-oss v4: a posted form',
    group: inHost,
    proofs: ['oss v4 form', 'oss v1 header'],
    run: (port) => {
      const date = new Date()
      const timestamp = date.toISOString().replace(/\.[0-9]+|[-:]/g, '')
      const fields = {
        'x-oss-signature-version': 'OSS4-HMAC-SHA256',
        'x-oss-credential': `${accessKeyId}/${timestamp.slice(0, 8)}/cn-hangzhou/oss/aliyun_v4_request`,
        'x-oss-date': timestamp,
      }
      const signed = policy(Object.entries(fields).map(([name, value]) => ({ [name]: value })))
      return post(port, {
        ...fields,
        policy: Buffer.from(JSON.stringify(signed)).toString('base64'),
        'x-oss-signature': oss(port).signPostObjectPolicyV4(signed, date),
      })
    },
  },
]

export const ossCalls: readonly SdkCall[] = [...headerCalls, ...utf8Calls, ...urlCalls, ...formCalls]
