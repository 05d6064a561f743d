import { describe, expect, test } from 'vitest'
import { untouched } from '../../src/http.ts'
import { ask, get, headOf, ok, playStore, startPath, storeThatSays, whole } from './path.ts'

describe('the request target', () => {
  test.each([
    '/b/a//b',
    '/b/%2F%20+;',
    "/b/~!*'()@:$,&=",
    '/b/{a}|^`"<>',
    '/b/k?',
    '/b/k?a&b=&c==&a',
    '/b/k??x=1',
    "/b/?prefix='q'&d=%22",
    '/B/K',
  ])('%s reaches the store byte for byte', async (target) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    expect(await ask(path.port, get(target))).toContain('\r\n\r\nok')
    expect(headOf(store.text())[0]).toBe(`GET ${target} HTTP/1.1`)
  })

  test.each(['PUT', 'DELETE', 'OPTIONS'])('%s reaches the client byte for byte', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `${method} /b/{a}|^\`"<>?'q' HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`)
    expect(headOf(store.text())[0]).toBe(`${method} /b/{a}|^\`"<>?'q' HTTP/1.1`)
  })
})

/** Lines that both ways of forwarding pass on unchanged: case, order, repeats, odd values. */
const signed = [
  'Host: Bucket.Example.COM:9000',
  'X-Amz-Date: 20260101T000000Z',
  'x-amz-meta-a: 1',
  'X-AMZ-Meta-A:2',
  'Authorization: AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host;x-amz-date, Signature=0',
  'Cookie: a=b',
  'cookie: c=d',
  'User-Agent: curl/8',
  'Empty:',
  'Inner:   a  b\tc  ',
  'UTF8: \xc3\xa4\xff',
  'X-Forwarded-For: 6.6.6.6',
  '__proto__: x',
]
const asSent = signed.map((line) =>
  line
    .replace(/: */, ': ')
    .replace(/ *$/, '')
    .replace(/^Empty:$/, 'Empty: '),
)

describe('request header lines', () => {
  test('of an upload keep case, order and repeats, and nothing is added', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `PUT /b/k HTTP/1.1\r\n${signed.join('\r\n')}\r\nContent-Length: 2\r\n\r\nhi`)
    expect(headOf(store.text()).slice(1)).toEqual([...asSent, 'Content-Length: 2'])
  })

  test('of a download keep case, order and repeats; Host comes first, and the connection is kept', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `GET /b/k HTTP/1.1\r\n${signed.join('\r\n')}\r\n\r\n`)
    expect(
      headOf(store.text())
        .slice(1)
        .map((line) => line.trimEnd()),
    ).toEqual([
      'host: Bucket.Example.COM:9000',
      'connection: keep-alive',
      ...asSent.slice(1).map((line) => line.trimEnd()),
    ])
  })

  test('a request without Host gets that of the store', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, 'GET /b/k HTTP/1.0\r\n\r\n')
    await ask(path.port, 'PUT /b/k HTTP/1.0\r\nContent-Length: 1\r\n\r\nx')
    const hosts = store.text().match(/^host: .*$/gim)
    expect(hosts?.map((line) => line.slice(6))).toEqual([
      `127.0.0.1:${store.port}`,
      `127.0.0.1:${store.port}`,
    ])
  })

  test.each([
    ['append', '6.6.6.6, 127.0.0.1'],
    ['replace', '127.0.0.1'],
  ] as const)('X-Forwarded-For: %s', async (forwardedFor, expected) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port, forwardedFor })
    await ask(path.port, get('/b/k', 'x-forwarded-for: 6.6.6.6\r\n'))
    expect(store.text().match(/^x-forwarded-for: .*$/gim)).toEqual([`X-Forwarded-For: ${expected}`])
  })
})

describe('lines that belong to one connection', () => {
  const hops = [
    'Connection: keep-alive, X-Hop',
    'X-Hop: 1',
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'Proxy-Authorization: Basic eA==',
    'TE: trailers',
    'Trailer: X-Checksum',
    'X-Kept: 1',
  ]

  test.each(['GET', 'DELETE'])('are not passed on by %s', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `${method} /b/k HTTP/1.1\r\nHost: h\r\n${hops.join('\r\n')}\r\n\r\n`)
    const text = store.text()
    expect(text).toContain('X-Kept: 1')
    expect(text).not.toMatch(/^(x-hop|keep-alive|proxy-.*|te|trailer):/im)
    expect(text).not.toMatch(/^connection:.*hop/im)
  })

  test('are not passed back to the client', async () => {
    const store = await storeThatSays(
      `HTTP/1.1 200 OK\r\nconnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: x\r\nUpgrade: h2c\r\nTrailer: X-T\r\nX-Kept: 1\r\nContent-Length: 2\r\n\r\nok`,
    )
    const path = await startPath({ store: store.port })
    const head = headOf(await ask(path.port, get())).map((line) => line.replace(/^Date: .*/, 'Date'))
    expect(head).toEqual([
      'HTTP/1.1 200 OK',
      'X-Kept: 1',
      'Content-Length: 2',
      'Date',
      'Connection: keep-alive',
    ])
  })

  test('Connection: close of the store is not passed on', async () => {
    const store = await playStore((side) => {
      side.socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
    })
    const path = await startPath({ store: store.port })
    expect(await ask(path.port, get() + get(), (text) => text.split('\r\n\r\nok').length === 3)).toContain(
      'Connection: keep-alive',
    )
    expect(store.sides).toHaveLength(2)
  })
})

