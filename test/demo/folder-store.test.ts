import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openFolderStore } from '../../src/demo/folder-store.ts'

/** Milliseconds: on a busy machine the store frees space late. */
const patiently = { timeout: 10_000 }

let folder: string
let root: string
let server: Server
let origin: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'folder-store-'))
})

beforeEach(async () => {
  root = await mkdtemp(join(folder, 'root-'))
  await writeFile(join(folder, 'outside.txt'), 'secret')
  server?.closeAllConnections()
  server?.close()
  server = createServer(
    await openFolderStore({
      root,
      buckets: ['photos', 'reports'],
      maxObjectBytes: 1000,
      maxTotalBytes: 2500,
    }),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  origin = `http://127.0.0.1:${address.port}`
})

afterAll(async () => {
  server.closeAllConnections()
  server.close()
  await rm(folder, { recursive: true })
})

/** Sends a request whose target no URL parser has touched, and reads the whole answer. */
async function raw(request: string): Promise<string> {
  const socket = connect(Number(new URL(origin).port), '127.0.0.1')
  socket.write(request)
  let answer = ''
  for await (const chunk of socket) answer += chunk
  return answer
}

const put = (key: string, body: string, headers: Record<string, string> = {}) =>
  fetch(`${origin}/${key}`, { method: 'PUT', body, headers })

describe('objects', () => {
  test('GET returns the object with its type, its metadata and the ETag of the PUT', async () => {
    const stored = await put('photos/a.txt', 'hello', {
      'content-type': 'text/x-greeting',
      'cache-control': 'max-age=60',
      'x-meta-author': 'ada',
      'x-other': 'no',
    })
    const read = await fetch(`${origin}/photos/a.txt`)
    expect(stored.status).toBe(200)
    expect(await read.text()).toBe('hello')
    expect(stored.headers.get('etag')).toMatch(/^"[0-9a-f]{32}"$/)
    expect(read.headers.get('etag')).toBe(stored.headers.get('etag'))
    expect(read.headers.get('content-type')).toBe('text/x-greeting')
    expect(read.headers.get('x-meta-author')).toBe('ada')
    expect(read.headers.get('cache-control')).toBe('max-age=60')
    expect(read.headers.get('x-other')).toBeNull()
    expect(read.headers.get('accept-ranges')).toBe('bytes')
    expect(read.headers.get('last-modified')).not.toBeNull()
  })

  test('HEAD has the headers of GET and no body', async () => {
    await put('photos/a.txt', 'hello')
    const head = await fetch(`${origin}/photos/a.txt`, { method: 'HEAD' })
    expect(head.status).toBe(200)
    expect(head.headers.get('content-length')).toBe('5')
    expect(await head.text()).toBe('')
  })

  test.each([
    ['bytes=1-3', 206, 'ell', 'bytes 1-3/5'],
    ['bytes=-2', 206, 'lo', 'bytes 3-4/5'],
    ['bytes=9-', 416, undefined, 'bytes */5'],
  ])('range %s is answered with %i', async (range, status, body, contentRange) => {
    await put('photos/a.txt', 'hello')
    const read = await fetch(`${origin}/photos/a.txt`, { headers: { range } })
    expect(read.status).toBe(status)
    expect(read.headers.get('content-range')).toBe(contentRange)
    const text = await read.text()
    if (body === undefined) expect(text).toContain('<Code>InvalidRange</Code>')
    else expect(text).toBe(body)
  })

  test('conditional requests get 304 for the same ETag and 412 for another one', async () => {
    const etag = (await put('photos/a.txt', 'hello')).headers.get('etag') ?? ''
    const get = (condition: string) =>
      raw(`GET /photos/a.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${condition}\r\n\r\n`)
    const same = await get(`If-None-Match: ${etag}`)
    const other = await get('If-Match: "other"')
    expect(same).toMatch(/^HTTP\/1.1 304 /)
    expect(same).toContain(`ETag: ${etag}\r\n`)
    expect(other).toMatch(/^HTTP\/1.1 412 /)
    expect(other).toContain('<Code>PreconditionFailed</Code>')
  })

  test('a new PUT replaces the object and its metadata', async () => {
    await put('photos/a.txt', 'one', { 'x-meta-author': 'ada' })
    await put('photos/a.txt', 'two')
    const read = await fetch(`${origin}/photos/a.txt`)
    expect(await read.text()).toBe('two')
    expect(read.headers.get('x-meta-author')).toBeNull()
    expect(await readdir(join(root, 'photos'))).toEqual(['a.txt'])
  })

  test('a file that was changed on disk gets another ETag', async () => {
    const stored = await put('photos/a.txt', 'hello')
    await writeFile(join(root, 'photos/a.txt'), 'changed')
    const read = await fetch(`${origin}/photos/a.txt`)
    expect(await read.text()).toBe('changed')
    expect(read.headers.get('etag')).not.toBe(stored.headers.get('etag'))
  })

  test('DELETE removes the object, and a second DELETE is no error', async () => {
    await put('photos/a.txt', 'hello')
    expect((await fetch(`${origin}/photos/a.txt`, { method: 'DELETE' })).status).toBe(204)
    expect((await fetch(`${origin}/photos/a.txt`)).status).toBe(404)
    expect((await fetch(`${origin}/photos/a.txt`, { method: 'DELETE' })).status).toBe(204)
    expect(await readdir(join(root, 'photos'))).toEqual([])
  })

  test('a query does not change the object', async () => {
    await put('photos/a.txt?X-Amz-Signature=1', 'hello')
    expect(await (await fetch(`${origin}/photos/a.txt?partNumber=1`)).text()).toBe('hello')
  })
})

describe('listing', () => {
  test('lists every object of the bucket with escaped names, and no hidden file', async () => {
    await put('photos/b%26c.txt', 'x')
    await put('photos/2024/a.txt', 'hello')
    await writeFile(join(root, 'photos/.half'), 'x')
    const listing = await fetch(`${origin}/photos/`)
    const xml = await listing.text()
    expect(listing.headers.get('content-type')).toBe('application/xml')
    expect([...xml.matchAll(/<Key>(.*)<\/Key>/g)].map(([, key]) => key)).toEqual([
      '2024/a.txt',
      'b&#38;c.txt',
    ])
    expect(xml).toContain('<Size>5</Size>')
    expect(xml).toContain('<IsTruncated>false</IsTruncated>')
  })

  test('a bucket that does not exist is 404', async () => {
    const missing = await fetch(`${origin}/other/`)
    expect(missing.status).toBe(404)
    expect(await missing.text()).toContain('<Code>NoSuchBucket</Code>')
  })
})

describe('no CORS', () => {
  test.each([
    ['OPTIONS', '/photos/a.txt'],
    ['OPTIONS', '*'],
    ['POST', '/photos/a.txt'],
    ['PUT', '/photos/'],
    ['DELETE', '/photos'],
  ])('%s %s is 405 with Allow', async (method, target) => {
    const answer = await raw(`${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 405 /)
    expect(answer).toContain('Allow: GET, HEAD, PUT, DELETE\r\n')
  })

  test('no answer has an Access-Control header', async () => {
    await put('photos/a.txt', 'hello', { 'x-meta-a': 'b' })
    for (const method of ['GET', 'HEAD', 'OPTIONS', 'DELETE']) {
      const answer = await fetch(`${origin}/photos/a.txt`, {
        method,
        headers: { origin: 'https://example.com', 'access-control-request-method': 'PUT' },
      })
      expect([...answer.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
    }
  })
})

describe('keys never leave their bucket', () => {
  test.each([
    '/photos/../../outside.txt',
    '/photos/..%2f..%2foutside.txt',
    '/photos/%2e%2e/%2e%2e/outside.txt',
    '/photos/..\\..\\outside.txt',
    '/photos//../../../outside.txt',
    '/photos/a%00.txt',
    '/photos/.hidden',
    '/photos/.',
    '/photos/..',
  ])('PUT %s writes one file inside the bucket', async (target) => {
    const answer = await raw(
      `PUT ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 200 /)
    expect(await readdir(root)).toEqual(['photos', 'reports'])
    expect(await readFile(join(folder, 'outside.txt'), 'utf8')).toBe('secret')
    const [name = '', ...others] = await readdir(join(root, 'photos'))
    expect(others).toEqual([])
    expect(name).not.toMatch(/^\.|[/\\\0]/)
    expect(await raw(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)).toMatch(/\r\n\r\nhi$/)
  })

  test.each([
    '/photos%2f..%2f..%2foutside.txt',
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/.',
    '/',
  ])('GET %s finds no bucket', async (target) => {
    const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 40[04] /)
    expect(answer).not.toContain('secret')
  })

  test.each([
    ['/photos/%zz', 'InvalidURI'],
    ['/photos/%ff', 'InvalidURI'],
    [`/photos/${'a'.repeat(256)}`, 'KeyTooLongError'],
  ])('GET %s is 400 %s', async (target, code) => {
    const answer = await raw(`GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`)
    expect(answer).toMatch(/^HTTP\/1.1 400 /)
    expect(answer).toContain(`<Code>${code}</Code>`)
  })

  test('a folder inside the bucket is no object', async () => {
    await raw('PUT /photos/a/b HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx')
    expect(await (await fetch(`${origin}/photos/a/b`)).text()).toBe('x')
    expect((await fetch(`${origin}/photos/a`)).status).toBe(404)
  })
})

