import { EventEmitter } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createAddresses } from '../../src/proxy/addresses.ts'
import { createConnect } from '../../src/proxy/connect.ts'
import { ask, get, ok, playStore, startPath } from './path.ts'

const found = ['10.0.0.1', '10.0.0.2', '10.0.0.3'].map((address) => ({ address, family: 4 }))

/** `addresses` of a name with three addresses; `order()` is the order in which it tries them. */
function addressesOf() {
  const resolve = ((_name: string, _options: object, done: (error: null, all: typeof found) => void) =>
    done(null, found)) as unknown as Parameters<typeof createAddresses>[0]
  const addresses = createAddresses(resolve)
  const order = (): string[] => {
    let list: string[] = []
    addresses.lookup('store', { all: true }, (_, all) => {
      list = Array.isArray(all) ? all.map(({ address }) => address) : []
    })
    return list
  }
  return { addresses, order }
}

const fakeSocket = (remoteAddress = ''): Socket =>
  Object.assign(new EventEmitter(), { remoteAddress }) as unknown as Socket

test.each([
  [
    'refuses',
    (socket: Socket) => socket.emit('connectionAttemptFailed', '10.0.0.1', 80, 4, new Error('refused')),
  ],
  [
    'lets an attempt time out',
    (socket: Socket) => socket.emit('connectionAttemptTimeout', '10.0.0.1', 80, 4),
  ],
  [
    'lets the whole connection time out',
    (socket: Socket) => socket.emit('connectionAttempt', '10.0.0.1', 80, 4) && socket.emit('close', false),
  ],
])('an address that %s is tried last, for 30 s', (_, fail) => {
  const { addresses, order } = addressesOf()
  expect(order()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
  fail(addresses.watch(fakeSocket()))
  expect(order()).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.1'])
  const later = performance.now() + 30_001
  const clock = vi.spyOn(performance, 'now').mockReturnValue(later)
  onTestFinished(() => clock.mockRestore())
  expect(order()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
})

test('an address that answers again is tried in its usual order', () => {
  const { addresses, order } = addressesOf()
  addresses.watch(fakeSocket()).emit('connectionAttemptFailed', '10.0.0.2', 80, 4, new Error('refused'))
  expect(order()).toEqual(['10.0.0.1', '10.0.0.3', '10.0.0.2'])
  addresses.watch(fakeSocket('10.0.0.2')).emit('connect')
  expect(order()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
})

test('an error after a connection was established does not mark its address as bad', () => {
  const { addresses, order } = addressesOf()
  const socket = addresses.watch(fakeSocket('10.0.0.1'))
  socket.emit('connectionAttempt', '10.0.0.1', 80, 4)
  socket.emit('connect')
  socket.emit('close', true)
  expect(order()).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
})

test('localhost is connected to by the address that answers, IPv4 or IPv6', async () => {
  const server = createServer((socket) => socket.end()).listen(0, '127.0.0.1')
  await vi.waitFor(() => expect(server.listening).toBe(true))
  onTestFinished(() => void server.close())
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const upstream = { kind: 'tcp', secure: false, host: 'localhost', port } as const
  const connect = createConnect({ upstream, ca: () => undefined, timeout: 5_000 })
  for (let i = 0; i < 2; i++)
    await new Promise<void>((resolve, reject) => {
      connect((error, socket) => {
        socket?.destroy()
        if (error === null) resolve()
        else reject(error)
      })
    })
})

test.each([
  'GET',
  'DELETE',
])('a connection that has served %s for its maximum age is replaced by a new one', async (method) => {
  const store = await playStore((side) => {
    if (side.text.endsWith('\r\n\r\n')) side.socket.write(ok)
  })
  const path = await startPath({ store: store.port, maxConnectionAge: 200 })
  const request = method === 'GET' ? get() : `${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`
  // Without a pause, so that only its age can end the connection.
  await expect
    .poll(
      async () => {
        expect(await ask(path.port, request)).toContain(' 200 OK')
        return store.sides.length
      },
      { interval: 10, timeout: 10_000 },
    )
    .toBe(3)
  const served = store.sides.slice(0, 2).map(({ text }) => text.split('HTTP/1.1').length - 1)
  for (const count of served) expect(count).toBeGreaterThan(1)
})
