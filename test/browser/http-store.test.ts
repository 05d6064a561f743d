import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FileStore } from '@tus/file-store'
import { Server as TusServer } from '@tus/server'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { describeInBrowser, launchChromium } from './chromium.ts'
import { nginxListening } from './nginx-listening.ts'

const nginx = '/usr/sbin/nginx'
const davModule = '/usr/lib/nginx/modules/ngx_http_dav_ext_module.so'
const cadaver = '/usr/bin/cadaver'
const tusClient = createRequire(import.meta.url).resolve('tus-js-client/dist/tus.min.js')

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

const undo: (() => unknown)[] = []

async function temporary(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'http-store-'))
  undo.push(() => rm(folder, { recursive: true, force: true }))
  return folder
}

async function listening(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  undo.push(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return `http://127.0.0.1:${address.port}`
}

async function sidecarBefore(upstream: string, files: Readonly<Record<string, string>>): Promise<string> {
  const rules = await temporary()
  for (const [name, text] of Object.entries(files)) await writeFile(join(rules, name), text)
  const flags = {
    upstream,
    rules,
    dialect: 'http',
    listen: '127.0.0.1:0',
    admin: '127.0.0.1:0',
    logLevel: 'silent',
  }
  const read = readSettings({ flags, environment: {}, config: undefined })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  const sidecar = await startSidecar(read.settings)
  undo.push(() => sidecar.close())
  return `http://127.0.0.1:${sidecar.dataAddress.port}`
}

/** nginx with all of WebDAV class 2 for the folders `dav` and `corp`. */
async function startNginx(): Promise<{ readonly origin: string; readonly files: string }> {
  const folder = await temporary()
  const reserved = await openLocalPort(0)
  const { port } = reserved
  await reserved.close()
  for (const name of ['files/dav', 'files/corp', 'body']) await mkdir(join(folder, name), { recursive: true })
  for (const name of ['dav', 'corp']) await writeFile(join(folder, 'files', name, 'pixel.png'), png)
  await writeFile(
    join(folder, 'nginx.conf'),
    `load_module ${davModule};
daemon off;
master_process off;
pid ${folder}/nginx.pid;
error_log ${folder}/error.log;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  types { image/png png; }
  dav_ext_lock_zone zone=locks:1m;
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    dav_methods PUT DELETE MKCOL COPY MOVE;
    dav_ext_methods PROPFIND OPTIONS LOCK UNLOCK;
    dav_ext_lock zone=locks;
    create_full_put_path on;
  }
}
`,
  )
  const child = spawn(nginx, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' })
  undo.push(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  })
  await nginxListening(child, port, join(folder, 'error.log'))
  return { origin: `http://127.0.0.1:${port}`, files: join(folder, 'files') }
}

const rulesOf = (pageOrigin: string, methods: string, more = '', expose = ''): string =>
  `rules:\n  - allowedOrigins: ["${pageOrigin}"]\n    allowedMethods: [${methods}]\n    allowedHeaders: ["*"]\n${expose}${more}`

describeInBrowser('a page and a store that speaks HTTP alone', () => {
  let page: Page
  let pageOrigin: string
  let coepOrigin: string

  beforeAll(async () => {
    const withCoep: RequestListener = (_, response) => {
      response.setHeader('Cross-Origin-Embedder-Policy', 'require-corp')
      response.setHeader('Content-Type', 'text/html').end('<!doctype html><title>coep</title>')
    }
    pageOrigin = await listening(async (request, response) => {
      if (request.url === '/tus.js')
        response.setHeader('Content-Type', 'text/javascript').end(await readFile(tusClient))
      else
        response.setHeader('Content-Type', 'text/html').end('<!doctype html><script src="/tus.js"></script>')
    })
    coepOrigin = await listening(withCoep)
    const chromium = await launchChromium()
    undo.push(() => chromium.close())
    page = await chromium.context.newPage()
  })
  afterAll(async () => {
    for (const step of undo.reverse()) await step()
  })

  const call = (url: string, init: { method: string; headers?: Record<string, string>; body?: string }) =>
    page.evaluate(
      ([address, options]) =>
        fetch(address, options).then(
          async (response) => ({ status: response.status, text: await response.text() }),
          () => ({ status: 0, text: 'blocked' }),
        ),
      [url, init] as const,
    )

  const hasDav = existsSync(nginx) && existsSync(davModule)
  if (!hasDav && process.env.CI_REQUIRE_NGINX === '1')
    test('nginx with dav-ext is required', () => expect.fail('install libnginx-mod-http-dav-ext'))

  test.skipIf(!hasDav)(
    'lists, uploads, moves and deletes by WebDAV in nginx, and shows a picture under COEP',
    {
      timeout: 120_000,
    },
    async () => {
      const store = await startNginx()
      const sidecar = await sidecarBefore(store.origin, {
        'dav.yaml': rulesOf(pageOrigin, 'PROPFIND, PUT, MOVE, DELETE, OPTIONS'),
        'corp.yaml': rulesOf(pageOrigin, 'GET', 'resourcePolicy: cross-origin\n'),
      })
      await page.goto(pageOrigin)
      expect((await call(`${sidecar}/dav/one.txt`, { method: 'PUT', body: 'hello' })).status).toBe(201)
      const moved = { method: 'MOVE', headers: { Destination: `${sidecar}/dav/two.txt` } }
      expect((await call(`${sidecar}/dav/one.txt`, moved)).status).toBe(204)
      const listed = await call(`${sidecar}/dav/`, { method: 'PROPFIND', headers: { Depth: '1' } })
      expect(listed.status).toBe(207)
      expect(listed.text).toContain('two.txt')
      expect(listed.text).not.toContain('one.txt')
      expect(await readFile(join(store.files, 'dav/two.txt'), 'utf8')).toBe('hello')
      expect((await call(`${sidecar}/dav/two.txt`, { method: 'DELETE' })).status).toBe(204)
      expect(await readdir(join(store.files, 'dav'))).toEqual(['pixel.png'])
      // Not in the rules, so the browser does not send it.
      expect((await call(`${sidecar}/dav/new/`, { method: 'MKCOL' })).text).toBe('blocked')
      expect((await call(`${sidecar}/corp/x.txt`, { method: 'PUT', body: 'x' })).text).toBe('blocked')
      expect(await readdir(join(store.files, 'corp'))).toEqual(['pixel.png'])

      await page.goto(coepOrigin)
      const shows = (url: string) =>
        page.evaluate(
          (source) =>
            new Promise<boolean>((resolve) => {
              const image = new Image()
              image.onload = () => resolve(true)
              image.onerror = () => resolve(false)
              image.src = source
            }),
          url,
        )
      expect(await shows(`${sidecar}/corp/pixel.png`)).toBe(true)
      // The policy is the only difference.
      expect((await fetch(`${sidecar}/dav/pixel.png`)).status).toBe(200)
      expect(await shows(`${sidecar}/dav/pixel.png`)).toBe(false)
    },
  )

  test.skipIf(!hasDav || !existsSync(cadaver))(
    'cadaver finds DAV: by OPTIONS, uploads and lists',
    {
      timeout: 60_000,
    },
    async () => {
      const store = await startNginx()
      const sidecar = await sidecarBefore(store.origin, { 'dav.yaml': rulesOf(pageOrigin, 'PROPFIND') })
      const options = await fetch(`${sidecar}/dav/`, { method: 'OPTIONS' })
      expect([options.status, options.headers.get('dav')]).toEqual([200, '2'])
      const folder = await temporary()
      await writeFile(join(folder, 'sent.txt'), 'by cadaver')
      const child = spawn(cadaver, [`${sidecar}/dav/`], {
        cwd: folder,
        env: { HOME: folder, PATH: '/usr/bin:/bin' },
      })
      const out: string[] = []
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => out.push(chunk.toString()))
      child.stdin.end('put sent.txt\nmkcol made\nmove sent.txt made/\nls made\nquit\n')
      await once(child, 'exit')
      expect(out.join('')).toContain('sent.txt')
      expect(await readFile(join(store.files, 'dav/made/sent.txt'), 'utf8'), out.join('')).toBe('by cadaver')
    },
  )

  test('tus-js-client uploads to a tus server, in parts by PATCH', { timeout: 60_000 }, async () => {
    const directory = await temporary()
    const tus = new TusServer({ path: '/files', datastore: new FileStore({ directory }) })
    const methods: string[] = []
    const store = await listening((request, response) => {
      methods.push(request.method ?? '')
      void tus.handle(request, response)
    })
    const sidecar = await sidecarBefore(store, {
      'files.yaml': rulesOf(
        pageOrigin,
        'POST, HEAD, PATCH',
        '',
        '    exposeHeaders: [Location, Upload-Offset, Upload-Length, Tus-Resumable]\n',
      ),
    })
    await page.goto(pageOrigin)
    const outcome = await page.evaluate(
      (endpoint) =>
        new Promise<string>((resolve) => {
          const client = Reflect.get(window, 'tus')
          const file = new Blob(['a'.repeat(300_000)])
          new client.Upload(file, {
            endpoint,
            chunkSize: 100_000,
            retryDelays: null,
            onError: (error: Error) => resolve(`failed: ${error.message}`),
            onSuccess: () => resolve('uploaded'),
          }).start()
        }),
      `${sidecar}/files`,
    )
    expect(outcome).toBe('uploaded')
    expect(methods.filter((method) => method === 'PATCH')).toHaveLength(3)
    // The sidecar answers preflights.
    expect(methods).not.toContain('OPTIONS')
    const sizes = await Promise.all(
      (await readdir(directory))
        .filter((name) => !name.endsWith('.json'))
        .map(async (name) => (await readFile(join(directory, name))).length),
    )
    expect(sizes).toEqual([300_000])
  })
})
