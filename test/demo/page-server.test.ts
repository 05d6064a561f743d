import { once } from 'node:events'
import { readdir, readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Demo, startDemo } from '../../src/demo/demo.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'

let demo: Demo
let origin: string

beforeAll(async () => {
  const ports = { page: 0, data: 0, admin: 0 }
  demo = await startDemo({ dialect: 'cos', ports, logLevel: 'silent' }, startSidecar)
  origin = demo.setup.pageOrigins[0] ?? ''
})

afterAll(() => demo.close())

const put = (
  path: string,
  body: string | Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { origin },
) => fetch(`${origin}${path}`, { method: 'PUT', body, headers })

describe('what it serves', () => {
  test.each([
    ['/', 'text/html; charset=utf-8'],
    ['/page.css', 'text/css; charset=utf-8'],
    ['/admin/page/shared.css', 'text/css; charset=utf-8'],
    ['/admin/page/dom.js', 'text/javascript; charset=utf-8'],
    ['/main.js', 'text/javascript; charset=utf-8'],
    ['/icon.svg', 'image/svg+xml'],
    ['/setup', 'application/json; charset=utf-8'],
    ['/rules/photos', 'text/plain; charset=utf-8'],
  ])('%s as %s, closed to other sites and caches', async (path, type) => {
    const answer = await fetch(`${origin}${path}`)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe(type)
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(answer.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('the policy lets the page run its own script only, and reach its server, the sidecar and the store', async () => {
    const policy = (await fetch(`${origin}/`)).headers.get('content-security-policy')?.split('; ')
    expect(policy).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self' blob:",
      `connect-src 'self' ${demo.setup.sidecarOrigin} ${demo.setup.storeOrigin}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ])
  })

  test('the page loads only its own files and has no inline script or style', async () => {
    const html = await (await fetch(`${origin}/`)).text()
    const css = await (await fetch(`${origin}/page.css`)).text()
    expect([...html.matchAll(/(?:src|href)="([^"]*)"/g)].map(([, url]) => url)).toEqual([
      '/icon.svg',
      '/admin/page/shared.css',
      '/page.css',
      '/main.js',
      '#steps',
      '/',
      '/',
    ])
    expect(html).not.toMatch(/<script>|<style|\sstyle=|\son[a-z]+=/)
    expect(css).not.toMatch(/url\(|@import/)
  })

  const scripts = [
    '/main.js',
    '/dom.js',
    '/player.js',
    '/requests.js',
    '/transfers.js',
    '/refusals.js',
    '/admin/page/dom.js',
  ]

  test.each(scripts)('%s writes only text, and imports only the other scripts', async (path) => {
    const script = await (await fetch(`${origin}${path}`)).text()
    expect(script).not.toMatch(/innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|Function\(/)
    expect(script).not.toMatch(/\.ts'|: string\b/)
    for (const [, other = ''] of script.matchAll(/ from '(\.[^']+)'/g))
      expect(scripts).toContain(new URL(other, `${origin}${path}`).pathname)
  })

  test('every element that the scripts look for is on the page', async () => {
    const html = await (await fetch(`${origin}/`)).text()
    const texts = await Promise.all(scripts.map(async (path) => (await fetch(`${origin}${path}`)).text()))
    const wanted = [...texts.join('').matchAll(/(?:byId|onAction)\('([^']+)'/g)].map(([, id]) => id)
    expect(wanted.length).toBeGreaterThan(20)
    for (const id of wanted) expect(html).toContain(`id="${id}"`)
  })

  test.each([
    '/nothing',
    '/rules/other',
    '/admin/page/main.js',
    '/admin/page/console.css',
    '/rules/../photos',
    '/rules/',
    '//evil.example/',
  ])('%s is 404', async (path) => {
    expect((await fetch(`${origin}${path}`)).status).toBe(404)
  })
})

describe('why and wire', () => {
  const ask = (path: string, query: Record<string, string>) =>
    fetch(`${origin}${path}?${new URLSearchParams({ origin, ...query })}`)

  test('why a preflight is refused, with the exchange and the file that would allow it', async () => {
    const answer = await ask('/why', {
      bucket: 'reports',
      key: 'q3.csv',
      method: 'PUT',
      headers: 'content-type',
    })
    const exchange: unknown = expect.stringMatching(
      /Access-Control-Request-Method: PUT\nAccess-Control-Request-Headers: content-type\n\nHTTP\/1.1 403 Forbidden\n/,
    )
    expect(await answer.json()).toMatchObject({
      decision: 'deny',
      reason: 'method',
      rule: 'page-reads',
      lacks: { field: 'allowedMethods', value: 'PUT' },
      file: { state: 'ok', findings: [] },
      proposal: {
        file: 'reports.yaml',
        text: expect.stringContaining('[GET, HEAD, PUT]'),
        diff: expect.stringContaining('+++ b/reports.yaml'),
      },
      exchange,
    })
  })

  test('why a preflight is allowed', async () => {
    const answer = await ask('/why', {
      bucket: 'photos',
      key: 'a.txt',
      method: 'PUT',
      headers: 'x-meta-author',
    })
    const reason = await answer.json()
    const exchange: unknown = expect.stringContaining(`Access-Control-Allow-Origin: ${origin}\n`)
    expect(reason).toMatchObject({ decision: 'allow', reason: 'matched', rule: 'page-uploads', exchange })
    expect(reason).not.toHaveProperty('proposal')
  })

  test('the header lines of an object as the sidecar sends them', async () => {
    const seen = await (await ask('/wire', { bucket: 'photos', key: 'welcome.txt' })).json()
    expect(seen).toMatchObject({ status: 200 })
    expect(seen).toHaveProperty('headers', expect.arrayContaining([['x-store-node', 'folder-1']]))
    expect(seen).toHaveProperty('headers', expect.arrayContaining([['Access-Control-Allow-Origin', origin]]))
  })

  test.each([
    ['/why', { bucket: 'other', method: 'GET' }],
    ['/why', { bucket: 'photos', method: 'GET', origin: 'https://evil.example' }],
    ['/wire', { bucket: '..', key: 'x' }],
    ['/wire', { bucket: 'photos', key: 'x', origin: 'a\r\nb: c' }],
  ])('%s with an invalid question is 400', async (path, query) => {
    expect((await ask(path, query)).status).toBe(400)
  })
})

describe('saving rules', () => {
  test('replaces the file in one step, and the sidecar loads it', async () => {
    const text = demo.setup.examples.reports.replace('[GET, HEAD]', '[GET, HEAD, PUT]')
    expect((await put('/rules/reports', text)).status).toBe(200)
    expect(await readFile(join(demo.setup.rulesFolder, 'reports.yaml'), 'utf8')).toBe(text)
    expect((await readdir(demo.setup.rulesFolder)).sort()).toEqual(['photos.yaml', 'reports.yaml'])
    const preflight = () =>
      fetch(`${demo.setup.sidecarOrigin}/reports/x`, {
        method: 'OPTIONS',
        headers: { origin, 'access-control-request-method': 'PUT' },
      }).then(({ status }) => status)
    await expect.poll(preflight, { timeout: 10_000 }).toBe(200)
  })

  test.each([
    ['another origin', { origin: 'https://evil.example' }],
    ['another port', { origin: 'http://127.0.0.1:1' }],
    ['no origin', {}],
    ['a page of another site', { origin: 'null', 'sec-fetch-site': 'cross-site' }],
  ])('is refused to %s, and the file stays', async (_who, headers) => {
    const before = await readFile(join(demo.setup.rulesFolder, 'photos.yaml'), 'utf8')
    expect((await put('/rules/photos', 'rules: []', { ...headers })).status).toBe(403)
    expect(await readFile(join(demo.setup.rulesFolder, 'photos.yaml'), 'utf8')).toBe(before)
  })

  test.each([
    '/rules/_default',
    '/rules/other',
    '/admin/page/main.js',
    '/admin/page/console.css',
    '/rules/.photos',
    '/rules/photos.yaml',
    '/rules/..%2fphotos',
  ])('never writes %s', async (path) => {
    expect((await put(path, 'rules: []')).status).toBeGreaterThanOrEqual(404)
    expect((await readdir(demo.setup.rulesFolder)).sort()).toEqual(['photos.yaml', 'reports.yaml'])
  })

  test('is limited to 16 KiB, with and without Content-Length', async () => {
    const before = await readFile(join(demo.setup.rulesFolder, 'photos.yaml'), 'utf8')
    expect((await put('/rules/photos', '#'.repeat(16 * 1024 + 1))).status).toBe(413)
    const socket = connect(demo.ports.page, '127.0.0.1')
    const host = origin.replace('http://', '')
    socket.write(
      `PUT /rules/photos HTTP/1.1\r\nHost: ${host}\r\nOrigin: ${origin}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    )
    socket.write(`5000\r\n${'#'.repeat(0x5000)}\r\n`)
    const [answer] = await once(socket, 'data')
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 /)
    socket.destroy()
    expect(await readFile(join(demo.setup.rulesFolder, 'photos.yaml'), 'utf8')).toBe(before)
  })

  test.each(['POST', 'DELETE', 'PATCH'])('%s is not served', async (method) => {
    expect((await fetch(`${origin}/rules/photos`, { method, headers: { origin } })).status).toBe(405)
  })
})
