import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { createMetrics, type Metrics } from '../../src/metrics/metrics.ts'
import { startAdmin } from './running.ts'

const sockets: Socket[] = []
afterEach(() => {
  for (const socket of sockets.splice(0)) socket.destroy()
})

async function open(port: number, bytes = ''): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  sockets.push(socket)
  socket.on('error', () => {})
  await once(socket, 'connect')
  if (bytes !== '') socket.write(bytes)
  return socket
}

const scrape = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'

const closed = (socket: Socket): Promise<void> =>
  new Promise((resolve) => void socket.once('close', () => resolve()))

/** Metrics with at least `size` bytes of text, and a count of their expositions. */
function largeMetrics(size: number): Metrics & { readonly reads: () => number } {
  const metrics = createMetrics({ version: '1.2.3' })
  let reads = 0
  metrics.register(() => {
    reads++
    return {
      name: 'filling',
      help: 'x',
      type: 'gauge',
      aggregator: 'sum',
      samples: Array.from({ length: size / 1_000 }, (_, n) => ({
        suffix: '',
        labels: { filling: String(n).padEnd(1_000, 'x') },
        value: n,
      })),
    }
  })
  return { ...metrics, reads: () => reads }
}

describe('the admin port', () => {
  test('closes a connection with too many pipelined requests after at most one exposition', async () => {
    const metrics = largeMetrics(100_000)
    const { port, call } = await startAdmin({ metrics })
    const before = metrics.reads()
    const socket = (await open(port, scrape.repeat(1_985))).resume()
    await closed(socket)
    expect(metrics.reads() - before).toBeLessThanOrEqual(1)
    expect((await call('/healthz')).status).toBe(200)
  })

  test('serves the requests of one connection one after the other', async () => {
    const metrics = largeMetrics(100_000)
    const { port } = await startAdmin({ metrics })
    const before = metrics.reads()
    const socket = await open(
      port,
      `${scrape.repeat(3)}GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    )
    let text = ''
    for await (const piece of socket) text += String(piece)
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(4)
    expect(text.lastIndexOf('HTTP/1.1 200')).toBeGreaterThan(text.lastIndexOf('filling{'))
    // The later requests started after the first response, so none shared its exposition.
    expect(metrics.reads() - before).toBe(3)
  })

  test('makes one exposition for all concurrent requests', async () => {
    const metrics = largeMetrics(10_000)
    const { call } = await startAdmin({ metrics })
    const answers = await Promise.all(Array.from({ length: 40 }, () => call('/metrics')))
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect(metrics.reads()).toBeLessThanOrEqual(10)
    const before = metrics.reads()
    await call('/metrics')
    expect(metrics.reads()).toBe(before + 1)
  })

  test('does not keep what a client sends while nothing reads it', async () => {
    const { promise, resolve: endDrain } = Promise.withResolvers<boolean>()
    const { port } = await startAdmin({
      health: { live: () => true, ready: () => true, drained: () => promise },
    })
    const socket = await open(port, 'GET /drained HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n')
    const chunk = `10000\r\n${'x'.repeat(65_536)}\r\n`
    let accepted = 0
    // The kernel takes a few megabytes; a server that goes on reading takes everything.
    const most = 64 * 1024 * 1024
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, 2_000)
      const write = (): void => {
        if (accepted >= most) {
          clearTimeout(timer)
          resolve()
          return
        }
        accepted += chunk.length
        if (socket.write(chunk)) setImmediate(write)
        else socket.once('drain', write)
      }
      write()
    })
    expect(accepted).toBeLessThan(most)
    endDrain(false)
  })

  test('disconnects a client that reads nothing', async () => {
    const metrics = largeMetrics(20_000_000)
    const { port } = await startAdmin({ metrics, idleLimits: { busy: 400, waiting: 60_000 } })
    const stalled = await open(port, scrape)
    stalled.pause()
    // Bytes sent before a response do not count as activity; writing them shows when the connection is closed.
    await vi.waitFor(
      () => {
        stalled.write('\r\n')
        expect(stalled.destroyed).toBe(true)
      },
      { timeout: 20_000, interval: 100 },
    )
  })

  test('keeps a client connected that waits for the drain', async () => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const drained = vi.fn(() => promise)
    const { port } = await startAdmin({
      health: { live: () => true, ready: () => true, drained },
      idleLimits: { busy: 200, waiting: 60_000 },
    })
    const waiting = await open(port, 'GET /drained HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await vi.waitFor(() => expect(drained).toHaveBeenCalled())
    // Later idle connections are closed, which shows that the limit has passed.
    for (let n = 0; n < 2; n++) await once((await open(port, '')).resume(), 'end')
    expect(waiting.readableEnded || waiting.destroyed).toBe(false)
    resolve(true)
    const [piece] = await once(waiting, 'data')
    expect(String(piece)).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  })

  test('answers a probe despite any number of slow readers', async () => {
    const metrics = largeMetrics(5_000_000)
    const { port, call } = await startAdmin({ metrics })
    for (let n = 0; n < 70; n++) (await open(port, scrape)).pause()
    expect((await call('/healthz')).status).toBe(200)
    expect((await call('/readyz')).status).toBe(200)
  })
})
