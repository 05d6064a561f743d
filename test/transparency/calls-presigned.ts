import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { accessKeyId, s3Client, secret } from '../auth/clients.ts'
import { pageOrigin } from './in-front.ts'
import { Bucket, checked, pathStyle, seen, signed, withKeys } from './s3-sdk.ts'
import { fetchAt, noise, oddKeys, type SdkCall } from './sdk-call.ts'

const presigned = (
  name: string,
  Key: string,
  sent: (url: string) => Parameters<typeof fetchAt>[2],
): SdkCall => ({
  name: `s3-request-presigner: GET ${name}`,
  group: pathStyle,
  proofs: [...checked, 'sigv4 query'],
  run: async (port) => {
    const client = await withKeys(s3Client(port), [Key])
    const url = await getSignedUrl(client, new GetObjectCommand({ Bucket, Key }), { expiresIn: 60 })
    return fetchAt(port, url, sent(url))
  },
})

export const presignedCalls: readonly SdkCall[] = [
  ...oddKeys.map((key) => presigned(`of ${JSON.stringify(key)}`, key, () => ({}))),
  presigned('of a range, from a page', 'object', () => ({
    headers: { Range: 'bytes=2-4', Origin: pageOrigin, Referer: `${pageOrigin}/page` },
  })),
  {
    name: 's3-request-presigner: GET with response headers and a session token in the query',
    group: pathStyle,
    proofs: [...checked, 'sigv4 query'],
    run: async (port) => {
      const sessionToken = 'token/with+signs=='
      const credentials = { accessKeyId, secretAccessKey: secret, sessionToken }
      const client = await withKeys(s3Client(port, { credentials }), ['object'])
      const command = new GetObjectCommand({
        Bucket,
        Key: 'object',
        ResponseContentDisposition: 'attachment; filename="ü + b.txt"',
        ResponseExpires: new Date(1_800_000_000_000),
      })
      return fetchAt(port, await getSignedUrl(client, command, { expiresIn: 60 }))
    },
  },
  {
    name: 's3-request-presigner: PUT from a page, its type and metadata signed',
    group: pathStyle,
    proofs: ['sigv4 query', ...signed],
    run: async (port) => {
      const client = s3Client(port, { requestChecksumCalculation: 'WHEN_REQUIRED' })
      const Key = 'ünï (1) + 2.txt'
      const command = new PutObjectCommand({
        Bucket,
        Key,
        ContentType: 'text/plain',
        Metadata: { a: 'b,  c' },
      })
      const url = await getSignedUrl(client, command, {
        expiresIn: 60,
        signableHeaders: new Set(['content-type']),
        unhoistableHeaders: new Set(['x-amz-meta-a']),
      })
      const headers = { 'Content-Type': 'text/plain', 'x-amz-meta-a': 'b,  c', Origin: pageOrigin }
      const answer = await fetchAt(port, url, { method: 'PUT', headers, body: noise(5000) })
      return [answer, await seen(await client.send(new GetObjectCommand({ Bucket, Key })))]
    },
  },
  {
    name: 's3-request-presigner: PUT with plain fetch, which sends its own headers',
    group: pathStyle,
    proofs: ['sigv4 query'],
    run: async (port) => {
      const client = s3Client(port, { requestChecksumCalculation: 'WHEN_REQUIRED' })
      const url = await getSignedUrl(client, new PutObjectCommand({ Bucket, Key: 'object' }), {
        expiresIn: 60,
      })
      const answer = await fetch(url, { method: 'PUT', body: new Uint8Array(noise(5000)) })
      return [answer.status, answer.headers.get('etag'), await answer.text()]
    },
  },
  {
    name: 's3-presigned-post: a form from a page',
    group: pathStyle,
    proofs: ['sigv4 form', ...signed],
    run: async (port) => {
      const client = s3Client(port)
      const { url, fields } = await createPresignedPost(client, {
        Bucket,
        Key: `posted/\${filename}`,
        Conditions: [
          ['content-length-range', 1, 10_000],
          ['starts-with', '$Content-Type', 'image/'],
        ],
        Fields: { 'Content-Type': 'image/png', 'x-amz-meta-name': 'Grüße,  "x"' },
        Expires: 60,
      })
      const form = new FormData()
      for (const [name, value] of Object.entries(fields)) form.append(name, value)
      form.append('file', new File([new Uint8Array(noise(5000))], 'ü + 1.png'))
      const answer = await fetch(url, { method: 'POST', body: form, headers: { Origin: pageOrigin } })
      const get = new GetObjectCommand({ Bucket, Key: 'posted/ü + 1.png' })
      return [
        answer.status,
        answer.headers.get('etag'),
        await answer.text(),
        await seen(await client.send(get)),
      ]
    },
  },
]
