import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request as startRequest } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { get, ok, openClient, playStore, serveStore, startPath } from './path.ts'

const piece = randomBytes(1 << 20)
const pieces = 32
const sumOf = (): string => {
  const hash = createHash('sha256')
  for (let i = 0; i < pieces; i++) hash.update(piece)
  return hash.digest('hex')
}

describe('a transfer arrives as it was sent', () => {
  for (const chunked of [false, true]) {
    const how = chunked ? 'in chunks' : 'with a length'
    test(`download ${how}, to a reader that stops again and again`, async () => {
      const store = await serveStore(async (_, response) => {
        if (!chunked) response.setHeader('Content-Length', pieces * piece.length)
        for (let i = 0; i < pieces; i++) if (!response.write(piece)) await once(response, 'drain')
        response.end()
      })
      const path = await startPath({ store })
      const request = startRequest({ port: path.port, path: '/b/k' }).end()
      const [response] = await once(request, 'response')
      const hash = createHash('sha256')
      let count = 0
      for await (const bytes of response) {
        hash.update(bytes)
        if (++count % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
      }
      expect(hash.digest('hex')).toBe(sumOf())
    })

    test(`upload ${how}, to a store that stops again and again`, async () => {
      const sum = Promise.withResolvers<string>()
      const store = await serveStore(async (request, response) => {
        const hash = createHash('sha256')
        let count = 0
        for await (const bytes of request) {
          hash.update(bytes)
          if (++count % 50 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
        }
        sum.resolve(hash.digest('hex'))
        response.end()
      })
      const path = await startPath({ store })
      const request = startRequest({
        port: path.port,
        method: 'PUT',
        path: '/b/k',
        headers: chunked ? {} : { 'Content-Length': pieces * piece.length },
      })
      for (let i = 0; i < pieces; i++) if (!request.write(piece)) await once(request, 'drain')
      request.end()
      expect(await sum.promise).toBe(sumOf())
      const [response] = await once(request, 'response')
      response.resume()
      await path.over(1)
      expect(path.outcomes[0]).toMatchObject({ status: 200, bytesIn: pieces * piece.length })
    })
  }
})

describe('a side that does not read slows down the other', () => {
  test('a store is not read further than some buffers ahead of the client', async () => {
    let offered = 0
    const store = await playStore(({ socket }) => {
      const offer = (): void => {
        while (!socket.destroyed && offered < 1_000_000_000) {
          offered += piece.length
          if (!socket.write(piece)) return
        }
      }
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
      socket.on('drain', offer)
      offer()
    })
    const path = await startPath({ store: store.port, idleTimeout: 1_000 })
    const client = await openClient(path.port)
    client.socket.pause()
    client.send(get())
    // The client reads nothing: the idle timeout ends it and frees the store.
    await path.over(1)
    expect(offered).toBeLessThan(64 << 20)
    expect(path.outcomes[0]).toMatchObject({ status: 200, aborted: true })
    await store.until(() => store.sides.every((side) => side.socket.closed))
  })

  test('a client is not read further than some buffers ahead of the store', async () => {
    const store = await playStore(({ socket }) => socket.pause())
    const path = await startPath({ store: store.port, idleTimeout: 1_000 })
    const client = await openClient(path.port)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000000\r\n\r\n')
    let offered = 0
    const offer = (): void => {
      while (!client.socket.destroyed && offered < 1_000_000_000) {
        offered += piece.length
        if (!client.socket.write(piece)) return
      }
    }
    client.socket.on('drain', offer)
    offer()
    // The store reads nothing: that is reported as the store's failure.
    await path.over(1)
    expect(path.outcomes[0]?.bytesIn).toBeLessThan(32 << 20)
    expect(path.outcomes[0]).toMatchObject({ status: 504, error: 'timeout' })
  })
})

describe('the idle timeout', () => {
  test('never cuts a slow reader that still takes bytes', async () => {
    const body = Buffer.alloc(16 << 20, 'x')
    const store = await serveStore((_, response) => response.end(body))
    const path = await startPath({ store, idleTimeout: 800 })
    const socket = connect(path.port, '127.0.0.1')
    onTestFinished(() => {
      socket.destroy()
    })
    socket.pause()
    socket.write(get())
    let received = 0
    // About a megabyte per second: the kernel makes room for more only after pauses longer than the timeout.
    while (received < 5 << 20 && !socket.closed) {
      await new Promise((resolve) => setTimeout(resolve, 60))
      received += socket.read()?.length ?? 0
    }
    expect(received).toBeGreaterThanOrEqual(5 << 20)
    expect(path.outcomes).toEqual([])
  })

  test('ends an answer that the store does not continue', async () => {
    const store = await playStore(({ socket }) =>
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello'),
    )
    const path = await startPath({ store: store.port, idleTimeout: 1_000 })
    const client = await openClient(path.port)
    client.send(get())
    expect((await client.ended()).text).toMatch(/hello$/)
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 200, error: 'timeout', aborted: false })
  })

  test('ends an upload that the client does not continue', async () => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port, idleTimeout: 1_000 })
    const client = await openClient(path.port)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n\r\nhello')
    await client.ended()
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ aborted: true, error: undefined })
    await store.until(() => store.sides.every((side) => side.socket.closed))
  })

  test('does not apply while the store prepares its answer', async () => {
    const store = await playStore(({ socket }) => {
      setTimeout(() => socket.write(ok), 1_500)
    })
    const path = await startPath({ store: store.port, idleTimeout: 500 })
    for (const method of ['GET', 'PUT']) {
      const client = await openClient(path.port)
      client.send(`${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`)
      expect(await client.until((text) => text.endsWith('\r\n\r\nok'))).toContain(' 200 ')
    }
  })

  test('does not end a transfer that sends a byte now and then', async () => {
    const store = await playStore(({ socket, text }) => {
      if (!text.endsWith('.....')) return
      let sent = 0
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n')
      const drip = setInterval(() => {
        socket.write('.')
        if (++sent === 5) clearInterval(drip)
      }, 500)
    })
    const path = await startPath({ store: store.port, idleTimeout: 2_000 })
    const client = await openClient(path.port)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n')
    let sent = 0
    const drip = setInterval(() => {
      client.send('.')
      if (++sent === 5) clearInterval(drip)
    }, 500)
    expect(await client.until((text) => text.endsWith('.....'))).toContain(' 200 ')
  })

  test('closes a connection that sends nothing', async () => {
    const path = await startPath({ idleTimeout: 1_000 })
    const client = await openClient(path.port)
    expect((await client.ended()).text).toBe('')
  })
})

test('a thousand requests leave no listener, timer or connection behind', async () => {
  const server = createServer((request, response) => {
    request.resume()
    response.end('ok')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const path = await startPath({ store: (server.address() as AddressInfo).port })
  const client = await openClient(path.port)
  for (let i = 1; i <= 500; i++) {
    client.send(get())
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx')
    if (i % 20 === 0) await path.over(2 * i)
  }
  expect(path.outcomes.filter((outcome) => outcome.status === 200)).toHaveLength(1_000)
  expect(client.socket.listenerCount('close')).toBeLessThan(10)
  expect(path.failures).toEqual([])
})
