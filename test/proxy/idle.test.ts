import type { IncomingMessage, ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { sendAnswer } from '../../src/proxy/answer.ts'
import { get, openClient, plain, startPath, whole } from './path.ts'

/** Answers at once, but holds back what is asked of `/held` until `release`. */
function holding(onHeld: (response: ServerResponse) => void = () => {}) {
  const held = Promise.withResolvers<() => void>()
  return {
    held: held.promise,
    before(request: IncomingMessage, response: ServerResponse): boolean {
      const answer = (): void => sendAnswer(request, response, plain(200, 'ok'))
      if (request.url !== '/held') answer()
      else {
        onHeld(response)
        held.resolve(answer)
      }
      return true
    },
  }
}

test('a connection that has served and stays silent is closed', async () => {
  const path = await startPath({ keepAlive: 100, before: holding().before })
  const client = await openClient(path.port)
  client.send(get('/b/k'))
  await client.until(whole)
  await client.ended()
})

test('one with a request under way is not, however long that takes', async () => {
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

test('a request under way on which nothing moves for the idle timeout ends with its connection', async () => {
  const { before, held } = holding()
  const path = await startPath({ idleTimeout: 100, keepAlive: 60_000, before })
  const client = await openClient(path.port)
  client.send(get('/held'))
  await held
  expect(await client.ended()).toEqual({ text: '', how: 'end' })
})

test('a request whose response has a clock of its own is left to that clock', async () => {
  const { before, held } = holding((response) => response.on('timeout', () => {}))
  const path = await startPath({ idleTimeout: 100, keepAlive: 60_000, before })
  const [governed, silent] = await Promise.all([openClient(path.port), openClient(path.port)])
  governed.send(get('/held'))
  const release = await held
  await silent.ended()
  release()
  expect(await governed.until(whole)).toMatch(/^HTTP\/1\.1 200 /)
})
