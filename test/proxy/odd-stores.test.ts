/**
 * Stores at the edge of HTTP: both HTTP clients treat them alike, and never reuse a connection that is in doubt.
 */

import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { ask, get, headOf, ok, openClient, type PlayedStore, playStore, startPath, whole } from './path.ts'

interface Odd {
  readonly name: string
  /** Bytes of the response; the store closes after them if `ends`. */
  readonly answer: string
  readonly ends?: true
  /** Bytes sent after the client has its response. */
  readonly late?: string
  readonly status: number
  readonly body: string
  /**
   * Whether the next request uses the same connection; `undefined`: either is correct, because nothing is left on
   * it.
   */
  readonly reused: boolean | undefined
}

const forged = 'HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged'
const chunks = 'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'

const forGet: readonly Odd[] = [
  { name: 'a plain answer', answer: ok, status: 200, body: 'ok', reused: true },
  { name: 'a plain answer, and ends', answer: ok, ends: true, status: 200, body: 'ok', reused: false },
  ...['100 Continue', '102 Processing', '103 Early Hints', '199 Unheard'].map((line) => ({
    name: `${line} unasked, then its answer`,
    answer: `HTTP/1.1 ${line}\r\n\r\n${ok}`,
    status: 200,
    body: 'ok',
    reused: line.startsWith('100') ? undefined : true,
  })),
  {
    name: '100 Continue unasked three times, then its answer',
    answer: `${'HTTP/1.1 100 Continue\r\n\r\n'.repeat(3)}${ok}`,
    status: 200,
    body: 'ok',
    reused: undefined,
  },
  {
    name: '100 Continue unasked, and then nothing but the end',
    answer: 'HTTP/1.1 100 Continue\r\n\r\n',
    ends: true,
    status: 502,
    body: 'reset',
    reused: false,
  },
  {
    name: '101 Switching Protocols unasked',
    answer: 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
    status: 502,
    body: 'invalid',
    reused: false,
  },
  {
    name: 'the announcement that it closes the connection after a second',
    answer: ok.replace('Content', 'Keep-Alive: timeout=1\r\nContent'),
    status: 200,
    body: 'ok',
    reused: false,
  },
  { name: 'a second answer at once', answer: ok + forged, status: 200, body: 'ok', reused: false },
  { name: 'bytes after its answer', answer: `${ok}hello`, status: 200, body: 'ok', reused: false },
  { name: 'a second answer later', answer: ok, late: forged, status: 200, body: 'ok', reused: false },
  { name: 'bytes later', answer: ok, late: 'hello', status: 200, body: 'ok', reused: false },
  { name: 'an empty line later', answer: ok, late: '\r\n', status: 200, body: 'ok', reused: undefined },
  ...[204, 304].flatMap((status) => [
    { name: `a plain ${status}`, answer: `HTTP/1.1 ${status} X\r\n\r\n`, status, body: '', reused: true },
    {
      name: `${status} with a length and no body`,
      answer: `HTTP/1.1 ${status} X\r\nContent-Length: 5\r\n\r\n`,
      status,
      body: '',
      reused: false,
    },
    {
      name: `${status} with a body`,
      answer: `HTTP/1.1 ${status} X\r\nContent-Length: ${forged.length}\r\n\r\n${forged}`,
      status,
      body: '',
      reused: false,
    },
    {
      name: `${status} with a body of unsaid length`,
      answer: `HTTP/1.1 ${status} X\r\n\r\n${forged}`,
      status,
      body: '',
      reused: false,
    },
    {
      name: `${status} with a body that comes later`,
      answer: `HTTP/1.1 ${status} X\r\nContent-Length: ${forged.length}\r\n\r\n`,
      late: forged,
      status,
      body: '',
      reused: false,
    },
    {
      name: `${status} with chunks`,
      answer: `HTTP/1.1 ${status} X\r\n${chunks}`,
      status,
      body: '',
      reused: false,
    },
  ]),
  {
    name: 'Connection: close, and leaves it open',
    answer: 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok',
    status: 200,
    body: 'ok',
    reused: false,
  },
  {
    name: 'HTTP/1.0, and leaves it open',
    answer: 'HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    status: 200,
    body: 'ok',
    reused: false,
  },
  {
    name: 'a length and less than that',
    answer: 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello',
    ends: true,
    status: 200,
    body: 'hello',
    reused: false,
  },
  {
    name: 'no length, and the end',
    answer: 'HTTP/1.1 200 OK\r\n\r\nhello',
    ends: true,
    status: 200,
    body: '5\r\nhello\r\n0\r\n\r\n',
    reused: false,
  },
]

