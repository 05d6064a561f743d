import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { DialectName } from '../../src/cors/rule.ts'
import { openFolderStore } from '../../src/demo/folder-store.ts'
import { type LocalPort, openLocalPort } from '../../src/demo/local-port.ts'
import { vendorNames } from '../../src/dialect/named.ts'
import { readSettings, type Settings } from '../../src/settings/settings.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { type Chromium, describeInBrowser, launchChromium } from './chromium.ts'
import { dialectPage, type Seen } from './dialect-page.ts'

const buckets = ['app', 'public', 'trap'] as const

/** The rules of each bucket, the same for every dialect. */
const rulesFor = (pageOrigin: string) => ({
  app: `rules:
  - id: app
    allowedOrigins: ["${pageOrigin}"]
    allowedMethods: [GET, HEAD, PUT]
    allowedHeaders: [content-type, x-meta-author]
    exposeHeaders: [ETag, x-meta-author]
    maxAgeSeconds: 60
`,
  public: `rules:
  - id: anyone
    allowedOrigins: ["*"]
    allowedMethods: [GET]
`,
  trap: `vary: dialect
rules:
  - id: app
    allowedOrigins: ["${pageOrigin}"]
    allowedMethods: [GET]
`,
})

/** A transparent pixel. */
const pixel = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==',
  'base64',
)

interface Running {
  readonly sidecar: string
  /** A sidecar with the same rules whose store is unreachable. */
  readonly orphan: string
}

