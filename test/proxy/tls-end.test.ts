import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { clientOf, get, ok, type Path, playStore, startPath, storeThatSays, whole } from './path.ts'

const file = (name: string): string => fileURLToPath(new URL(`../fixtures/tls/${name}`, import.meta.url))
const tls = { certFile: file('localhost.pem'), keyFile: file('localhost.key') }

async function open(port: number, protocols: string[] = ['http/1.1']) {
  const socket = connectTls({
    port,
    host: '127.0.0.1',
    rejectUnauthorized: false,
    ALPNProtocols: protocols,
  })
  onTestFinished(() => void socket.destroy())
  return {
    client: await clientOf(socket, once(socket, 'secureConnect')),
    protocol: () => socket.alpnProtocol,
  }
}

test.each([
  [['http/1.0'], 'http/1.0'],
  [['http/1.1', 'http/1.0'], 'http/1.1'],
  [['h2', 'http/1.1'], 'http/1.1'],
  [['h2', 'http/1.0'], 'http/1.0'],
])('ALPN %j is served as %s', async (protocols, expected) => {
  const store = await storeThatSays(ok)
  const path = await startPath({ store: store.port, tls })
  const { client, protocol } = await open(path.port, protocols)
  expect(protocol()).toBe(expected)
  client.send(get().replace('HTTP/1.1', expected === 'http/1.0' ? 'HTTP/1.0' : 'HTTP/1.1'))
  expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.[01] 200 OK/)
})

test('ALPN h2 alone is refused', async () => {
  const path = await startPath({ tls })
  await expect(open(path.port, ['h2'])).rejects.toThrow()
})

/** How OpenSSL's own client describes the end, after it has sent `input`. */
async function endSeenByOpenssl(path: Path, input: string, during: () => Promise<unknown>): Promise<string> {
  const child = spawn('openssl', ['s_client', '-connect', `127.0.0.1:${path.port}`, '-msg', '-ign_eof'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const out = text(child.stdout)
  child.stdin.write(input)
  await during()
  return out
}

const closeNotify = /<<< .*Alert.*close_notify/

describe('a TLS connection ends with close_notify', () => {
  test('after an answer that ends it', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port, tls })
    const seen = await endSeenByOpenssl(path, get('/b/k', 'Connection: close\r\n'), () => path.over(1))
    expect(seen).toMatch(closeNotify)
  })

  test('when it has been idle for too long', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port, tls, keepAlive: 100 })
    expect(await endSeenByOpenssl(path, get(), () => path.over(1))).toMatch(closeNotify)
  })

  test('when it is idle at the end of a drain', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port, tls })
    const seen = await endSeenByOpenssl(path, get(), async () => {
      await path.over(1)
      await path.listener.drain(30_000)
    })
    expect(seen).toMatch(closeNotify)
  })

  test('but not when its answer was cut short', async () => {
    const store = await playStore(({ socket }) => {
      socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello')
    })
    const path = await startPath({ store: store.port, tls })
    const seen = await endSeenByOpenssl(path, get(), () => path.over(1))
    expect(seen).toContain('200 OK')
    expect(seen).not.toMatch(closeNotify)
  })
})

test('a handshake that stalls does not hold a drain', async () => {
  const store = await storeThatSays(ok)
  const path = await startPath({ store: store.port, tls, headersTimeout: 60_000 })
  const stalled = connect(path.port, '127.0.0.1').on('error', () => {})
  onTestFinished(() => void stalled.destroy())
  await once(stalled, 'connect')
  const { client } = await open(path.port)
  client.send(get())
  await client.until(whole)
  const closed = once(stalled, 'close')
  await path.listener.drain(60_000)
  await closed
})

test('a client that ends its side during the handshake is disconnected', async () => {
  const path = await startPath({ tls, headersTimeout: 60_000 })
  const client = connect({ port: path.port, host: '127.0.0.1', allowHalfOpen: true }).resume()
  client.on('error', () => {})
  onTestFinished(() => void client.destroy())
  await once(client, 'connect')
  client.end()
  await once(client, 'end')
})
