import { expect, test, vi } from 'vitest'
import { ask, get, headOf, ok, playStore, startPath } from './path.ts'

/** Unacknowledged bytes, as the kernel would report them. */
let queued = 0
vi.mock('../../src/proxy/send-queue.ts', () => ({ unacknowledged: async () => () => queued }))

/** Answers `served` requests on its first connection, and nothing more there. */
const startStore = (served: number) =>
  playStore(({ socket, text, number }) => {
    if (number > 1 || text.split(' HTTP/1.1').length - 1 <= served) socket.write(ok)
  })

const statusOf = async (port: number, method: string): Promise<string | undefined> =>
  headOf(await ask(port, method === 'GET' ? get() : `${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`))[0]

const upstreamTimeout = 6_000

test('a GET over a reused connection that acknowledges nothing is sent again over a new one', async () => {
  queued = 60
  const store = await startStore(1)
  const path = await startPath({ store: store.port, upstreamTimeout })
  for (let i = 0; i < 2; i++) expect(await statusOf(path.port, 'GET')).toBe('HTTP/1.1 200 OK')
  expect(store.sides).toHaveLength(2)
  await store.until(() => store.sides[0]?.socket.closed === true)
  expect(path.failures).toEqual([])
})

test.each([
  ['a GET that the store has, and thinks about,', 'GET', 0, 1],
  ['a GET over a new connection', 'GET', 60, 0],
  ['a DELETE', 'DELETE', 60, 1],
])(
  '%s is sent once',
  async (_, method, inQueue, served) => {
    queued = inQueue
    const store = await startStore(served)
    const path = await startPath({ store: store.port, upstreamTimeout })
    for (let i = 0; i < served; i++) expect(await statusOf(path.port, method)).toBe('HTTP/1.1 200 OK')
    expect(await statusOf(path.port, method)).toBe('HTTP/1.1 504 Gateway Timeout')
    expect(store.text().split(method).length - 1).toBe(served + 1)
  },
  20_000,
)
