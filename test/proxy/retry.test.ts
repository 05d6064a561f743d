import { describe, expect, test } from 'vitest'
import { ask, get, headOf, type PlayedStore, playStore, startPath } from './path.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const request = (method: string, body = ''): string =>
  `${method} /b/k HTTP/1.1\r\nHost: h\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`

const heads = (text: string): number => text.split(' HTTP/1.1\r\n').length - 1

/** Serves the first request on a connection and resets it at the next, as a store does that had just closed it. */
const stale = (): Promise<PlayedStore> =>
  playStore(({ socket, text, number }) => {
    if (number > 1 || heads(text) === 1) socket.write(ok)
    else socket.resetAndDestroy()
  })

const afterStale = async (
  method: string,
  body = '',
): Promise<{ readonly status: string; readonly seen: number }> => {
  const store = await stale()
  const path = await startPath({ store: store.port })
  // The pools of both HTTP clients get a connection that has served.
  const first = method === 'GET' || method === 'HEAD' ? get() : request('DELETE')
  await ask(path.port, first)
  await path.over(1)
  const text = await ask(path.port, request(method, body), (text) => text.includes('\r\n\r\n'))
  return { status: headOf(text)[0] ?? '', seen: heads(store.text()) - 1 }
}

describe('a kept connection that the store has closed', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s is sent once more, over a new one', async (method) => {
    expect(await afterStale(method)).toEqual({ status: 'HTTP/1.1 200 OK', seen: 2 })
  })

  test.each([
    ['DELETE', ''],
    ['POST', ''],
    ['PUT', 'hello'],
    ['OPTIONS', 'hello'],
  ])('%s with body "%s" is not', async (method, body) => {
    expect(await afterStale(method, body)).toEqual({ status: 'HTTP/1.1 502 Bad Gateway', seen: 1 })
  })
})

test.each([
  'GET',
  'HEAD',
  'OPTIONS',
  'PUT',
])('a new connection that is reset gets %s exactly once', async (method) => {
  const store = await playStore(({ socket }) => socket.resetAndDestroy())
  const path = await startPath({ store: store.port })
  const text = await ask(path.port, request(method), (text) => text.includes('\r\n\r\n'))
  expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
  expect(heads(store.text())).toBe(1)
  await path.over(1)
  expect(path.outcomes[0]?.error).toBe('reset')
})

test.each(['GET', 'OPTIONS'])('%s is sent once more at most', async (method) => {
  const store = await playStore(({ socket, text, number }) => {
    if (number === 1 && heads(text) === 1) socket.write(ok)
    else socket.resetAndDestroy()
  })
  const path = await startPath({ store: store.port })
  await ask(path.port, method === 'GET' ? get() : request('DELETE'))
  await path.over(1)
  expect(headOf(await ask(path.port, request(method)))[0]).toBe('HTTP/1.1 502 Bad Gateway')
  expect(heads(store.text())).toBe(3)
})

test.each(['GET', 'OPTIONS'])('%s is not repeated after a first byte of an answer', async (method) => {
  const store = await playStore(({ socket, text }) => {
    if (heads(text) === 1) socket.write(ok)
    else socket.write('HTTP/1.1 20', () => socket.resetAndDestroy())
  })
  const path = await startPath({ store: store.port })
  await ask(path.port, method === 'GET' ? get() : request('DELETE'))
  await path.over(1)
  expect(headOf(await ask(path.port, request(method)))[0]).toBe('HTTP/1.1 502 Bad Gateway')
  expect(heads(store.text())).toBe(2)
})

test('a store that closes idle connections at random costs no GET', async () => {
  const store = await playStore(({ socket, text }) => {
    socket.write(ok)
    if (heads(text) % 3 === 0) setImmediate(() => socket.destroy())
  })
  const path = await startPath({ store: store.port })
  for (let i = 0; i < 300; i++) expect(headOf(await ask(path.port, get()))[0]).toBe('HTTP/1.1 200 OK')
})
