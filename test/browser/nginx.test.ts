import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { readSettings } from '../../src/settings/settings.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'
import { describeInBrowser, launchChromium } from './chromium.ts'
import { dialectPage, type Seen } from './dialect-page.ts'
import { nginxListening } from './nginx-listening.ts'

const nginxPath = ['/usr/sbin/nginx', '/usr/local/sbin/nginx', '/opt/homebrew/bin/nginx'].find((path) =>
  existsSync(path),
)

/** nginx serving files, with its WebDAV module for methods other than GET. */
const configuration = (folder: string, port: number): string => `
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
  server {
    listen 127.0.0.1:${port};
    root ${folder}/files;
    dav_methods PUT DELETE MKCOL COPY MOVE;
    create_full_put_path on;
    client_max_body_size 64m;
    add_header Access-Control-Allow-Origin * always;
  }
}
`

if (nginxPath === undefined) {
  if (process.env.CI_REQUIRE_NGINX === '1')
    test('nginx is required', () => expect.fail('No nginx on this machine.'))
  else test.skip('in front of nginx (skipped: no nginx found)')
} else {
  describeInBrowser('in front of nginx with files and WebDAV', () => {
    const undo: (() => Promise<unknown>)[] = []
    let folder: string
    let page: Page
    let sidecar: string

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'nginx-'))
      undo.push(() => rm(folder, { recursive: true, force: true }))
      const { port, close } = await openLocalPort(0)
      await close()
      await mkdir(join(folder, 'files', 'site'), { recursive: true })
      await mkdir(join(folder, 'rules'))
      await writeFile(join(folder, 'files', 'site', 'hello.txt'), 'hello from nginx\n')
      await writeFile(join(folder, 'nginx.conf'), configuration(folder, port))
      const nginx = spawn(nginxPath, ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'inherit' })
      const ended = new Promise((resolve) => nginx.once('exit', resolve))
      undo.push(async () => {
        nginx.kill('SIGKILL')
        await ended
      })
      await nginxListening(nginx, port, join(folder, 'error.log'))

      const pagePort = await openLocalPort(0)
      undo.push(pagePort.close)
      pagePort.serve((_request, response) => {
        response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end(dialectPage)
      })
      const origin = `http://127.0.0.1:${pagePort.port}`
      await writeFile(
        join(folder, 'rules', 'site.yaml'),
        `rules:\n  - allowedOrigins: ["${origin}"]\n    allowedMethods: [GET, HEAD, PUT]\n    allowedHeaders: [content-type]\n    exposeHeaders: [ETag]\n`,
      )
      const read = readSettings({
        flags: {
          upstream: `http://127.0.0.1:${port}`,
          rules: join(folder, 'rules'),
          listen: '127.0.0.1:0',
          admin: '127.0.0.1:0',
          logLevel: 'silent',
        },
        environment: {},
        config: undefined,
      })
      if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
      const running = await startSidecar(read.settings)
      undo.push(running.close)
      sidecar = `http://127.0.0.1:${running.dataAddress.port}`
      const chromium = await launchChromium()
      undo.push(chromium.close)
      page = await chromium.context.newPage()
      await page.goto(`${origin}/`)
    })

    afterAll(async () => {
      for (const step of undo.reverse()) await step()
    })

    const request = (path: string, init: object = {}) =>
      page.evaluate<Seen>(`request(${JSON.stringify(sidecar + path)}, ${JSON.stringify(init)})`)

    test('a page reads a file and its ETag, although nginx sends CORS headers of its own', async () => {
      const seen = await request('/site/hello.txt')
      expect(seen).toMatchObject({ kind: 'answer', status: 200, body: 'hello from nginx\n' })
      expect(seen.kind === 'answer' && seen.headers.etag).toMatch(/^"/)
    })

    test('a page uploads by WebDAV, and the file is there, byte for byte', async () => {
      const body = 'from the page\u{1f4e6}'
      expect(await request('/site/new/deep.txt', { method: 'PUT', body })).toMatchObject({
        kind: 'answer',
        status: 201,
      })
      expect(await readFile(join(folder, 'files', 'site', 'new', 'deep.txt'), 'utf8')).toBe(body)
    })

    test('a missing file is a 404 that the page can read', async () => {
      expect(await request('/site/missing.txt')).toMatchObject({ kind: 'answer', status: 404 })
    })

    test('a method or a bucket that the rules do not allow is blocked', async () => {
      expect(await request('/site/hello.txt', { method: 'DELETE' })).toMatchObject({ kind: 'blocked' })
      expect(await request('/elsewhere/hello.txt')).toMatchObject({ kind: 'blocked' })
    })
  })
}
