import type { RequestListener } from 'node:http'
import { gzipSync } from 'node:zlib'
import { afterEach, describe, expect, test } from 'vitest'
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts'

let running: TestSidecar | undefined
async function start(options?: SidecarOptions): Promise<TestSidecar> {
  running = await startSidecar({ mode: 'read', ...options })
  return running
}
afterEach(async () => {
  expect(running?.failures ?? []).toEqual([])
  await running?.close()
  running = undefined
})

const origin = 'https://example.com'
const files = { 'photos.yaml': `rules:\n  - allowedOrigins: ["${origin}"]\n    allowedMethods: ["GET"]\n` }
const store =
  (status: number, body: string | Buffer, headers: Record<string, string> = {}): RequestListener =>
  (_, response) => {
    response.writeHead(status, {
      'Content-Type': 'application/xml',
      'x-store': 'yes',
      'Access-Control-Allow-Origin': '*',
      ...headers,
    })
    response.end(body)
  }
const noSuch = '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchCORSConfiguration</Code></Error>'

describe('with credentials', () => {
  test('a verified GET is answered from the file, without the store', async () => {
    const sidecar = await start({ files })
    const answer = await sidecar.call('GET')
    expect(answer.status).toBe(200)
    expect(answer.body).toContain(`<AllowedOrigin>${origin}</AllowedOrigin>`)
    expect(sidecar.storeRequests.map(({ method, target }) => `${method} ${target}`)).toEqual([
      'HEAD /photos/',
    ])
  })

  test.each(['PUT', 'DELETE'])('%s is not for this API: the rules are managed in files', async (method) => {
    const sidecar = await start({ files })
    const answer = await sidecar.call(method, method === 'PUT' ? '<CORSConfiguration/>' : undefined)
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET')
    expect(answer.body).toContain('<Code>MethodNotAllowed</Code>')
    expect(answer.body).toContain('The CORS rules of this bucket are managed in files')
    expect(await sidecar.read('photos.yaml')).toBe(files['photos.yaml'])
  })
})

