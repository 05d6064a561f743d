import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { createSlowFeed } from '../../src/admin/slow-feed.ts'

/** Both ends of a connection. */
async function pair(): Promise<{ readonly client: Socket; readonly server: Socket }> {
  const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('the listener has no port')
  const client = connect(address.port, '127.0.0.1')
  const [server]: Socket[] = await once(listener, 'connection')
  if (server === undefined) throw new Error('there is no connection')
  onTestFinished(() => {
    client.destroy()
    listener.close()
  })
  return { client, server }
}

test('at most one piece of 1 KB is delivered in a turn of the event loop, also for several connections', async () => {
  const slowly = createSlowFeed()
  const size = 32_768
  let inThisTurn = 0
  let most = 0
  let received = 0
  const both = await Promise.all([pair(), pair()])
  const done = Promise.withResolvers<void>()
  for (const { server } of both)
    slowly(server).on('data', (piece: Buffer) => {
      expect(piece.length).toBeLessThanOrEqual(1_024)
      most = Math.max(most, ++inThisTurn)
      received += piece.length
      if (received === 2 * size) done.resolve()
    })
  let isOver = false
  const turn = (): void => {
    inThisTurn = 0
    if (!isOver) setImmediate(turn)
  }
  turn()
  for (const { client } of both) client.write(Buffer.alloc(size))
  await done.promise
  isOver = true
  expect(most).toBe(1)
})

test('every byte arrives in order, and the end after the last, though the reader pauses', async () => {
  const { client, server } = await pair()
  const sent = Buffer.from(Array.from({ length: 300_000 }, (_, index) => index % 251))
  const feed = createSlowFeed()(server)
  const pieces: Buffer[] = []
  feed.on('data', (piece: Buffer) => {
    pieces.push(piece)
    if (pieces.length % 50 !== 0) return
    feed.pause()
    setImmediate(() => feed.resume())
  })
  client.end(sent)
  await once(feed, 'end')
  expect(Buffer.concat(pieces).equals(sent)).toBe(true)
})
