import { describe, expect, test } from 'vitest'
import { report } from '../reliability/report.ts'
import { ask, get, headOf, ok, type PlayedStore, playStore, startPath } from './path.ts'

const request = (method: string, body = ''): string =>
  `${method} /b/k HTTP/1.1\r\nHost: h\r\n${body === '' ? '' : `Content-Length: ${body.length}\r\n`}\r\n${body}`

const isHead = (text: string): boolean => text.includes('\r\n\r\n')
const heads = (text: string): number => text.split(' HTTP/1.1\r\n').length - 1

/**
 * Stores that answer `served` requests on their first connection and end it at the next one, as if they had just
 * closed it.
 */
const endingBy =
  (end: 'end' | 'resetAndDestroy') =>
  (served = 1): Promise<PlayedStore> =>
    playStore(({ socket, text, number }) => {
      if (number > 1 || heads(text) <= served) socket.write(ok)
      else socket[end]()
    })
const closing = endingBy('end')
const resetting = endingBy('resetAndDestroy')

/** After this many requests on a reused connection the store counts as keeping it; the first request opens it. */
const trial = 1 + 64

interface Last {
  readonly status: string
  /** How often the store saw it. */
  readonly seen: number
}

interface Before {
  /** Requests on reused connections before it; the last leaves one connection. */
  readonly served?: number
  /** Milliseconds after those. */
  readonly rest?: number
}

/** Sends a request after others, and returns its outcome. */
async function last(
  store: PlayedStore,
  method: string,
  { served = 1, rest = 0 }: Before = {},
  body = '',
): Promise<Last> {
  const path = await startPath({ store: store.port })
  // The reused connection must belong to the HTTP client of the last request.
  const before = body === '' && /^(GET|HEAD|OPTIONS)$/.test(method) ? get() : request('DELETE')
  for (let i = 0; i < served; i++) await ask(path.port, before)
  await path.over(served)
  await new Promise((resolve) => setTimeout(resolve, rest))
  const text = await ask(path.port, request(method, body), isHead)
  return { status: headOf(text)[0] ?? '', seen: heads(store.text()) - served }
}

const answered = { status: 'HTTP/1.1 200 OK', seen: 2 }
const failed = { status: 'HTTP/1.1 502 Bad Gateway', seen: 1 }

/** Long enough for a store to close an idle connection, in milliseconds. */
const rest = 1_100

describe('over a kept connection that the store has closed', () => {
  test.each(['GET', 'HEAD', 'OPTIONS'])('%s is sent once more, over a new one', async (method) => {
    expect(await last(await closing(), method)).toEqual(answered)
  })

  test.each([
    ['DELETE', ''],
    ['POST', ''],
    ['PUT', 'hello'],
    ['OPTIONS', 'hello'],
  ])('%s with body "%s" is not', async (method, body) => {
    expect(await last(await closing(), method, { rest }, body)).toEqual(failed)
  })

  test('a request is not resent if the connection ends after more than a second', async () => {
    const store = await playStore(({ socket, text }) => {
      if (heads(text) === 1) socket.write(ok)
      else setTimeout(() => socket.end(), rest)
    })
    expect(await last(store, 'GET')).toEqual(failed)
  })

  test('a request is not resent if the answer is not HTTP', async () => {
    const store = await playStore(({ socket, text }) => socket.write(heads(text) === 1 ? ok : 'HTTQ'))
    expect(await last(store, 'GET', { rest })).toEqual(failed)
  })

  test('a request is resent over a new connection, not over another reused one', async () => {
    const kept = 3
    const store = await playStore(({ socket, text, number }) => {
      if (number > kept) socket.write(ok)
      else if (heads(text) > 1) socket.resetAndDestroy()
      // Answered together, so that all are kept together.
      else if (number === kept) for (const side of store.sides) side.socket.write(ok)
    })
    const path = await startPath({ store: store.port })
    await Promise.all(Array.from({ length: kept }, () => ask(path.port, get())))
    expect(headOf(await ask(path.port, get()))[0]).toBe(answered.status)
    expect(store.sides.map(({ text }) => heads(text)).sort()).toEqual([1, 1, 1, 2])
  })

  test('a request is resent at most once', async () => {
    const store = await playStore(({ socket, text, number }) => {
      if (number === 1 && heads(text) === 1) socket.write(ok)
      else socket.end()
    })
    expect(await last(store, 'GET')).toEqual({ ...failed, seen: 2 })
  })

  test('a request is not resent after the first byte of an answer', async () => {
    const store = await playStore(({ socket, text }) => {
      if (heads(text) === 1) socket.write(ok)
      else socket.end('HTTP/1.1 20')
    })
    expect(await last(store, 'GET', { rest })).toEqual(failed)
  })
})