describe('the response', () => {
  const answer = [
    'HTTP/1.1 206 Partly, Here You Are',
    'Date: Thu, 01 Jan 2026 00:00:00 GMT',
    'ETAG: "x"',
    'x-amz-meta-a: 1',
    'X-Amz-Meta-A: 2',
    'Set-Cookie: a=b',
    'set-cookie: c=d',
    'Content-Length: 2',
    'Content-Disposition: attachment; filename="\xc3\xa4\xff.txt"',
    'Vary: Accept',
    'Server: MinIO',
  ]

  test.each(['GET', 'POST'])('of %s keeps phrase, case, order and repeats', async (method) => {
    const store = await storeThatSays(`${answer.join('\r\n')}\r\n\r\nok`)
    const path = await startPath({ store: store.port })
    const text = await ask(path.port, `${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`, (text) =>
      text.endsWith('\r\n\r\nok'),
    )
    const [length, disposition] = answer.slice(7, 9)
    // Content-Length moves after a non-ASCII Content-Disposition; otherwise Node would change its bytes.
    expect(headOf(text)).toEqual([
      ...answer.slice(0, 7),
      disposition,
      ...answer.slice(9),
      length,
      'Connection: keep-alive',
    ])
  })

  test('loses the CORS headers of the store, gets those of the rules once, and Vary is merged', async () => {
    const store = await storeThatSays(
      'HTTP/1.1 404 Not Found\r\naccess-control-allow-origin: *\r\nAccess-Control-Expose-Headers: x\r\nvary: Accept\r\nContent-Length: 0\r\n\r\n',
    )
    const path = await startPath({
      store: store.port,
      patch: { strip: true, add: ['Access-Control-Allow-Origin', 'https://a.example'], vary: ['Origin'] },
    })
    const head = headOf(await ask(path.port, get()))
    expect(head.filter((line) => /^(access-|vary)/i.test(line))).toEqual([
      'vary: Accept, Origin',
      'Access-Control-Allow-Origin: https://a.example',
    ])
  })

  test.each([
    ['empty', '', 'OK'],
    ['not ASCII', 'caf\xc3\xa9', 'OK'],
    ['its own', 'All Right', 'All Right'],
  ])('a reason phrase that is %s', async (_, phrase, expected) => {
    const store = await storeThatSays(`HTTP/1.1 200 ${phrase}\r\nContent-Length: 0\r\n\r\n`)
    const path = await startPath({ store: store.port })
    expect(headOf(await ask(path.port, get()))[0]).toBe(`HTTP/1.1 200 ${expected}`)
    expect(headOf(await ask(path.port, get().replace('GET', 'DELETE')))[0]).toBe(`HTTP/1.1 200 ${expected}`)
  })

  test.each([200, 204, 299, 304, 401, 403, 404, 418, 500, 503, 599])('status %i passes', async (status) => {
    const body = status === 204 || status === 304 ? '' : 'ok'
    const store = await storeThatSays(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
    const path = await startPath({ store: store.port, patch: untouched })
    const text = await ask(
      path.port,
      get() + get(),
      (text) => text.split('HTTP/1.1 ').length === 3 && text.endsWith(`\r\n\r\n${body}`),
    )
    expect(text.match(/HTTP\/1\.1 .*/g)?.map((line) => line.trimEnd())).toEqual([
      `HTTP/1.1 ${status} X`,
      `HTTP/1.1 ${status} X`,
    ])
    expect(/content-length/i.test(text)).toBe(status !== 204)
  })

  test('of HEAD keeps its Content-Length, has no body, and leaves the client its connection', async () => {
    const store = await storeThatSays('HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n')
    const path = await startPath({ store: store.port })
    const head = get().replace('GET', 'HEAD')
    const text = await ask(path.port, head + head, (text) => text.split('\r\n\r\n').length === 3)
    expect(text.match(/Content-Length: 1234/g)).toHaveLength(2)
    expect(text).not.toContain('Transfer-Encoding')
    expect(store.sides).toHaveLength(2)
  })

  test('with chunks is sent on with chunks, and its trailers follow', async () => {
    const store = await storeThatSays(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3;ext=1\r\nabc\r\n0\r\nX-Sum: 7\r\nContent-Type: x\r\nAccess-Control-Allow-Origin: *\r\nSet-Cookie: a\r\n\r\n',
    )
    const path = await startPath({ store: store.port })
    for (const method of ['GET', 'DELETE']) {
      const text = await ask(path.port, get().replace('GET', method), (text) =>
        text.endsWith('X-Sum: 7\r\n\r\n'),
      )
      expect(text).toContain('\r\nTrailer: X-Sum\r\n')
      expect(text).toContain('\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n')
    }
  })

  test('with chunks for an HTTP/1.0 client ends with the connection, without trailers', async () => {
    const store = await storeThatSays(
      'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Sum: 7\r\n\r\n',
    )
    const path = await startPath({ store: store.port })
    const text = await ask(path.port, 'GET /b/k HTTP/1.0\r\nHost: h\r\n\r\n', () => false)
    expect(text).toMatch(/\r\n\r\nabc$/)
    expect(text).not.toMatch(/chunked|trailer/i)
  })

  test('that ends with the connection of the store is sent on with chunks', async () => {
    const store = await playStore((side) => side.socket.end('HTTP/1.0 200 OK\r\n\r\nuntil-close'))
    const path = await startPath({ store: store.port })
    expect(await ask(path.port, get(), whole)).toMatch(/\r\n\r\nb\r\nuntil-close\r\n0\r\n\r\n$/)
  })
})