describe('without credentials', () => {
  test.each([
    ['404 NoSuchCORSConfiguration', 404, noSuch],
    [
      '404 with the code on a line of its own',
      404,
      '<Error>\n <Code>NoSuchCORSConfiguration</Code>\n</Error>',
    ],
    [
      '200 and a configuration',
      200,
      '<?xml version="1.0"?><CORSConfiguration xmlns="x"></CORSConfiguration>',
    ],
    ['200 and an empty configuration', 200, '<CORSConfiguration/>'],
    ['200 and a configuration after a comment', 200, '<!-- ours --><CORSConfiguration/>'],
  ])('if the store accepts the same request with %s, the caller gets the rules', async (_, status, body) => {
    const sidecar = await start({ credentials: null, files, store: store(status, body) })
    const answer = await sidecar.call('GET', undefined, { headers: { Origin: origin } })
    expect(answer.status).toBe(200)
    expect(answer.body).toContain(`<AllowedOrigin>${origin}</AllowedOrigin>`)
    expect(answer.headers['x-store']).toBeUndefined()
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    expect(sidecar.storeRequests).toHaveLength(1)
    expect(sidecar.storeRequests[0]).toMatchObject({ method: 'GET', target: '/photos/?cors' })
  })

  test('the store is sent the request as it was signed', async () => {
    const sidecar = await start({ credentials: null, files, dialect: 's3', store: store(404, noSuch) })
    await sidecar.call('GET', undefined, {
      headers: { 'X-Extra': 'a  b', Connection: 'x-gone', 'X-Gone': '1' },
    })
    const lines = sidecar.storeRequests[0]?.headers ?? []
    const names = lines.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
    expect(lines[lines.indexOf('Host') + 1]).toBe(`127.0.0.1:${sidecar.port}`)
    expect(lines[lines.indexOf('X-Extra') + 1]).toBe('a  b')
    expect(names).toContain('authorization')
    expect(names).toContain('x-amz-date')
    expect(names).not.toContain('x-gone')
  })

  test.each([
    ['off', '10.0.0.1'],
    ['append', '10.0.0.1, 127.0.0.1'],
    ['replace', '127.0.0.1'],
  ] as const)("the store gets the client's address as for other requests: %s", async (forwardedFor, expected) => {
    const sidecar = await start({ credentials: null, files, store: store(404, noSuch), forwardedFor })
    const answer = await sidecar.call('GET', undefined, { headers: { 'X-Forwarded-For': '10.0.0.1' } })
    expect(answer.status).toBe(200)
    const lines = sidecar.storeRequests[0]?.headers ?? []
    expect(lines.filter((_, i) => lines[i - 1]?.toLowerCase() === 'x-forwarded-for')).toEqual([expected])
  })

  test('a compressed answer by which the store accepts the caller is understood', async () => {
    const sidecar = await start({
      credentials: null,
      files,
      store: store(404, gzipSync(noSuch), { 'Content-Encoding': 'gzip' }),
    })
    expect((await sidecar.call('GET')).status).toBe(200)
  })

  test('a bucket without a file has no configuration, also for those whom the store knows', async () => {
    const sidecar = await start({ credentials: null, store: store(404, noSuch) })
    const answer = await sidecar.call('GET')
    expect(answer.status).toBe(404)
    expect(answer.body).toContain('<BucketName>photos</BucketName>')
    expect(answer.headers['x-store']).toBeUndefined()
  })

  test.each([
    ['403', 403, '<Error><Code>SignatureDoesNotMatch</Code></Error>'],
    ['404 NoSuchBucket', 404, '<Error><Code>NoSuchBucket</Code></Error>'],
    ['404 that only mentions the code', 404, '<html>NoSuchCORSConfiguration</html>'],
    ['404 with the code in another document', 404, '<html><Code>NoSuchCORSConfiguration</Code></html>'],
    [
      '404 with the code inside another element',
      404,
      '<Error><Code>NoSuchKey</Code><Key><Code>NoSuchCORSConfiguration</Code></Key></Error>',
    ],
    [
      '404 with the code as the text of another element',
      404,
      '<Error><Code>NoSuchKey</Code><Key><![CDATA[<Code>NoSuchCORSConfiguration</Code>]]></Key></Error>',
    ],
    [
      '404 with two codes',
      404,
      '<Error><Code>NoSuchBucket</Code><Code>NoSuchCORSConfiguration</Code></Error>',
    ],
    ['200 and a configuration that is cut off', 200, '<CORSConfiguration><CORSRule>'],
    ['206', 206, '<CORSConfiguration/>'],
    ['200 and something else', 200, '<html>a listing</html>'],
    ['200 with the code', 200, noSuch],
    ['200 and nothing', 200, ''],
    ['301', 301, ''],
    ['501', 501, '<Error><Code>NotImplemented</Code></Error>'],
    ['503', 503, '<CORSConfiguration/>'],
  ])('if the store answers %s, the caller gets that answer with CORS headers', async (_, status, body) => {
    const sidecar = await start({ credentials: null, files, store: store(status, body) })
    const answer = await sidecar.call('GET', undefined, { headers: { Origin: origin } })
    expect(answer).toMatchObject({ status, body })
    expect(answer.headers['x-store']).toBe('yes')
    expect(answer.headers['access-control-allow-origin']).toBe(origin)
    expect(answer.headers.vary).toBe('Origin')
    expect(sidecar.storeRequests).toHaveLength(1)
  })

  test('answers that are not text or too long are passed on unchanged', async () => {
    for (const body of [Buffer.from([0xff, 0xfe, 0x00]), Buffer.alloc(300_000, 'a')]) {
      const sidecar = await start({ credentials: null, files, store: store(403, body) })
      const answer = await fetch(`http://127.0.0.1:${sidecar.port}/photos/?cors`, {
        headers: { Authorization: 'OSS AK:AAAAAAAAAAAAAAAAAAAAAAAAAAA=', Date: new Date().toUTCString() },
      })
      expect(answer.status).toBe(403)
      expect(Buffer.from(await answer.arrayBuffer()).equals(body)).toBe(true)
      await sidecar.close()
      running = undefined
    }
  })

  test('header lines with bytes outside ASCII are passed on byte for byte', async () => {
    const named = store(403, 'x', { 'x-named': 'caf\u00e9' })
    const sidecar = await start({ credentials: null, files, dialect: 's3', store: named })
    const answer = await sidecar.call('GET')
    expect(answer.status).toBe(403)
    expect(answer.headers['x-named']).toBe('caf\u00e9')
  })

  test('an invalid status of the store gives 502', async () => {
    const sidecar = await start({ credentials: null, files, store: store(700, '') })
    expect((await sidecar.call('GET')).status).toBe(502)
  })

  test('an unsigned request is refused here, because the store may allow anonymous reads', async () => {
    const sidecar = await start({ credentials: null, files, store: store(404, noSuch) })
    const host = `127.0.0.1:${sidecar.port}`
    const credentials: readonly Record<string, string>[] = [
      {},
      { Authorization: '' },
      { Authorization: 'Basic dXNlcjpwYXNz' },
      { Authorization: 'AWS4-HMAC-SHA256 x' },
    ]
    for (const headers of credentials) {
      const answer = await sidecar.send({ method: 'GET', target: '/photos/?cors', host, headers })
      expect(answer.status).toBeGreaterThanOrEqual(400)
      expect(answer.body).not.toContain(origin)
    }
    expect(sidecar.storeRequests).toEqual([])
  })

  test('a store that aborts its answer gives 502', async () => {
    const sidecar = await start({ credentials: null, files, store: (request) => request.socket.destroy() })
    const answer = await sidecar.call('GET')
    expect(answer.status).toBe(502)
    expect(answer.body).not.toContain(origin)
  })

  test('PUT and DELETE are refused', async () => {
    const sidecar = await start({ credentials: null, files, store: store(404, noSuch) })
    expect((await sidecar.call('DELETE')).status).toBe(405)
    expect(sidecar.storeRequests).toEqual([])
  })
})

describe('who else answers', () => {
  test('with the API off the store answers, and its response gets CORS headers like any other', async () => {
    const sidecar = await start({ setup: { bucketCorsApi: 'off' }, files })
    const answer = await sidecar.call('PUT', '<CORSConfiguration/>', {
      headers: { Origin: 'https://x.example' },
    })
    expect(answer.status).toBe(501)
    expect(sidecar.storeRequests).toHaveLength(1)
  })

  test('for a bucket in report mode the store answers', async () => {
    const reported = { 'photos.yaml': `${files['photos.yaml']}mode: report\n` }
    const sidecar = await start({ files: reported })
    expect((await sidecar.call('GET')).status).toBe(501)
  })
})