describe('over a kept connection that the store resets', () => {
  test('a GET is sent once more', async () => {
    expect(await last(await resetting(), 'GET')).toEqual(answered)
  })

  test.each([
    ['DELETE', ''],
    ['PUT', 'hello'],
  ])('%s with body "%s" is not', async (method, body) => {
    expect(await last(await resetting(), method, { rest }, body)).toEqual(failed)
  })
})

describe('a store that is known to keep its connections', () => {
  test('answers a GET by a reset: it is seen exactly once', async () => {
    expect(await last(await resetting(trial), 'GET', { served: trial })).toEqual(failed)
  })

  test('answers a GET by an end that comes after a while: it is seen exactly once', async () => {
    const store = await playStore(({ socket, text }) => {
      if (heads(text) <= trial) socket.write(ok)
      else setTimeout(() => socket.end(), 100)
    })
    expect(await last(store, 'GET', { served: trial })).toEqual(failed)
  })

  test('stays known for that when it answers so: the next GET is seen exactly once, too', async () => {
    const store = await playStore(({ socket, text, number }) => {
      if (heads(text) <= (number === 1 ? trial : 1)) socket.write(ok)
      else socket.resetAndDestroy()
    })
    const path = await startPath({ store: store.port })
    const statuses: string[] = []
    for (let i = 0; i < trial + 3; i++) statuses.push(headOf(await ask(path.port, get(), isHead))[0] ?? '')
    expect(statuses.slice(trial)).toEqual([failed.status, answered.status, failed.status])
    expect(store.sides.map(({ text }) => heads(text))).toEqual([trial + 1, 2])
  })

  test('is no longer known for that once a request has met a connection that it had closed', async () => {
    const store = await playStore(({ socket, text, number }) => {
      if (number > 2 || heads(text) <= (number === 1 ? trial : 1)) socket.write(ok)
      else socket.resetAndDestroy()
    })
    const path = await startPath({ store: store.port })
    for (let i = 0; i < trial; i++) await ask(path.port, get())
    await new Promise((resolve) => setTimeout(resolve, rest))
    for (let i = 0; i < 2; i++) expect(headOf(await ask(path.port, get()))[0]).toBe(answered.status)
    expect(store.sides.map(({ text }) => heads(text))).toEqual([trial + 1, 2, 1])
  })

  test('may still have closed a connection after a pause, so a GET is resent', async () => {
    expect(await last(await resetting(trial), 'GET', { served: trial, rest })).toEqual(answered)
  })

  // The end must be noticed within milliseconds, which a busy machine may miss.
  test('may have closed a connection just before, so a GET is resent if the close was on its way', {
    retry: 3,
  }, async () => {
    expect(await last(await closing(trial), 'GET', { served: trial })).toEqual(answered)
  })

  test('is no longer known for that once it has closed one', async () => {
    const store = await playStore(({ socket, text, number }) => {
      if (number === 1) socket.write(ok, () => socket.end())
      else if (number > 2 || heads(text) <= trial) socket.write(ok)
      else socket.resetAndDestroy()
    })
    const path = await startPath({ store: store.port })
    await ask(path.port, get())
    await store.until(() => store.sides[0]?.socket.closed === true)
    for (let i = 0; i < trial + 1; i++) expect(headOf(await ask(path.port, get()))[0]).toBe(answered.status)
    expect(store.sides.map(({ text }) => heads(text))).toEqual([1, trial + 1, 1])
  })
})

const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT']

test.each(methods)('a new connection that is reset gets %s exactly once', async (method) => {
  const store = await playStore(({ socket }) => socket.resetAndDestroy())
  const path = await startPath({ store: store.port })
  const text = await ask(path.port, request(method), isHead)
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
    // Up to half of the client's pause: some connections close while the next request is on its way.
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
  report({ gets, closed, failed: failed.length })
  expect(closed).toBeGreaterThan(gets / 20)
  expect(failed).toEqual([])
})
