import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { ask, openClient, startPath } from './path.ts'

const pem = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../fixtures/tls/${file}`, import.meta.url)), 'utf8')

type Ending = 'alert' | 'fin' | 'length'

/** A TLS store whose response of 5,000 bytes ends as its target says: by a closure alert, or by a FIN alone. */
async function tlsStore(version: 'TLSv1.2' | 'TLSv1.3') {
  let requests = 0
  const server = createServer((tcp: Socket) => {
    tcp.on('error', () => {})
    const socket = new TLSSocket(tcp, {
      isServer: true,
      cert: pem('localhost.pem'),
      key: pem('localhost.key'),
      minVersion: version,
      maxVersion: version,
    })
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      requests++
      const ending = /\/b\/(\w+)/.exec(bytes.toString())?.[1] as Ending
      if (ending === 'length') socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      else
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${'A'.repeat(5_000)}`, () => {
          if (ending === 'alert') socket.end()
          // Beneath TLS, so that only a FIN is sent.
          else setTimeout(() => Reflect.apply(tcp.end, tcp, []), 20)
        })
    })
    onTestFinished(() => {
      tcp.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, requests: () => requests }
}

const requestOf = (method: string, ending: Ending): string =>
  `${method} /b/${ending} HTTP/1.1\r\nHost: h\r\n${method === 'POST' ? 'Content-Length: 0\r\n' : ''}\r\n`

describe.each(['TLSv1.2', 'TLSv1.3'] as const)('an answer without length over %s', (version) => {
  const start = async () => {
    const store = await tlsStore(version)
    const upstream = { kind: 'tcp', secure: true, host: 'localhost', port: store.port } as const
    return { store, path: await startPath({ upstream, upstreamCa: pem('ca.pem') }) }
  }

  test.each([
    'GET',
    'POST',
    'DELETE',
  ])('to %s that ends with a FIN but no closure alert is truncated', async (method) => {
    const { path } = await start()
    for (let i = 1; i <= 3; i++) {
      const client = await openClient(path.port)
      client.send(requestOf(method, 'fin'))
      const { text } = await client.ended()
      expect(text).toContain('AAAA')
      expect(text).not.toContain('0\r\n\r\n')
      await path.over(i)
      expect(path.outcomes.at(-1)).toMatchObject({ status: 200, error: 'truncated' })
    }
  })

  test.each(['GET', 'DELETE'])('to %s that ends with a closure alert is complete', async (method) => {
    const { path, store } = await start()
    // Only a GET may be repeated, over a watched connection.
    const before = method === 'GET' ? 0 : 1
    if (before === 1) await ask(path.port, requestOf('GET', 'alert'))
    for (let i = 0; i < 2; i++) {
      const text = await ask(path.port, requestOf(method, 'alert'))
      expect(text.match(/A/g)?.length).toBeGreaterThanOrEqual(5_000)
      expect(text).toMatch(/0\r\n\r\n$/)
    }
    await path.over(2 + before)
    expect(path.outcomes.map(({ error }) => error)).toEqual(Array(2 + before).fill(undefined))
    expect(store.requests()).toBe(3 + before)
  })

  test('does not affect answers with a length', async () => {
    const { path } = await start()
    expect(await ask(path.port, requestOf('GET', 'length'))).toMatch(/\r\n\r\nok$/)
    expect(await ask(path.port, requestOf('GET', 'alert'))).toContain('AAAA')
    for (const method of ['GET', 'DELETE', 'GET', 'DELETE'])
      expect(await ask(path.port, requestOf(method, 'length'))).toMatch(/\r\n\r\nok$/)
    await path.over(6)
    expect(path.outcomes.map(({ error }) => error)).toEqual(Array(6).fill(undefined))
  })
})
