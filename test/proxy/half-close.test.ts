import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, get, headOf, ok, openClient, playStore, startPath, whole } from './path.ts'

const put = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello'
const chunked = 'POST /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
const requests = { GET: get(), DELETE: get().replace('GET', 'DELETE'), PUT: put, 'chunked POST': chunked }
const file = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const tls = { certFile: file('localhost.pem'), keyFile: file('localhost.key') }

async function openTlsClient(port: number) {
  const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
  socket.allowHalfOpen = true
  onTestFinished(() => void socket.destroy())
  return clientOf(socket, once(socket, 'secureConnect'))
}

describe.each(['plain', 'TLS'])('a client over %s that ends its side after its request', (kind) => {
  const listener = kind === 'TLS' ? { tls } : {}
  const open = kind === 'TLS' ? openTlsClient : openClient

  test.each(Object.entries(requests))('gets the answer to %s, and then the end', async (_, request) => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port, ...listener })
    const client = await open(path.port)
    client.send(request)
    client.socket.end()
    await store.until(() => /\r\n\r\n(?:hello|5\r\nhello\r\n0\r\n\r\n)?$/.test(store.text()))
    store.sides[0]?.socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
    await client.until((text) => text.endsWith('ab'))
    store.sides[0]?.socket.write('cd')
    const { text, how } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 200 OK')
    expect(text).toMatch(/\r\n\r\nabcd$/)
    expect(how).toBe('end')
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 200, aborted: false, bytesOut: 4 })
  })
})

test('every request that a client sent before it ended its side is answered', async () => {
  const store = await playStore((side) => {
    if (side.text.endsWith('\r\n\r\n')) side.socket.write(ok)
  })
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(get('/b/1') + get('/b/2') + get('/b/3'))
  client.socket.end()
  const { text } = await client.ended()
  expect(text.match(/HTTP\/1\.1 200 OK/g)).toHaveLength(3)
  await path.over(3)
})

test('when a client ends its side of an idle or unused connection, the sidecar ends the other', async () => {
  const store = await playStore(({ socket }) => socket.write(ok))
  const path = await startPath({ store: store.port })
  const [idle, silent] = await Promise.all([openClient(path.port), openClient(path.port)])
  idle.send(get())
  await idle.until(whole)
  for (const { socket } of [idle, silent]) socket.end()
  expect((await idle.ended()).how).toBe('end')
  expect(await silent.ended()).toEqual({ text: '', how: 'end' })
})

test('an upload that the client ends too early gets 400 and is never completed at the store', async () => {
  const store = await playStore(() => {})
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(put.slice(0, -2))
  client.socket.end()
  expect(headOf((await client.ended()).text)[0]).toBe('HTTP/1.1 400 Bad Request')
  await store.until(() => store.sides.every((side) => side.socket.closed))
})

test('a client that has closed both sides is noticed when its answer is sent, and the request to the store ends', async () => {
  const store = await playStore(() => {})
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(get())
  await store.until(() => store.text().endsWith('\r\n\r\n'))
  client.socket.destroy()
  const [side] = store.sides
  side?.socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1 << 30}\r\n\r\n`)
  const piece = Buffer.alloc(1 << 16)
  const more = (): void => {
    while (side?.socket.writable === true && side.socket.write(piece));
    side?.socket.once('drain', more)
  }
  more()
  await path.over(1)
  expect(path.outcomes[0]).toMatchObject({ status: 200, aborted: true })
  await store.until(() => store.sides.every((side) => side.socket.closed))
})
