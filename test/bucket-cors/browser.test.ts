import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, describeInBrowser, launchChromium } from '../browser/chromium.ts'
import { startSidecar, type TestSidecar } from './sidecar.ts'
import { accessKeyId, secret } from './sign.ts'

const sdk = createRequire(import.meta.url).resolve('cos-js-sdk-v5/dist/cos-js-sdk-v5.min.js')
const bucket = 'examplebucket-1250000000'

/** Functions that a page calls by name. Responses come back as plain data, errors as `{failed}`. */
const page = (
  port: number,
): string => `<!doctype html><meta charset="utf-8"><script src="/cos.js"></script><script>
  const cos = new COS({
    SecretId: '${accessKeyId}', SecretKey: '${secret}', Protocol: 'http:', Domain: '127.0.0.1:${port}/{Bucket}'
  })
  const at = { Bucket: '${bucket}', Region: 'ap-beijing' }
  window.call = (name, more) => new Promise((resolve) => cos[name]({ ...at, ...more }, (error, data) =>
    resolve(error ? { failed: String(error.statusCode) + " " + error.message } : { statusCode: data.statusCode, CORSRules: data.CORSRules })))
</script>`

/** Accepts every upload, like a store without CORS. */
const store: RequestListener = (request, response) => {
  request.resume().on('end', () => response.writeHead(200, { ETag: '"1"' }).end())
}

describeInBrowser('cos-js-sdk-v5 in a browser', () => {
  let chromium: Chromium
  let sidecar: TestSidecar
  let origin: string
  const pages = createServer(async (request, response) => {
    if (request.url === '/cos.js')
      response.setHeader('Content-Type', 'text/javascript').end(await readFile(sdk))
    else response.setHeader('Content-Type', 'text/html').end(page(sidecar.port))
  })

  beforeAll(async () => {
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve))
    origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`
    const credentials = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}", buckets: [${bucket}]}\n`
    // A page can only call the API of a bucket that already allows it.
    const first = `rules:\n  - {allowedOrigins: ["${origin}"], allowedMethods: [GET, PUT, DELETE], allowedHeaders: ["*"]}\n`
    sidecar = await startSidecar({ credentials, files: { [`${bucket}.yaml`]: first }, store })
    chromium = await launchChromium()
  })
  afterAll(async () => {
    await chromium?.close()
    await sidecar?.close()
    pages.closeAllConnections()
    await new Promise((resolve) => pages.close(resolve))
  })

  test('put, get and delete work, and the new rules decide the next upload of the page', {
    timeout: 60_000,
  }, async () => {
    const tab = await chromium.context.newPage()
    await tab.goto(origin)
    const call = (
      name: string,
      more: object = {},
    ): Promise<{ statusCode?: number; CORSRules?: unknown; failed?: unknown }> =>
      tab.evaluate(([method, options]) => Reflect.get(window, 'call')(method, options), [name, more] as const)
    // Max-age 0, or the browser would use the earlier permission.
    const rule = (methods: readonly string[]) => ({
      CORSRules: [
        {
          AllowedOrigin: [origin],
          AllowedMethod: methods,
          AllowedHeader: ['*'],
          ExposeHeader: ['ETag'],
          MaxAgeSeconds: '0',
        },
      ],
    })

    expect(await call('putBucketCors', rule(['GET', 'POST', 'PUT', 'DELETE', 'HEAD']))).toMatchObject({
      statusCode: 200,
    })
    expect(await call('getBucketCors')).toMatchObject({
      statusCode: 200,
      CORSRules: [
        {
          AllowedOrigins: [origin],
          AllowedMethods: ['GET', 'POST', 'PUT', 'DELETE', 'HEAD'],
          AllowedHeaders: ['*'],
          ExposeHeaders: ['ETag'],
          MaxAgeSeconds: '0',
        },
      ],
    })
    expect(await call('putObject', { Key: 'one.txt', Body: 'hello' })).toMatchObject({ statusCode: 200 })

    expect(await call('putBucketCors', rule(['GET', 'DELETE']))).toMatchObject({ statusCode: 200 })
    expect(await call('putObject', { Key: 'two.txt', Body: 'hello' })).toHaveProperty('failed')
    const uploaded = sidecar.storeRequests
      .filter(({ method }) => method === 'PUT')
      .map(({ target }) => target)
    expect(uploaded).toEqual([`/${bucket}/one.txt`])

    expect(await call('deleteBucketCors')).toMatchObject({ statusCode: 204 })
    expect(await call('getBucketCors')).toHaveProperty('failed')
    expect(await sidecar.list()).toEqual([])
    expect(sidecar.failures).toEqual([])
  })
})
