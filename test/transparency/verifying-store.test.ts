import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessKeyId, s3Client, secret } from '../auth/clients.ts'
import { chunksAreSigned, readAwsChunked } from './aws-chunked.ts'
import { checksum } from './checksums.ts'
import { fetchAt } from './sdk-call.ts'
import { startVerifyingStore, type VerifyingStore } from './verifying-store.ts'

/** S3 API reference, "Example calculations" of chunked uploads: 65 KB of the letter a in chunks of 64 KB. */
const seed = {
  timestamp: '20130524T000000Z',
  scope: '20130524/us-east-1/s3/aws4_request',
  secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const framed = (first: string, second: string, last: string, end: string): Buffer =>
  Buffer.from(
    [
      `10000;chunk-signature=${first}\r\n${'a'.repeat(65_536)}\r\n`,
      `400;chunk-signature=${second}\r\n${'a'.repeat(1024)}\r\n`,
      `0;chunk-signature=${last}\r\n${end}`,
    ].join(''),
  )
const documented = [
  {
    name: 'without a trailer',
    signature: '4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9',
    body: framed(
      'ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648',
      '0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497',
      'b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9',
      '\r\n',
    ),
  },
  {
    name: 'with a trailer',
    signature: '106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e',
    body: framed(
      'b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2',
      '1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7',
      '2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992',
      'x-amz-checksum-crc32c:sOO8/Q==\r\nx-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n\r\n',
    ),
  },
]

describe.each(documented)('the documented upload in signed chunks, $name', ({ signature, body }) => {
  test('verifies', () => {
    const chunked = readAwsChunked(body)
    expect(chunked && chunksAreSigned(chunked, { ...seed, signature })).toBe(true)
  })

  test.each([
    ['the first chunk', 90],
    ['the last signature', body.lastIndexOf('0;chunk-signature=') + 30],
  ])('does not verify with a byte of %s changed', (_, at) => {
    const chunked = readAwsChunked(changed(body, at))
    expect(chunked === undefined || chunksAreSigned(chunked, { ...seed, signature })).toBe(false)
  })

  test('is no aws-chunked body with a byte less or more', () => {
    expect(readAwsChunked(body.subarray(0, -1))).toBeUndefined()
    expect(readAwsChunked(Buffer.concat([body, Buffer.from('x')]))).toBeUndefined()
  })
})

function changed(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = copy[at] === 0x62 ? 0x63 : 0x62
  return copy
}

test.each([
  ['crc32', '123456789', 'cbf43926'],
  ['crc32c', '123456789', 'e3069283'],
  ['crc64nvme', '123456789', 'ae8b14860a799888'],
  ['sha1', 'abc', 'a9993e364706816aba3e25717850c26c9cd0d89d'],
  ['sha256', 'abc', 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'],
])('%s of %s is the check value of its standard', (name, text, hex) => {
  expect(checksum(name, Buffer.from(text))).toBe(Buffer.from(hex, 'hex').toString('base64'))
})

describe('the store', () => {
  let store: VerifyingStore
  beforeAll(async () => {
    store = await startVerifyingStore({ key: { id: accessKeyId, secret }, hostSuffixes: [] })
  })
  afterAll(() => store.close())

  test('refuses a request without a signature', async () => {
    const answer = await fetchAt(store.port, `http://127.0.0.1:${store.port}/photos/x`)
    expect(answer.status).toBe(403)
  })

  test('refuses another secret, and another key', async () => {
    const get = new GetObjectCommand({ Bucket: 'photos', Key: 'x' })
    for (const credentials of [
      { accessKeyId, secretAccessKey: 'guess' },
      { accessKeyId: 'NOBODY', secretAccessKey: secret },
    ])
      await expect(s3Client(store.port, { credentials }).send(get)).rejects.toMatchObject({
        name: 'SignatureDoesNotMatch',
      })
    await expect(s3Client(store.port).send(get)).rejects.toMatchObject({ name: 'NoSuchKey' })
  })
})
