import dns from 'node:dns'
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import {
  get,
  headOf,
  ok,
  openClient,
  type PathOptions,
  type PlayedStore,
  playStore,
  startPath,
  whole,
} from './path.ts'

const chunkedPut = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'
const lengthPut = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nhello'

describe('an aborted upload is never completed at the store', () => {
  const uploads = { chunked: chunkedPut, 'of a length': lengthPut }
  const ends = {
    'its connection ends': 'end',
    'its connection is reset': 'reset',
    'a chunk is malformed': 'garbage',
  } as const

  for (const [kind, upload] of Object.entries(uploads))
    for (const [what, how] of Object.entries(ends)) {
      if (how === 'garbage' && kind !== 'chunked') continue
      test(`${kind}, when ${what}`, async () => {
        const store = await playStore(() => {})
        const path = await startPath({ store: store.port })
        const client = await openClient(path.port)
        client.send(upload)
        await store.until(() => store.text().includes('hello'))
        if (how === 'end') client.socket.end()
        else if (how === 'reset') client.socket.resetAndDestroy()
        else client.send('zz\r\nx\r\n')
        await store.until(() => store.sides.every((side) => side.socket.closed))
        expect(store.text()).not.toContain('0\r\n\r\n')
        expect(store.text()).toMatch(/hello(\r\n)?$/)
        await path.over(1)
        expect(path.outcomes[0]).toMatchObject({ aborted: true, bytesIn: 5, error: undefined })
      })
    }

  test('a malformed chunk is answered with 400', async () => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(`${chunkedPut}zz\r\nx\r\n`)
    expect(headOf((await client.ended()).text)[0]).toBe('HTTP/1.1 400 Bad Request')
  })
})

describe('a client that goes away', () => {
  test.each(['GET', 'DELETE'])('before the answer to %s ends the request to the store', async (method) => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get().replace('GET', method))
    await store.until(() => store.text().endsWith('\r\n\r\n'))
    client.socket.resetAndDestroy()
    await store.until(() => store.sides.every((side) => side.socket.closed))
    await path.over(1)
    expect(path.outcomes[0]).toEqual({
      status: 0,
      error: undefined,
      aborted: true,
      bytesIn: 0,
      bytesOut: 0,
      firstByteMilliseconds: undefined,
    })
  })

  test.each(['GET', 'DELETE'])('during the answer to %s ends the request to the store', async (method) => {
    const store = await playStore(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'),
    )
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get().replace('GET', method))
    await client.until((text) => text.endsWith('hello'))
    client.socket.resetAndDestroy()
    await store.until(() => store.sides.every((side) => side.socket.closed))
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 200, aborted: true, bytesOut: 5 })
  })

  test('while the connection to the store is being opened sends no request', async () => {
    const upstream = { kind: 'tcp', secure: false, host: 'store.invalid', port: 9 } as const
    const path = await startPath({ upstream, upstreamTimeout: 60_000 })
    const client = await openClient(path.port)
    // A lookup that never ends.
    const lookup = vi.spyOn(dns, 'lookup').mockReturnValue()
    onTestFinished(() => lookup.mockRestore())
    client.send(get())
    await vi.waitUntil(() => lookup.mock.calls.length > 0)
    client.socket.resetAndDestroy()
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 0, aborted: true })
  })

  describe.each([
    'GET',
    'DELETE',
  ])('while it still takes an answer to %s that the store has ended', (method) => {
    const another = get().replace('GET', method)

    test('breaks off no request that has the connection to the store next', async () => {
      const { path, store, leaving } = await takingStill(method)
      const staying = await openClient(path.port)
      staying.send(another)
      await store.until(() => store.text().includes(`${method} /b/k `))
      leaving.resetAndDestroy()
      await path.over(1)
      expect(path.outcomes[0]).toMatchObject({ status: 200, aborted: true })
      store.sides.at(-1)?.socket.write(ok)
      expect(headOf(await staying.until(whole))[0]).toBe('HTTP/1.1 200 OK')
      expect(store.sides).toHaveLength(1)
    })

    test('is disconnected when it reads nothing, even while the connection to the store is busy', async () => {
      const { path, store, response } = await takingStill(method, { idleTimeout: 1_000 })
      const [side] = store.sides
      side?.socket.on('data', () => side.socket.write(ok))
      const busy = await openClient(path.port)
      for (let answers = 1; !response.closed; answers++) {
        busy.send(another)
        await busy.until((text) => text.split('\r\n\r\nok').length > answers)
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
      expect(path.outcomes).toContainEqual(expect.objectContaining({ status: 200, aborted: true }))
      expect(store.sides).toHaveLength(1)
    })
  })
})

/**
 * A client that reads nothing while the last part of a response waits for it, although the store's response has
 * ended.
 */
async function takingStill(method: string, options: PathOptions = {}) {
  const store = await playStore(() => {})
  const begun = Promise.withResolvers<ServerResponse>()
  const path = await startPath({
    store: store.port,
    before(_request, response) {
      begun.resolve(response)
      return false
    },
    ...options,
  })
  const leaving = connect(path.port, '127.0.0.1').pause()
  leaving.on('error', () => {})
  onTestFinished(() => void leaving.destroy())
  leaving.write(get('/b/large').replace('GET', method))
  const response = await begun.promise
  await endAheadOf(response, store)
  return { path, store, leaving, response }
}

/** For conditions that take as long as a busy machine needs. */
const patiently = { interval: 0, timeout: 20_000 }

