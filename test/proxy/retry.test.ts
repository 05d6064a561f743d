import { describe, expect, test } from 'vitest'
import { tell } from '../reliability/tell.ts'
import { ask, get, headOf, type PlayedStore, playStore, startPath } from './path.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const request = (method: string, body = ''): string =>
  `${method} /b/k HTTP/1.1\r\nHost: h\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`

const heads = (text: string): number => text.split(' HTTP/1.1\r\n').length - 1

/** Ends its first connection when it gets a second request over it, as a store does that had just closed it. */
const closing = (): Promise<PlayedStore> =>
  playStore(({ socket, text, number }) => {
    if (number > 1 || heads(text) === 1) socket.write(ok)
    else socket.end()
  })

/** The same by a reset. */
const resetting = (): Promise<PlayedStore> =>
  playStore(({ socket, text, number }) => {
    if (number > 1 || heads(text) === 1) socket.write(ok)
    else socket.resetAndDestroy()
  })

interface Second {
  readonly status: string
  /** How often the store saw it. */
  readonly seen: number
}

/** Sends a first request that leaves a kept connection, rests for `rest` milliseconds, and sends a second. */
async function second(store: PlayedStore, method: string, body = '', rest = 0): Promise<Second> {
  const path = await startPath({ store: store.port })
  // The kept connection is one of the HTTP client that sends the second.
  await ask(path.port, body === '' && /^(GET|HEAD|OPTIONS)$/.test(method) ? get() : request('DELETE'))
  await path.over(1)
  await new Promise((resolve) => setTimeout(resolve, rest))
  const text = await ask(path.port, request(method, body), (text) => text.includes('\r\n\r\n'))
  return { status: headOf(text)[0] ?? '', seen: heads(store.text()) - 1 }
}

const served = { status: 'HTTP/1.1 200 OK', seen: 2 }
const failed = { status: 'HTTP/1.1 502 Bad Gateway', seen: 1 }

/** Long enough for a store to close a kept connection, in milliseconds. */
const rest = 1_100

describe('over a kept connection that the store has closed', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s is sent once more, over a new one', async (method) => {
    expect(await second(await closing(), method, '', rest)).toEqual(served)
  })

  // The end must be seen within milliseconds, which a busy machine may miss.
  test('a GET is sent once more even without a rest when the end was on its way', { retry: 3 }, async () => {
    expect(await second(await closing(), 'GET')).toEqual(served)
  })

  test.each([
    ['DELETE', ''],
    ['POST', ''],
    ['PUT', 'hello'],
    ['OPTIONS', 'hello'],
  ])('%s with body "%s" is not', async (method, body) => {
    expect(await second(await closing(), method, body, rest)).toEqual(failed)
  })

  test('nothing is sent more than once more', async () => {
    const store = await playStore(({ socket, text, number }) => {
      if (number === 1 && heads(text) === 1) socket.write(ok)
      else socket.end()
    })
    expect(await second(store, 'GET', '', rest)).toEqual({ ...failed, seen: 2 })
  })

  test('nothing is sent once more after a first byte of an answer', async () => {
    const store = await playStore(({ socket, text }) => {
      if (heads(text) === 1) socket.write(ok)
      else socket.end('HTTP/1.1 20')
    })
    expect(await second(store, 'GET', '', rest)).toEqual(failed)
  })
})

describe('over a kept connection that the store resets', () => {
  test('after a rest, a GET is sent once more', async () => {
    expect(await second(await resetting(), 'GET', '', rest)).toEqual(served)
  })

  test('while it is in use, a GET has its answer in that: the store sees it exactly once', async () => {
    expect(await second(await resetting(), 'GET')).toEqual(failed)
  })

  test('a GET is sent once more where the store keeps closing kept connections', async () => {
    const closed = 2
    const store = await playStore(({ socket, text, number }) => {
      if (number <= closed) socket.write(ok, () => socket.end())
      else if (number > closed + 1 || heads(text) === 1) socket.write(ok)
      else socket.resetAndDestroy()
    })
    const path = await startPath({ store: store.port })
    for (let i = 0; i < closed; i++) {
      await ask(path.port, get())
      await store.until(() => store.sides[i]?.socket.closed === true)
    }
    for (let i = 0; i < 2; i++) expect(headOf(await ask(path.port, get()))[0]).toBe('HTTP/1.1 200 OK')
    expect(heads(store.text())).toBe(closed + 3)
  })

  test("an end that comes after a while is the store's answer to a GET, which it sees exactly once", async () => {
    const store = await playStore(({ socket, text }) => {
      if (heads(text) === 1) socket.write(ok)
      else setTimeout(() => socket.end(), 100)
    })
    expect(await second(store, 'GET')).toEqual(failed)
  })
})

const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT']

test.each(methods)('a new connection that is reset gets %s exactly once', async (method) => {
  const store = await playStore(({ socket }) => socket.resetAndDestroy())
  const path = await startPath({ store: store.port })
  const text = await ask(path.port, request(method), (text) => text.includes('\r\n\r\n'))
  expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
  expect(heads(store.text())).toBe(1)
  await path.over(1)
  expect(path.outcomes[0]?.error).toBe('reset')
})

const gets = Number(process.env.IDLE_GETS ?? 300)

test(`a store that closes idle connections at random costs none of ${gets} GETs`, {
  timeout: 30_000 + 50 * gets,
}, async () => {
  let closed = 0
  const store = await playStore((side) => {
    side.socket.write(ok)
    const served = heads(side.text)
    // Up to the middle of what the client rests: some are closed as the next request is on its way to them.
    const close = (): void => {
      if (heads(side.text) !== served) return
      closed++
      side.socket.destroy()
    }
    if (Math.random() < 1 / 3) setTimeout(close, Math.random() * 10)
  })
  const path = await startPath({ store: store.port })
  const failed: string[] = []
  for (let i = 0; i < gets; i++) {
    const status = headOf(await ask(path.port, get()))[0] ?? 'no answer'
    if (status !== 'HTTP/1.1 200 OK') failed.push(status)
    if (i % 2 === 0) await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
  }
  tell({ gets, closed, failed: failed.length })
  expect(closed).toBeGreaterThan(gets / 20)
  expect(failed).toEqual([])
})