describeInBrowser('dialects in a real browser', () => {
  const undo: (() => Promise<unknown>)[] = []
  const running = new Map<DialectName, Running>()
  let context: BrowserContext
  let pageOrigin: string
  let storeOrigin: string

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), 'dialects-'))
    undo.push(() => rm(folder, { recursive: true, force: true }))
    const store = await opened()
    storeOrigin = originOf(store)
    store.serve(
      await openFolderStore({
        root: join(folder, 'store'),
        buckets,
        maxObjectBytes: 1e6,
        maxTotalBytes: 1e7,
      }),
    )
    const page = await opened()
    pageOrigin = originOf(page)
    page.serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(dialectPage)
    })
    for (const [bucket, rules] of Object.entries(rulesFor(pageOrigin)))
      await writeFile(join(folder, `${bucket}.yaml`), rules)
    const dead = await openLocalPort(0)
    await dead.close()
    for (const dialect of vendorNames)
      running.set(dialect, {
        sidecar: await started(dialect, storeOrigin, folder),
        orphan: await started(dialect, originOf(dead), folder),
      })
    const chromium: Chromium = await launchChromium()
    undo.push(chromium.close)
    context = chromium.context
  })

  afterAll(async () => {
    for (const step of undo.reverse()) await step()
  })

  async function opened(): Promise<LocalPort> {
    const port = await openLocalPort(0)
    undo.push(port.close)
    return port
  }

  async function started(dialect: DialectName, upstream: string, rules: string): Promise<string> {
    const sidecar = await startSidecar(settingsFor(dialect, upstream, rules))
    undo.push(() => sidecar.close())
    return `http://127.0.0.1:${sidecar.dataAddress.port}`
  }

  describe.each(vendorNames)('%s', (dialect) => {
    let page: Page
    let sidecar: string
    let orphan: string

    beforeAll(async () => {
      const found = running.get(dialect)
      if (found === undefined) throw new Error(`no sidecar for ${dialect}`)
      sidecar = found.sidecar
      orphan = found.orphan
      for (const bucket of buckets) await put(bucket, 'hello.txt', 'hello', 'text/plain')
      page = await context.newPage()
      await page.goto(`${pageOrigin}/`)
    })

    const put = async (bucket: string, key: string, body: string | Buffer, type: string) => {
      const headers = { 'content-type': type, 'cache-control': 'max-age=600' }
      await fetch(`${storeOrigin}/${bucket}/${key}`, {
        method: 'PUT',
        headers,
        body: new Uint8Array(Buffer.from(body)),
      })
    }
    const call = (name: string, url: string, init: object = {}) =>
      page.evaluate<Seen>(`${name}(${JSON.stringify(url)}, ${JSON.stringify(init)})`)
    const request = (path: string, init: object = {}) => call('request', `${sidecar}${path}`, init)

    test('a simple GET is readable', async () => {
      expect(await request('/app/hello.txt')).toMatchObject({ kind: 'answer', status: 200, body: 'hello' })
    })

    test('a PUT with a header of its own passes its preflight, and the object is there', async () => {
      const key = `from-${dialect}.txt`
      const init = { method: 'PUT', body: 'from the page', headers: { 'x-meta-author': 'ada' } }
      expect(await request(`/app/${key}`, init)).toMatchObject({ kind: 'answer', status: 200 })
      const stored = await fetch(`${storeOrigin}/app/${key}`)
      expect(await stored.text()).toBe('from the page')
      expect(stored.headers.get('x-meta-author')).toBe('ada')
    })

    test('an exposed header is readable, a hidden one is on the wire only', async () => {
      const arrived = page.waitForResponse(`${sidecar}/app/hello.txt?hidden`)
      const seen = await request('/app/hello.txt?hidden')
      const wire = await (await arrived).allHeaders()
      expect(seen).toMatchObject({ headers: { etag: wire.etag } })
      expect(wire['x-store-node']).toBe('folder-1')
      expect(seen).not.toHaveProperty('headers.x-store-node')
    })

    test.each([
      ['GET', {}],
      ['PUT', { body: 'x' }],
    ])('credentials: a %s that includes them', async (method, init) => {
      const seen = await request('/app/with-credentials.txt', { method, ...init, credentials: 'include' })
      // OSS documents no Access-Control-Allow-Credentials, so browsers never allow credentials.
      expect(seen.kind).toBe(dialect === 'oss' ? 'blocked' : 'answer')
    })

    test('credentials: never with a rule for any origin', async () => {
      expect(await request('/public/hello.txt')).toMatchObject({ status: 200 })
      expect(await request('/public/hello.txt', { credentials: 'include' })).toMatchObject({
        kind: 'blocked',
      })
    })

    test('Origin null is refused by a rule that names origins, and allowed by one for any origin', async () => {
      const named = await call('requestFromSandbox', `${sidecar}/app/hello.txt`)
      const any = await call('requestFromSandbox', `${sidecar}/public/hello.txt`)
      expect(named).toMatchObject({ kind: 'blocked' })
      expect(any).toMatchObject({ kind: 'answer', status: 200, body: 'hello' })
    })

    test("the store's error is readable", async () => {
      const seen = await request('/app/missing.txt')
      expect(seen).toMatchObject({ kind: 'answer', status: 404 })
      expect(seen).toMatchObject({ body: expect.stringContaining('<Code>NoSuchKey</Code>') })
    })

    test('an error of the sidecar is readable', async () => {
      const seen = await call('request', `${orphan}/app/hello.txt`)
      expect(seen).toMatchObject({ kind: 'answer', status: 502 })
      expect(seen).toMatchObject({ body: expect.stringMatching(/^<\?xml[\s\S]*<Error>/) })
    })

    test('a revalidated answer is readable', async () => {
      await request('/app/hello.txt?revalidated')
      const arrived = page.waitForResponse(`${sidecar}/app/hello.txt?revalidated`)
      const again = await request('/app/hello.txt?revalidated', { cache: 'no-cache' })
      expect(again).toMatchObject({ kind: 'answer', status: 200, body: 'hello' })
      expect((await (await arrived).allHeaders()).vary).toContain('Origin')
    })

    test('an image shown without CORS does not spoil a later fetch of the same URL', async () => {
      await put('app', 'pixel.png', pixel, 'image/png')
      const shown = await page.evaluate(`showImage(${JSON.stringify(`${sidecar}/app/pixel.png`)})`)
      expect(shown).toBe('shown')
      expect(await request('/app/pixel.png')).toMatchObject({ kind: 'answer', status: 200 })
    })

    test('the image does spoil a later fetch with vary: dialect', async () => {
      await put('trap', 'pixel.png', pixel, 'image/png')
      const shown = await page.evaluate(`showImage(${JSON.stringify(`${sidecar}/trap/pixel.png`)})`)
      expect(shown).toBe('shown')
      expect(await request('/trap/pixel.png')).toMatchObject({ kind: 'blocked' })
      // The object itself is allowed; only the cached response gets in the way.
      expect(await request('/trap/pixel.png', { cache: 'reload' })).toMatchObject({
        kind: 'answer',
        status: 200,
      })
    })

    test.each([
      ['method', '/app/hello.txt', { method: 'DELETE' }],
      ['method of a rule for any origin', '/public/hello.txt', { method: 'PUT', body: 'x' }],
      ['header', '/app/hello.txt', { method: 'PUT', body: 'x', headers: { 'x-secret': '1' } }],
    ])('a refused %s is blocked, and nothing reaches the store', async (_what, path, init) => {
      const before = await (await fetch(`${storeOrigin}${path}`)).text()
      expect(await request(path, init)).toEqual({ kind: 'blocked', error: 'TypeError: Failed to fetch' })
      expect(await (await fetch(`${storeOrigin}${path}`)).text()).toBe(before)
    })
  })
})

const originOf = ({ port }: LocalPort): string => `http://127.0.0.1:${port}`

function settingsFor(dialect: DialectName, upstream: string, rules: string): Settings {
  const flags = { upstream, rules, dialect, listen: '127.0.0.1:0', admin: '127.0.0.1:0', logLevel: 'silent' }
  const read = readSettings({ flags, environment: {}, config: undefined })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  return read.settings
}