describe('bounds', () => {
  test('an object with too large a Content-Length is refused before its body is read', async () => {
    const answer = await raw('PUT /photos/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(answer).toContain('Connection: close')
    expect(await readdir(join(root, 'photos'))).toEqual([])
  })

  test('an object of unknown length is refused when it grows too large, and leaves nothing behind', async () => {
    const chunk = `3e9\r\n${'x'.repeat(1001)}\r\n0\r\n\r\n`
    const answer = await raw(
      `PUT /photos/a HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunk}`,
    )
    expect(answer).toMatch(/^HTTP\/1.1 413 /)
    expect(await readdir(join(root, 'photos'))).toEqual([])
  })

  test('a full store refuses uploads until objects are deleted or replaced', async () => {
    const body = 'x'.repeat(1000)
    expect((await put('photos/a', body)).status).toBe(200)
    expect((await put('photos/b', body)).status).toBe(200)
    expect((await put('photos/c', body)).status).toBe(507)
    expect((await fetch(`${origin}/photos/c`)).status).toBe(404)
    await put('photos/a', 'x')
    expect((await put('photos/c', body)).status).toBe(200)
    expect((await put('photos/d', body)).status).toBe(507)
    await fetch(`${origin}/photos/b`, { method: 'DELETE' })
    expect((await put('photos/d', body)).status).toBe(200)
  })

  test('an aborted upload leaves no file and frees its space', async () => {
    for (let attempt = 0; attempt < 5; attempt++) {
      const socket = connect(Number(new URL(origin).port), '127.0.0.1')
      socket.write(`PUT /photos/a HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n${'x'.repeat(900)}`)
      await expect.poll(() => readdir(join(root, 'photos')), patiently).toHaveLength(1)
      socket.destroy()
      await expect.poll(() => readdir(join(root, 'photos')), patiently).toEqual([])
    }
    expect((await put('photos/a', 'x'.repeat(1000))).status).toBe(200)
  })

  test('metadata beyond the limit is refused', async () => {
    const answer = await put('photos/a', 'x', { 'x-meta-a': 'y'.repeat(3000) })
    expect(answer.status).toBe(400)
    expect(await answer.text()).toContain('<Code>MetadataTooLarge</Code>')
  })
})
