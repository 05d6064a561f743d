import { describe, expect, test } from 'vitest'
import {
  bytesForClients,
  connectionBytes,
  createMemoryBudget,
  exchangeBytes,
} from '../../src/proxy/memory-budget.ts'
import { ask, get, headOf, ok, openClient, playStore, startPath, whole } from './path.ts'

const megabyte = 1024 * 1024

describe('the bytes for clients of one process', () => {
  const memory = { limit: 384 * megabyte, resident: 110 * megabyte, heapLimit: 240 * megabyte, processes: 1 }

  test('fit into the memory limit beside the idle process and uncollected garbage', () => {
    const bytes = bytesForClients(memory)
    expect(bytes + memory.resident + 64 * megabyte).toBeLessThanOrEqual(memory.limit)
    expect(bytes).toBeGreaterThan(128 * megabyte)
  })

  test('are fewer in each of several processes', () => {
    expect(bytesForClients({ ...memory, limit: 768 * megabyte, processes: 2 })).toBeLessThanOrEqual(
      bytesForClients(memory),
    )
  })

  test('are bounded by the heap, too', () => {
    expect(bytesForClients({ ...memory, limit: 64_000 * megabyte })).toBe(480 * megabyte)
  })

  test('are always enough for 64 exchanges', () => {
    expect(bytesForClients({ ...memory, limit: megabyte })).toBe(64 * exchangeBytes)
  })
})

test('idle connections are closed before stalled ones, and none without need', () => {
  const budget = createMemoryBudget(10)
  const given: string[] = []
  const giveUp = (name: string) => (): boolean => {
    if (given.filter((one) => one === name).length === 2) return false
    given.push(name)
    budget.giveBack(2)
    return true
  }
  budget.onShort('stalled', giveUp('stalled'))
  budget.onShort('idle', giveUp('idle'))
  expect(budget.take(10)).toBe(true)
  expect(budget.take(2)).toBe(true)
  expect(given).toEqual(['idle'])
  expect(budget.take(4)).toBe(true)
  expect(given).toEqual(['idle', 'idle', 'stalled'])
  expect(budget.take(4)).toBe(false)
})

/** A store with endless objects, except `/b/small`. */
const endlessStore = () =>
  playStore((side) => {
    const { socket, text } = side
    if (!text.endsWith('\r\n\r\n')) return
    side.text = ''
    if (text.includes('/b/small')) {
      socket.write(ok)
      return
    }
    const offer = (): void => {
      while (!socket.destroyed && socket.write(Buffer.alloc(65_536)));
    }
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
    socket.on('drain', offer)
    offer()
  })

/** Room for `exchanges` with a connection each, plus half an exchange. */
const roomFor = (exchanges: number) =>
  createMemoryBudget(exchanges * (connectionBytes.plain + exchangeBytes) + exchangeBytes / 2)

describe('when there is no memory for another exchange', () => {
  const readNothing = async (port: number) => {
    const client = await openClient(port)
    client.send(get('/b/endless'))
    await client.until((text) => text.length > 0)
    client.socket.pause()
    return client
  }

  test('the request gets 503, its connection stays open, and a later request is served', async () => {
    const store = await endlessStore()
    const path = await startPath({ store: store.port, memory: roomFor(2) })
    const readers = await Promise.all([readNothing(path.port), readNothing(path.port)])
    const client = await openClient(path.port)
    client.send(get('/b/small'))
    expect(headOf(await client.until(whole))[0]).toBe('HTTP/1.1 503 Service Unavailable')
    expect(path.outcomes).toEqual([
      expect.objectContaining({ status: 503, error: undefined, aborted: false }),
    ])
    readers[0]?.socket.destroy()
    await path.over(2)
    client.send(get('/b/small'))
    expect(await client.until((text) => text.endsWith('ok'))).toContain('HTTP/1.1 200 OK')
  })

  test('an upload that gets 503 never reaches the store', async () => {
    const store = await endlessStore()
    const path = await startPath({ store: store.port, memory: roomFor(1) })
    await readNothing(path.port)
    const text = await ask(path.port, 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello')
    expect(headOf(text)[0]).toBe('HTTP/1.1 503 Service Unavailable')
    expect(store.text()).not.toContain('PUT')
  })

  test('the reader that has read nothing for longest is disconnected first, and its request to the store ends', async () => {
    const store = await endlessStore()
    const path = await startPath({ store: store.port, memory: roomFor(2) })
    const first = await readNothing(path.port)
    const second = await openClient(path.port)
    // Slowly, because at full speed the received text would exceed the maximum string length.
    second.socket.on('data', () => {
      second.socket.pause()
      setTimeout(() => second.socket.resume(), 20).unref()
    })
    second.send(get('/b/endless'))
    const served = async (): Promise<boolean> => (await ask(path.port, get('/b/small'))).includes(' 200 OK')
    await expect.poll(served, { timeout: 20_000 }).toBe(true)
    expect(path.outcomes.filter(({ aborted }) => aborted)).toHaveLength(1)
    first.socket.resume()
    await first.ended()
    expect(second.socket.closed).toBe(false)
  })

  test('idle connections are closed first', async () => {
    const store = await endlessStore()
    const path = await startPath({ store: store.port, memory: roomFor(2) })
    const idle = await Promise.all(Array.from({ length: 7 }, () => openClient(path.port)))
    const reader = await readNothing(path.port)
    expect(await ask(path.port, get('/b/small'))).toContain(' 200 OK')
    expect(reader.socket.closed).toBe(false)
    await idle[0]?.ended()
  })
})

test('memory is released after every outcome of a request', async () => {
  let used = 0
  const budget = createMemoryBudget(Infinity)
  const memory = {
    ...budget,
    take: (bytes: number) => {
      used += bytes
      return true
    },
    giveBack: (bytes: number) => {
      used -= bytes
    },
  }
  const store = await playStore(({ socket, text }) => {
    if (text.includes('/b/reset')) socket.resetAndDestroy()
    else if (text.includes('/b/invalid')) socket.write('HTTQ\r\n\r\n')
    else if (!text.includes('/b/never')) socket.write(ok)
  })
  const path = await startPath({ store: store.port, memory })
  for (const target of ['/b/k', '/b/reset', '/b/invalid'])
    for (const method of ['GET', 'HEAD', 'DELETE']) {
      const client = await openClient(path.port)
      client.send(`${method} ${target} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n`)
      await client.ended()
      // The half-closed connection counts until the client has closed it too.
      client.socket.destroy()
    }
  const client = await openClient(path.port)
  client.send(get('/b/never'))
  await store.until(() => store.text().includes('/b/never'))
  client.socket.resetAndDestroy()
  await path.over(10)
  await expect.poll(() => used).toBe(0)
})
