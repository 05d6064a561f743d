import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { expect, test } from 'vitest'
import { sendAnswer } from '../../src/proxy/answer.ts'
import { get, openClient, plain, startPath, whole } from './path.ts'

/** Answers at once, except for `/held`, which waits for `release`. */
function holding(onHeld: (response: ServerResponse) => void = () => {}) {
  const held = Promise.withResolvers<() => void>()
  return {
    held: held.promise,
    before(request: IncomingMessage, response: ServerResponse): boolean {
      const answer = (): void => void sendAnswer(request, response, plain(200, 'ok'))
      if (request.url !== '/held') answer()
      else {
        onHeld(response)
        held.resolve(answer)
      }
      return true
    },
  }
}

test('a connection that stays silent after a request is closed', async () => {
  const path = await startPath({ keepAlive: 100, before: holding().before })
  const client = await openClient(path.port)
  client.send(get('/b/k'))
  await client.until(whole)
  await client.ended()
})

test('a connection with a running request is not closed, no matter how long that takes', async () => {
  const { before, held } = holding()
  const path = await startPath({ keepAlive: 100, before })
  const [busy, silent] = await Promise.all([openClient(path.port), openClient(path.port)])
  busy.send(get('/held'))
  const release = await held
  silent.send(get('/b/k'))
  await silent.ended()
  release()
  expect(await busy.until(whole)).toMatch(/^HTTP\/1\.1 200 /)
})

test('a running request without a byte in either direction for the idle timeout is ended with its connection', async () => {
  const { before, held } = holding()
  const path = await startPath({ idleTimeout: 1_000, keepAlive: 60_000, before })
  const client = await openClient(path.port)
  client.send(get('/held'))
  await held
  expect(await client.ended()).toEqual({ text: '', how: 'end' })
})

test('a request whose response handles its own timeout is not ended by the idle timeout', async () => {
  const { before, held } = holding((response) => response.on('timeout', () => {}))
  const path = await startPath({ idleTimeout: 1_000, keepAlive: 60_000, before })
  const [governed, silent] = await Promise.all([openClient(path.port), openClient(path.port)])
  governed.send(get('/held'))
  const release = await held
  await silent.ended()
  release()
  expect(await governed.until(whole)).toMatch(/^HTTP\/1\.1 200 /)
})

test('an unread response made here ends with its connection, even if the client keeps sending', async () => {
  const answered = Promise.withResolvers<void>()
  const path = await startPath({
    idleTimeout: 1_000,
    keepAlive: 60_000,
    before(request, response) {
      // More than the kernel buffers for a reader that has stopped.
      sendAnswer(request, response, plain(200, 'x'.repeat(64 * 1024 * 1024)))
      answered.resolve()
      return true
    },
  })
  const socket = connect(path.port, '127.0.0.1').pause()
  socket.on('error', () => {})
  const closed = once(path.listener.server, 'connection').then(([side]) => once(side, 'close'))
  socket.write(get('/b/k'))
  await answered.promise
  const trickle = setInterval(() => socket.write('G'), 20)
  await closed
  clearInterval(trickle)
  socket.destroy()
})

test('the error response for a failed store has only the timeout of its connection', async () => {
  const responses: ServerResponse[] = []
  const path = await startPath({
    before(_request, response) {
      responses.push(response)
      return false
    },
  })
  const client = await openClient(path.port)
  client.send(get('/b/k'))
  expect(await client.until(whole)).toMatch(/^HTTP\/1\.1 502 /)
  expect(responses.map((response) => response.listenerCount('timeout'))).toEqual([0])
})
