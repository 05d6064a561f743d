import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { pageOrigin, startInFront } from './in-front.ts'
import { exchangeRaw, lineValue, ok, type RawMessage, startRawStore } from './raw.ts'
import { noise } from './sdk-call.ts'

let store: Awaited<ReturnType<typeof startRawStore>>
let sidecar: Awaited<ReturnType<typeof startInFront>>
beforeAll(async () => {
  store = await startRawStore()
  // `photos` has rules. All other buckets are left to the store, so their responses must stay untouched.
  sidecar = await startInFront(store.port, ['photos'], { unconfigured: 'forward' })
})
afterAll(async () => {
  await sidecar.close()
  await store.close()
})
beforeEach(() => store.set(ok))

const sha256 = (bytes: Buffer): string => createHash('sha256').update(bytes).digest('hex')
const latin1 = (bytes: Buffer): string => bytes.toString('latin1')
/** UTF-8 as sent. */
const utf8 = (text: string): string => latin1(Buffer.from(text, 'utf8'))

/** Lines that belong to one connection, frame the message or route it; they are compared separately. */
const apart = /^(?:connection|keep-alive|transfer-encoding|content-length|host):/i

/** Whitespace around a value is not part of it (RFC 9112 section 5). */
const tidy = (line: string): string => line.replace(/^([^:]*):[ \t]*(.*?)[ \t]*$/, '$1: $2')

const plain = ({ start, lines, body, trailers }: RawMessage) => ({
  start,
  lines: lines.filter((line) => !apart.test(line)).map(tidy),
  host: lines.filter((line) => /^host:/i.test(line)).map((line) => line.replace(/^host: */i, '')),
  length: lineValue(lines, 'content-length'),
  body: `${body.length} bytes ${sha256(body)}`,
  trailers,
})

/** Sends the same bytes without and with the sidecar. Returns what arrived each time. */
async function arrivals(request: string): Promise<[RawMessage, RawMessage]> {
  await exchangeRaw(store.port, request)
  await exchangeRaw(sidecar.port, request)
  const [direct, through, ...more] = store.take()
  if (direct === undefined || through === undefined || more.length > 0)
    throw new Error(`${more.length} requests too many, or none`)
  return [direct, through]
}

/** The same for the response. */
async function answers(answer: string, request: string): Promise<[RawMessage, RawMessage]> {
  store.set(answer)
  const both: [RawMessage, RawMessage] = [
    await exchangeRaw(store.port, request),
    await exchangeRaw(sidecar.port, request),
  ]
  store.take()
  return both
}

const head = (method: string, target: string, ...lines: readonly string[]): string =>
  [`${method} ${target} HTTP/1.1`, 'Host: store.test', ...lines, '', ''].join('\r\n')