const forHead: readonly Odd[] = [
  { name: 'a plain answer', answer: ok.slice(0, -2), status: 200, body: '', reused: false },
  { name: 'no length', answer: 'HTTP/1.1 200 OK\r\n\r\n', status: 200, body: '', reused: false },
  {
    name: 'a body',
    answer: `HTTP/1.1 200 OK\r\nContent-Length: ${forged.length}\r\n\r\n${forged}`,
    status: 200,
    body: '',
    reused: false,
  },
  {
    name: 'Connection: keep-alive and a body that comes later',
    answer: `HTTP/1.1 200 OK\r\nConnection: keep-alive\r\nContent-Length: ${forged.length}\r\n\r\n`,
    late: forged,
    status: 200,
    body: '',
    reused: false,
  },
  { name: 'chunks', answer: `HTTP/1.1 200 OK\r\n${chunks}`, status: 200, body: '', reused: false },
  {
    name: '100 Continue unasked, then its answer',
    answer: `HTTP/1.1 100 Continue\r\n\r\n${ok}`,
    status: 200,
    body: '',
    reused: false,
  },
]

/** Requests without a body go over undici, those with an empty body over `node:http`. */
const clients = [
  ['undici', ''],
  ['node:http', 'Content-Length: 0\r\n'],
] as const

const oddOnce = (odd: Odd): Promise<PlayedStore> =>
  playStore((side) => {
    const { socket, text } = side
    if (!text.endsWith('\r\n\r\n')) return
    side.text = ''
    if (!text.includes('/b/odd ')) socket.write(ok)
    else if (odd.ends === true) socket.end(odd.answer, 'latin1')
    else socket.write(odd.answer, 'latin1')
  })

/** What the client sees of the odd response, and which connection the next request uses. */
async function meet(odd: Odd, method: 'GET' | 'HEAD', lines: string) {
  const store = await oddOnce(odd)
  const path = await startPath({ store: store.port })
  const request = `${method} /b/odd HTTP/1.1\r\nHost: h\r\n${lines}\r\n`
  const isWhole = (text: string): boolean =>
    method === 'HEAD' || odd.body === '' ? text.endsWith('\r\n\r\n') : whole(text)
  const text = await ask(path.port, request, isWhole)
  await path.over(1)
  const side = store.sides.at(-1)
  if (odd.late !== undefined && side !== undefined && !side.socket.destroyed) side.socket.write(odd.late)
  // Well before an idle connection is closed.
  if (odd.late !== undefined)
    await Promise.race([store.until(() => side?.socket.closed === true), wait(2_000)])
  const before = store.sides.length
  const next = await ask(path.port, get('/b/next', lines))
  const status = Number(/^HTTP\/1\.1 (\d+) /.exec(text)?.[1])
  return {
    status,
    body: text.slice(text.indexOf('\r\n\r\n') + 4),
    error: path.outcomes[0]?.error,
    reused: store.sides.length === before,
    next: `${headOf(next)[0]} ${next.split('\r\n\r\n')[1]}`,
    failures: path.failures,
  }
}

for (const [method, rows] of [
  ['GET', forGet],
  ['HEAD', forHead],
] as const)
  describe.each(rows)(`a store that answers ${method} with $name`, (odd) => {
    test.each(clients)('over %s', async (_, lines) => {
      const { error, ...seen } = await meet(odd, method, lines)
      const { status, body, reused } = odd
      expect(seen).toEqual({
        status,
        body,
        reused: reused ?? seen.reused,
        next: 'HTTP/1.1 200 OK ok',
        failures: [],
      })
      const truncated = odd.body === 'hello' ? 'truncated' : undefined
      expect(error).toBe(status === 502 ? body : truncated)
    })
  })

test('a GET to a store that sends 100 Continue unasked is sent twice the first time, and once from then on', async () => {
  const store = await playStore((side) => {
    if (side.text.endsWith('\r\n\r\n')) side.socket.write(`HTTP/1.1 100 Continue\r\n\r\n${ok}`)
  })
  const path = await startPath({ store: store.port })
  const sent = (): number => store.text().split('GET /b/k').length - 1
  for (const expected of [2, 3, 4]) {
    expect(await ask(path.port, get())).toMatch(/^HTTP\/1\.1 200 OK[\s\S]*\r\n\r\nok$/)
    expect(sent()).toBe(expected)
  }
})

test('an upload that is answered before it is complete leaves no connection for the next', async () => {
  const store = await playStore((side) => {
    if (side.text.includes('/b/next')) side.socket.write(ok)
    else if (side.text.endsWith('hel')) side.socket.write(ok)
  })
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhel')
  await client.until(whole)
  expect(await ask(path.port, 'DELETE /b/next HTTP/1.1\r\nHost: h\r\n\r\n')).toContain(' 200 ')
  expect(store.sides.map(({ text }) => text.split(' ')[0])).toEqual(['PUT', 'DELETE'])
})
