import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Chromium, describeInBrowser, launchChromium } from '../browser/chromium.ts'
import { startSidecar, type TestSidecar } from './sidecar.ts'
import { accessKeyId, secret } from './sign.ts'

const { resolve } = createRequire(import.meta.url)
const scripts: Readonly<Record<string, string>> = {
  '/cos.js': resolve('cos-js-sdk-v5/dist/cos-js-sdk-v5.min.js'),
  '/oss.js': resolve('ali-oss/dist/aliyun-oss-sdk.min.js'),
}
const bucket = 'examplebucket-1250000000'

/** Makes a page's clock wrong before any of its scripts runs. */
const setClock = (milliseconds: number): string => `{
  const Right = Date
  const now = () => Right.now() + ${milliseconds}
  globalThis.Date = class extends Right {
    constructor(...parts) { if (parts.length === 0) super(now()); else super(...parts) }
    static now() { return now() }
  }
}`

describeInBrowser('a page whose clock is wrong', () => {
  let chromium: Chromium
  let origin: string
  const pages = createServer(async (request, response) => {
    const script = scripts[request.url ?? '']
    if (script === undefined)
      response
        .setHeader('Content-Type', 'text/html')
        .end(
          '<!doctype html><meta charset="utf-8"><script src="/cos.js"></script><script src="/oss.js"></script>',
        )
    else response.setHeader('Content-Type', 'text/javascript').end(await readFile(script))
  })
  const sidecars: TestSidecar[] = []

  beforeAll(async () => {
    await once(pages.listen(0, '127.0.0.1'), 'listening')
    const address = pages.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    origin = `http://127.0.0.1:${address.port}`
    chromium = await launchChromium()
  })
  afterAll(async () => {
    await chromium?.close()
    for (const sidecar of sidecars) await sidecar.close()
    pages.closeAllConnections()
    pages.close()
  })

  /** Date is not exposed, so the SDK only has the body. */
  async function started(dialect: 'cos' | 'oss'): Promise<TestSidecar> {
    const credentials = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}", buckets: [${bucket}]}\n`
    const first = `rules:\n  - {allowedOrigins: ["${origin}"], allowedMethods: [GET, PUT], allowedHeaders: ["*"]}\n`
    const sidecar = await startSidecar({ dialect, credentials, files: { [`${bucket}.yaml`]: first } })
    sidecars.push(sidecar)
    return sidecar
  }

  const hours = 3_600_000
  test.each([
    ['two hours behind', -2 * hours],
    ['two hours ahead', 2 * hours],
  ])(
    '%s: cos-js-sdk-v5 finds out what time it is, and its call succeeds',
    { timeout: 60_000 },
    async (_, offset) => {
      const { port } = await started('cos')
      const tab = await chromium.context.newPage()
      await tab.addInitScript(setClock(offset))
      const answers: number[] = []
      tab.on('response', (response) => {
        if (response.request().method() === 'GET' && response.url().includes('cors'))
          answers.push(response.status())
      })
      await tab.goto(origin)
      const outcome = await tab.evaluate(
        ([at, name, id, key]) =>
          new Promise<unknown>((resolve) => {
            const COS = Reflect.get(window, 'COS')
            new COS({
              SecretId: id,
              SecretKey: key,
              Protocol: 'http:',
              Domain: `127.0.0.1:${at}/{Bucket}`,
              CorrectClockSkew: true,
            }).getBucketCors(
              { Bucket: name, Region: 'ap-beijing' },
              (error: object | null, data: { statusCode: number }) =>
                resolve(error === null ? data.statusCode : JSON.stringify(error)),
            )
          }),
        [port, bucket, accessKeyId, secret] as const,
      )
      expect(outcome).toBe(200)
      expect(answers.filter((status) => status !== 204)).toEqual([403, 200])
      await tab.close()
    },
  )

  test('two hours ahead: ali-oss finds out what time it is, and its call succeeds', {
    timeout: 60_000,
  }, async () => {
    const { port } = await started('oss')
    const tab = await chromium.context.newPage()
    await tab.addInitScript(setClock(2 * hours))
    const answers: number[] = []
    tab.on('response', (response) => {
      if (response.request().method() === 'GET' && response.url().includes('cors'))
        answers.push(response.status())
    })
    await tab.goto(origin)
    const outcome = await tab.evaluate(
      async ([at, name, id, key]) => {
        const OSS = Reflect.get(window, 'OSS')
        const client = new OSS({
          accessKeyId: id,
          accessKeySecret: key,
          bucket: name,
          endpoint: `http://127.0.0.1:${at}`,
          sldEnable: true,
        })
        // The SDK's browser build has no getBucketCORS; this is the request of its Node build.
        const request = { method: 'GET', bucket: name, subres: 'cors', successStatuses: [200] }
        return client.request(request).then(
          ({ status }: { status: number }) => status,
          (error: unknown) => String(error),
        )
      },
      [port, bucket, accessKeyId, secret] as const,
    )
    expect(outcome).toBe(200)
    expect(answers).toEqual([403, 200])
    await tab.close()
  })
})