/** Ends the store's response while its last part still waits for a client that reads nothing. */
async function endAheadOf(response: ServerResponse, { sides, until }: PlayedStore): Promise<void> {
  await until(() => sides[0]?.text.endsWith('\r\n\r\n') === true)
  const piece = `4000\r\n${'x'.repeat(0x4000)}\r\n`
  const send = (text: string): void => void sides[0]?.socket.write(text)
  send('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n')
  // Fills the kernel's buffer until the response has to wait.
  for (let sent = piece.length; response.writableLength === 0; sent += piece.length) {
    send(piece)
    await vi.waitUntil(() => (response.socket?.bytesWritten ?? 0) >= sent, patiently)
  }
  send('0\r\n\r\n')
  await vi.waitUntil(() => response.writableEnded, patiently)
}

describe('an aborted answer of the store is aborted for the client', () => {
  const answers = {
    'of a length': 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello',
    chunked: 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n',
  }
  for (const [kind, answer] of Object.entries(answers))
    for (const method of ['GET', 'DELETE'])
      test.each(['end', 'reset'] as const)(`${kind}, of ${method}, by %s`, async (how) => {
        const store = await playStore(({ socket }) => {
          if (how === 'end') socket.end(answer)
          else socket.write(answer)
        })
        const path = await startPath({ store: store.port })
        const client = await openClient(path.port)
        client.send(get().replace('GET', method))
        if (how === 'reset') {
          await client.until((text) => text.includes('hello'))
          store.sides[0]?.socket.resetAndDestroy()
        }
        const { text } = await client.ended()
        expect(text).toContain('hello')
        expect(text).not.toContain('0\r\n\r\n')
        await path.over(1)
        expect(path.outcomes[0]?.error).toBe(how === 'end' ? 'truncated' : 'reset')
      })

  test.each(['GET', 'DELETE'])('an answer to %s without a length that ends with a reset', async (method) => {
    const store = await playStore(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello'),
    )
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get().replace('GET', method))
    await client.until((text) => text.includes('hello'))
    store.sides[0]?.socket.resetAndDestroy()
    expect((await client.ended()).text).not.toContain('0\r\n\r\n')
    await path.over(1)
    expect(path.outcomes[0]?.error).toBe('reset')
  })

  test('for an HTTP/1.0 client, whose body only the connection ends, by a reset', async () => {
    const store = await playStore(({ socket }) =>
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n'),
    )
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send('GET /b/k HTTP/1.0\r\nHost: h\r\n\r\n')
    expect((await client.ended()).how).toBe('reset')
  })
})

describe('an answer that comes before the upload is complete', () => {
  const refusal = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\n\r\nno!'

  test('reaches the client at once, and the rest of the upload is read and dropped', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.includes('first')) socket.write(refusal)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 20000005\r\n\r\nfirst')
    const text = await client.until((text) => text.endsWith('no!'))
    expect(headOf(text)[0]).toBe('HTTP/1.1 403 Forbidden')
    expect(text).toContain('\r\nConnection: close\r\n')
    await store.until(() => store.sides.every((side) => side.socket.closed))
    for (let i = 0; i < 20; i++) client.socket.write(Buffer.alloc(1_000_000))
    expect(await client.ended()).toMatchObject({ text, how: 'end' })
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 403, aborted: false, error: undefined, bytesIn: 5 })
  })

  test('reaches a client that reads only when it has sent everything', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.includes('first') && !socket.writableEnded) socket.end(refusal)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.socket.pause()
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 20000005\r\n\r\nfirst')
    await store.until(() => store.text().includes('first'))
    for (let i = 0; i < 20; i++) client.socket.write(Buffer.alloc(1_000_000))
    if (client.socket.writableNeedDrain) await once(client.socket, 'drain')
    client.socket.resume()
    const { text } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 403 Forbidden')
    expect(text).toMatch(/no!$/)
  })

  test('does not stop a store that answers and reads on', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('hello')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
      if (text.endsWith('world')) socket.write('cd')
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(lengthPut)
    await client.until((text) => text.endsWith('ab'))
    client.send(', world')
    expect((await client.ended()).text).toMatch(/\r\n\r\nabcd$/)
    expect(store.text()).toMatch(/hello, world$/)
  })
})

test.each([
  ['GET', get()],
  ['PUT', 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello'],
])('a store that does not answer %s in time is reported as such', async (_, request) => {
  const store = await playStore(() => {})
  const path = await startPath({ store: store.port, upstreamTimeout: 200 })
  const client = await openClient(path.port)
  client.send(request)
  expect(headOf(await client.until((text) => text.endsWith('timeout')))[0]).toBe(
    'HTTP/1.1 504 Gateway Timeout',
  )
  await store.until(() => store.sides.every((side) => side.socket.closed))
  await path.over(1)
  expect(path.outcomes[0]).toMatchObject({ status: 504, error: 'timeout', aborted: false })
})

test('the time to the first byte is counted from the complete request', async () => {
  const store = await playStore(({ socket, text }) => {
    if (text.endsWith('world')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  const path = await startPath({ store: store.port, upstreamTimeout: 200, idleTimeout: 5_000 })
  const client = await openClient(path.port)
  client.send(lengthPut)
  // Longer than the upstream timeout, which must not apply during an upload.
  await new Promise((resolve) => setTimeout(resolve, 500))
  client.send(', world')
  expect(headOf(await client.until((text) => text.includes('\r\n\r\n')))[0]).toBe('HTTP/1.1 200 OK')
  await path.over(1)
  expect(path.outcomes[0]?.firstByteMilliseconds).toBeLessThan(200)
})