describe('what the store receives', () => {
  test.each([
    '/',
    '/photos',
    '/photos/',
    '/photos/?',
    '/photos/a?',
    '/photos/a??x',
    '/photos/a?&&=&a&a=&=b&a=b=c&&',
    '/photos//a///b//',
    '//photos/a',
    "/photos/!$&'()*+,;=:@-._~",
    '/photos/"<>[]^`{|}',
    '/photos/%c3%bc%C3%BC%7e%7E%41%20%2B%25%2f%2F%5C',
    '/photos/%00%0d%0a%7f%ff',
    '/photos/...//..a/a../.a/%2e%2e%2e',
    '/photos/a;v=1/b;c',
    '/photos/a?x=%zz&y=%&z=%2',
    '/photos/a?p=../../b&q=/./c&u=http://d/e?f',
    '/photos/a?{"b":[1]}|^`\\\'<>',
    '/photos/a?X-Amz-Signature=%2F%2f+%20',
    '/photos/a?cors=x&Cors&corsx',
    `/photos/${'long/'.repeat(1600)}`,
    '/%70hotos/a',
  ])('has the target %s as it was sent, of GET and of PUT', async (target) => {
    for (const request of [head('GET', target), `${head('PUT', target, 'Content-Length: 3')}abc`]) {
      const [direct, through] = await arrivals(request)
      expect(plain(through)).toEqual(plain(direct))
      expect(through.start).toBe(`${request.slice(0, 3)} ${target} HTTP/1.1`)
    }
  })

  test.each([
    ['the absolute form is cut to its path', 'http://store.test//photos/%2e%2ea?b', '//photos/%2e%2ea?b'],
    ['an absolute form without a path gets one', 'http://store.test', '/'],
  ])('%s', async (_, sent, arrived) => {
    await exchangeRaw(sidecar.port, head('GET', sent))
    expect(store.take().map(({ start }) => start)).toEqual([`GET ${arrived} HTTP/1.1`])
  })

  const headerRows: readonly (readonly [string, readonly string[]])[] = [
    ['repeated lines, apart and in order', ['X-A: 1', 'x-b: 2', 'x-a: 3', 'X-B: 2', 'X-A: 1']],
    [
      'letter case',
      ['aUTHORIZATION: OSS a:b', 'X-AMZ-Date: 1', 'x-Oss-Meta-ÀB'.replace('À', 'A').concat(': 2')],
    ],
    ['names of every token character', ["!#$%&'*+-.^_`|~09azAZ: v"]],
    ['blanks within values', ['X-A: one  two\tthree \t four', 'X-B: a , b,c']],
    ['empty values', ['X-A:', 'X-B: ', 'X-C: x']],
    ['blanks around values', ['X-A:v', 'X-B:   v \t ', 'X-C: \t']],
    ['bytes above ASCII', [`X-A: ${utf8('Grüße 世界')}`, 'X-B: \xe4\xff\x80']],
    ['quotes, commas and backslashes', ['X-A: "a, \\"b\\"" ; c="d;e"', 'X-B: \\']],
    ['long values', [`X-A: ${'v'.repeat(8000)}`]],
    ['many lines', Array.from({ length: 190 }, (_, number) => `X-${number}: ${number}`)],
    [
      'two lines of what is mostly sent once',
      [
        'Authorization: a',
        'Authorization: b',
        'Content-Type: a',
        'Content-Type: b',
        'Cookie: a=1',
        'Cookie: b=2',
      ],
    ],
    [
      'what other proxies left',
      [
        'Via: 1.1 a',
        'Forwarded: for=1',
        'X-Forwarded-For: 1, 2',
        'X-Forwarded-For: 3',
        'X-Forwarded-Proto: https',
      ],
    ],
    [
      'conditions, ranges and encodings',
      [
        'Range: bytes=0-1,5-',
        'If-None-Match: "a", W/"b"',
        'If-Range: "a"',
        'Accept-Encoding: br;q=0, *',
        'Date: x',
      ],
    ],
    ['names that JavaScript objects have', ['__proto__: a', 'constructor: b', 'hasOwnProperty: c']],
    ['a disposition beyond ASCII', [`Content-Disposition: attachment; filename="${utf8('ü世')}"`]],
    ['no line more', []],
  ]

  test.each(headerRows)('has the header lines as they were sent: %s', async (_, lines) => {
    for (const request of [
      head('GET', '/photos/a', ...lines),
      head('HEAD', '/photos/a', ...lines),
      head('DELETE', '/photos/a', ...lines),
      `${head('PUT', '/photos/a', ...lines, 'Content-Length: 3')}abc`,
      `${head('PUT', '/photos/a', 'Content-Length: 3', ...lines)}abc`,
      `${head('POST', '/photos/a', 'Transfer-Encoding: chunked', ...lines)}3\r\nabc\r\n0\r\n\r\n`,
    ]) {
      const [direct, through] = await arrivals(request)
      expect(plain(through)).toEqual(plain(direct))
      expect(through.framing).toBe(direct.framing)
    }
  })

  test('has Host as it was sent', async () => {
    for (const host of ['STORE.test:80', '127.0.0.1', '[::1]:9000', 'a_b.test.', 'photos.s3.test:65535']) {
      const [direct, through] = await arrivals(`GET /photos/a HTTP/1.1\r\nhOST:${host}\r\n\r\n`)
      expect(plain(through)).toEqual(plain(direct))
      expect(plain(through).host).toEqual([host])
    }
  })

  test("has no header line of the client's connection, and none that Connection names", async () => {
    const lines = [
      'X-Keep: 1',
      'Keep-Alive: 5',
      'TE: trailers',
      'Proxy-Connection: x',
      'Proxy-Authorization: y',
    ]
    const upgrade = [
      'Connection: keep-alive, X-Hop',
      'X-Hop: z',
      'Upgrade: h2c',
      'HTTP2-Settings: AA',
      'X-Last: 2',
    ]
    await exchangeRaw(sidecar.port, head('GET', '/photos/a', ...lines, ...upgrade))
    const [through] = store.take()
    expect(through && plain(through).lines).toEqual(['X-Keep: 1', 'X-Last: 2'])
    expect(through && lineValue(through.lines, 'connection')).toBe('keep-alive')
  })

  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const bodies: readonly (readonly [string, Buffer])[] = [
    ['every byte there is', everyByte],
    ['no bytes', Buffer.alloc(0)],
    ['a body that looks like a request', Buffer.from('GET /other HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['a body that looks like chunks', Buffer.from('5\r\nhello\r\n0\r\n\r\n')],
    [
      'aws-chunked',
      Buffer.from(
        `5;chunk-signature=${'a'.repeat(64)}\r\nhello\r\n0;chunk-signature=${'b'.repeat(64)}\r\nx-amz-checksum-crc32:AAAAAA==\r\n\r\n`,
      ),
    ],
    ['a megabyte', noise(1_048_576)],
  ]
  const methods = ['PUT', 'POST', 'PATCH', 'DELETE', 'GET', 'PROPFIND']

  test.each(bodies)('has the body as it was sent, by its length: %s', async (_, body) => {
    for (const method of methods) {
      const length = `Content-Length: ${body.length}`
      const [direct, through] = await arrivals(
        head(method, '/photos/a', 'Content-Encoding: aws-chunked', length) + latin1(body),
      )
      expect(plain(through)).toEqual(plain(direct))
      expect(through.framing).toBe('length')
      expect(through.body.equals(body)).toBe(true)
    }
  })

  test.each(bodies)('has the body as it was sent, in chunks: %s', async (_, body) => {
    const sizes = [1, 2, 3, 1000, 70_000]
    let chunks = ''
    for (let at = 0, turn = 0; at < body.length; turn++) {
      const piece = body.subarray(at, at + (sizes[turn % sizes.length] ?? 1))
      chunks += `${piece.length.toString(16)};name="value"\r\n${latin1(piece)}\r\n`
      at += piece.length
    }
    for (const method of methods) {
      const [direct, through] = await arrivals(
        `${head(method, '/photos/a', 'Transfer-Encoding: chunked')}${chunks}0\r\n\r\n`,
      )
      expect(plain(through)).toEqual(plain(direct))
      expect(through.framing).toBe('chunked')
      expect(through.body.equals(body)).toBe(true)
    }
  })

  test('forwards a request without a body without one, for any method', async () => {
    for (const method of [
      'PUT',
      'POST',
      'DELETE',
      'PATCH',
      'GET',
      'HEAD',
      'MKCOL',
      'PROPFIND',
      'MOVE',
      'UNLOCK',
    ]) {
      const [direct, through] = await arrivals(head(method, '/photos/a', 'Depth: 0'))
      expect(plain(through)).toEqual(plain(direct))
      expect(through.framing).toBe('none')
    }
  })

  test('has a request of HTTP/1.0 as one of HTTP/1.1, with the name of the store where it had none', async () => {
    await exchangeRaw(sidecar.port, 'GET /photos/a HTTP/1.0\r\nX-A: 1\r\n\r\n')
    const [through] = store.take()
    expect(through && plain(through)).toMatchObject({
      start: 'GET /photos/a HTTP/1.1',
      lines: ['X-A: 1'],
      host: [`127.0.0.1:${store.port}`],
    })
  })

  test('has the trailer fields of a request, and the line that announces them', async () => {
    const request = head('PUT', '/photos/a', 'Transfer-Encoding: chunked', 'Trailer: X-Sum')
    await exchangeRaw(sidecar.port, `${request}3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n`)
    const [through] = store.take()
    expect(through && plain(through)).toMatchObject({
      lines: ['Trailer: X-Sum'],
      trailers: ['X-Sum: 1'],
    })
    expect(through?.body.toString()).toBe('abc')
  })
})

describe('what the client receives', () => {
  const get = head('GET', '/other/a')
  const answer = (start: string, ...lines: readonly string[]): string =>
    [
      `HTTP/1.1 ${start}`,
      'Date: Wed, 21 Oct 2026 07:28:00 GMT',
      ...lines,
      'Content-Length: 2',
      '',
      'ok',
    ].join('\r\n')

  test.each([
    '200 OK',
    '200 Fine, thanks (really)',
    '201 Created',
    '207 Multi-Status',
    '299 Odd',
    '301 Moved Permanently',
    '403 Forbidden',
    '404 NOT FOUND',
    '418 I\'m a "teapot" ~',
    '499 Client Closed',
    '503 Slow Down',
    '599 Last',
  ])('is the status line %s', async (start) => {
    const [direct, through] = await answers(answer(start), get)
    expect(plain(through)).toEqual(plain(direct))
    expect(through.start).toBe(`HTTP/1.1 ${start}`)
  })

  const headerRows: readonly (readonly [string, readonly string[]])[] = [
    ['repeated lines, apart and in order', ['X-A: 1', 'x-b: 2', 'x-a: 3', 'X-B: 2', 'X-A: 1']],
    ['cookies', ['Set-Cookie: a=1; Path=/', 'set-cookie: b="x, y"', 'Set-Cookie: a=1; Path=/']],
    ['letter case', ['eTaG: "x"', 'SERVER: MinIO', 'x-Amz-Request-ID: 1', 'LAST-modified: y']],
    ['names of every token character', ["!#$%&'*+-.^_`|~09azAZ: v"]],
    ['blanks within values', ['X-A: one  two\tthree', 'X-B: a , b,c']],
    ['empty values', ['X-A:', 'X-B: x']],
    ['bytes above ASCII', [`x-oss-meta-a: ${utf8('Grüße 世界')}`, 'X-B: \xe4\xff\x80']],
    ['a disposition beyond ASCII', [`Content-Disposition: attachment; filename="${utf8('ü世')}"`]],
    [
      'two lines of what is mostly sent once',
      ['Content-Type: a', 'Content-Type: b', 'ETag: "a"', 'ETag: "b"', 'Location: /a', 'Location: /b'],
    ],
    ['challenges', ['WWW-Authenticate: Basic realm="a"', 'WWW-Authenticate: Digest realm="b", x="c"']],
    ['what other proxies left', ['Via: 1.1 a', 'Age: 5', 'Warning: 110 - "stale"', 'X-Cache: HIT']],
    ['long values', [`X-A: ${'v'.repeat(30_000)}`]],
    ['many lines', Array.from({ length: 500 }, (_, number) => `X-${number}: ${number}`)],
    [
      'encodings',
      ['Content-Encoding: gzip', 'Vary: Accept-Encoding', 'Cache-Control: no-transform,  max-age=0'],
    ],
    [
      "the store's own CORS, where it is left to it",
      ['Access-Control-Allow-Origin: *', 'access-control-expose-headers: a', 'Vary: Origin', 'Vary: X'],
    ],
    ['names that JavaScript objects have', ['__proto__: a', 'constructor: b']],
  ]

  test.each(headerRows)('has the header lines as the store sent them: %s', async (_, lines) => {
    for (const request of [
      get,
      head('HEAD', '/other/a'),
      `${head('PUT', '/other/a', 'Content-Length: 1')}x`,
    ]) {
      const [direct, through] = await answers(answer('200 OK', ...lines), request)
      expect(plain(through)).toEqual(plain(direct))
    }
  })

  test('has Date added where the store sent none, and nothing else', async () => {
    const [direct, through] = await answers('HTTP/1.1 200 OK\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nok', get)
    const { lines, ...rest } = plain(through)
    expect(rest).toEqual({ ...plain(direct), lines: undefined })
    expect(lines).toEqual(['X-A: 1', expect.stringMatching(/^Date: /)])
  })

  const start = 'HTTP/1.1 200 OK\r\nDate: Wed, 21 Oct 2026 07:28:00 GMT\r\n'
  const megabyte = noise(1_048_576)
  const inChunks = (body: Buffer, trailers = ''): string =>
    `${body.length === 0 ? '' : `${body.length.toString(16)}\r\n${latin1(body)}\r\n`}0\r\n${trailers}\r\n`

  test.each([
    ['by length', `${start}Content-Length: ${megabyte.length}\r\n\r\n${latin1(megabyte)}`, 'length'],
    ['of no bytes', `${start}Content-Length: 0\r\n\r\n`, 'length'],
    ['in chunks', `${start}Transfer-Encoding: chunked\r\n\r\n${inChunks(megabyte)}`, 'chunked'],
    ['in no chunks', `${start}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`, 'chunked'],
    [
      'in chunks, with trailers',
      `${start}Trailer: X-Sum, x-amz-checksum\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks(Buffer.from('abc'), 'X-Sum: 1\r\nx-amz-checksum: "a, b"\r\nX-SUM: 2\r\n')}`,
      'chunked',
    ],
    ['until the connection closes', `${start}X-A: 1\r\n\r\n${latin1(megabyte)}`, undefined],
    [
      'that looks like an answer',
      `${start}Content-Length: 26\r\n\r\nHTTP/1.1 500 Oh\r\nX: y\r\n\r\nabc`,
      'length',
    ],
  ])('has a body %s', async (_, bytes, framing) => {
    const [direct, through] = await answers(bytes, get)
    expect(plain(through)).toEqual(plain(direct))
    if (framing !== undefined) expect(through.framing).toBe(framing)
  })

  test.each([
    ['204', 'GET', '204 No Content', ['ETag: "a"']],
    [
      '304, with the length that it stands for',
      'GET',
      '304 Not Modified',
      ['ETag: "a"', 'Content-Length: 700'],
    ],
    [
      'an answer to HEAD, with the length that it stands for',
      'HEAD',
      '200 OK',
      ['Content-Length: 123456789012'],
    ],
    ['an answer to HEAD in chunks', 'HEAD', '200 OK', ['Transfer-Encoding: chunked', 'ETag: "a"']],
    ['an answer to HEAD without a length', 'HEAD', '404 Not Found', ['ETag: "a"']],
  ])('has no body: %s', async (_, method, status, lines) => {
    const bytes = [`HTTP/1.1 ${status}`, 'Date: Wed, 21 Oct 2026 07:28:00 GMT', ...lines, '', ''].join('\r\n')
    const [direct, through] = await answers(bytes, head(method, '/other/a'))
    expect(plain(through)).toEqual(plain(direct))
  })

  test('is the final response, after any informational ones', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'
    for (const request of [get, `${head('PUT', '/other/a', 'Content-Length: 1')}x`]) {
      const [direct, through] = await answers(early + answer('200 OK', 'X-A: 1'), request)
      expect(plain(through)).toEqual(plain(direct))
    }
  })

  test('has the body that came in chunks until the connection closes, for a client of HTTP/1.0', async () => {
    store.set(`${start}X-A: 1\r\nTransfer-Encoding: chunked\r\n\r\n${inChunks(megabyte)}`)
    const through = await exchangeRaw(sidecar.port, 'GET /other/a HTTP/1.0\r\nHost: store.test\r\n\r\n')
    store.take()
    expect(through.framing).toBe('close')
    expect(plain(through).lines).toContain('X-A: 1')
    expect(through.body.equals(megabyte)).toBe(true)
  })

  test("has no header line of the store's connection, and none that Connection names", async () => {
    const lines = [
      'X-Keep: 1',
      'Connection: close, X-Hop',
      'X-Hop: z',
      'Keep-Alive: timeout=1',
      'Proxy-Authenticate: a',
    ]
    const [, through] = await answers(answer('200 OK', ...lines, 'Upgrade: h2c', 'X-Last: 2'), get)
    const { lines: kept } = plain(through)
    expect(kept).toEqual(['Date: Wed, 21 Oct 2026 07:28:00 GMT', 'X-Keep: 1', 'X-Last: 2'])
    expect(lineValue(through.lines, 'connection')).not.toBe('close')
  })

  test.each([
    ['without Origin', [], []],
    ['from an origin that no rule has', ['Origin: https://evil.example'], []],
    [
      'from an origin that a rule has',
      [`Origin: ${pageOrigin}`],
      [`Access-Control-Allow-Origin: ${pageOrigin}`, 'Access-Control-Expose-Headers: ETag'],
    ],
  ])('in a bucket with rules differs only by the CORS headers: %s', async (_, sent, added) => {
    const lines = ['X-A: 1', 'ETag: "x"', 'x-a: 2', 'Vary: Accept-Encoding', 'X-Last: 3']
    const cors = [
      'Access-Control-Allow-Origin: *',
      'access-control-allow-credentials: true',
      'ACCESS-CONTROL-X: y',
    ]
    const [direct, through] = await answers(
      answer('206 Partly', ...cors, ...lines),
      head('GET', '/photos/a', ...sent),
    )
    const expected = plain(direct)
    const [date = ''] = expected.lines
    const { lines: received, ...rest } = plain(through)
    expect(rest).toEqual({ ...expected, lines: undefined })
    const merged = lines.map((line) => (line.startsWith('Vary') ? 'Vary: Accept-Encoding, Origin' : line))
    expect(received.slice(0, merged.length + 1)).toEqual([date, ...merged])
    expect(received.slice(merged.length + 1)).toEqual(expect.arrayContaining(added))
    expect(received.slice(merged.length + 1).every((line) => /^access-control-/i.test(line))).toBe(true)
    if (added.length === 0) expect(received).toHaveLength(merged.length + 1)
  })
})
