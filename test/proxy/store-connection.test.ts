import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo, Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, type TLSSocket } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Upstream } from '../../src/settings/settings.ts'
import { ask, get, headOf, ok, type Path, playStore, startPath, storeThatSays } from './path.ts'

const pem = (file: string): string =>
  readFileSync(fileURLToPath(new URL(`../fixtures/tls/${file}`, import.meta.url)), 'utf8')

const methods = ['GET', 'DELETE']
const requestOf = (method: string, host: string): string => `${method} /b/k HTTP/1.1\r\nHost: ${host}\r\n\r\n`

async function listening(
  server: Server,
  where: { readonly port: number } | { readonly path: string },
): Promise<Server> {
  server.listen('port' in where ? { ...where, host: '127.0.0.1' } : where)
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
  })
  return server
}

interface TlsStore {
  readonly port: number
  /** Server names in the TLS handshakes; `false` for none. */
  readonly names: readonly (string | false)[]
  /** Whether each connection resumed a session. */
  readonly resumed: readonly boolean[]
}

async function tlsStore(certificate: string): Promise<TlsStore> {
  const names: (string | false)[] = []
  const resumed: boolean[] = []
  const server = createTlsServer({ cert: pem(`${certificate}.pem`), key: pem(`${certificate}.key`) })
  server.on('secureConnection', (socket: TLSSocket) => {
    names.push(socket.servername ?? false)
    resumed.push(socket.isSessionReused())
    socket.on('error', () => {})
    socket.on('data', () => socket.write(ok))
    onTestFinished(() => {
      socket.destroy()
    })
  })
  server.on('tlsClientError', () => {})
  await listening(server, { port: 0 })
  return { port: (server.address() as AddressInfo).port, names, resumed }
}

const overTls = (host: string, port: number): Upstream => ({ kind: 'tcp', secure: true, host, port })

describe('TLS to the store', () => {
  test.each([
    ['localhost', 'localhost'],
    ['127.0.0.1', 'address'],
  ])('follows the name of the store, %s, never the Host of a client', async (host, certificate) => {
    const store = await tlsStore(certificate)
    const path = await startPath({ upstream: overTls(host, store.port), upstreamCa: pem('ca.pem') })
    for (const method of methods)
      for (const name of ['bucket.s3.example.com', 'elsewhere.test', 'localhost'])
        expect(headOf(await ask(path.port, requestOf(method, name)))[0]).toBe('HTTP/1.1 200 OK')
    // One connection per HTTP client, for any Host.
    expect(store.names).toEqual(Array(2).fill(host === 'localhost' ? 'localhost' : false))
  })

  test.each([
    ['whose authority is unknown', 'localhost', 'localhost', undefined],
    ['for another name', 'localhost', 'elsewhere', 'ca.pem'],
    ['for another name, though the client asks for that one', '127.0.0.1', 'elsewhere', 'ca.pem'],
  ])('refuses a certificate %s', async (_, host, certificate, authority) => {
    const store = await tlsStore(certificate)
    const path = await startPath({
      upstream: overTls(host, store.port),
      upstreamCa: authority === undefined ? undefined : pem(authority),
    })
    for (const method of methods) await expectFailure(path, requestOf(method, 'elsewhere.test'), 'tls')
  })

  test('fails with a TLS error when the store speaks plain HTTP', async () => {
    const store = await playStore(({ socket }) => {
      socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    })
    const path = await startPath({ upstream: overTls('localhost', store.port) })
    for (const method of methods) await expectFailure(path, requestOf(method, 'h'), 'tls')
  })

  test('uses new CA certificates, and no longer the old ones, from the next connection on', async () => {
    const store = await tlsStore('localhost')
    let ca = pem('elsewhere.pem')
    const path = await startPath({ upstream: overTls('localhost', store.port), upstreamCa: () => ca })
    // Each on a new connection, because HEAD never leaves one for reuse.
    const head = async (): Promise<string | undefined> =>
      headOf(await ask(path.port, requestOf('HEAD', 'h'), (text) => text.includes('\r\n\r\n')))[0]
    expect(await head()).toBe('HTTP/1.1 502 Bad Gateway')
    ca = pem('ca.pem')
    for (let i = 0; i < 3; i++) expect(await head()).toBe('HTTP/1.1 200 OK')
    ca = pem('elsewhere.pem')
    // Not even with an earlier, verified session of the store.
    expect(await head()).toBe('HTTP/1.1 502 Bad Gateway')
    expect(path.outcomes.map(({ error }) => error)).toEqual(['tls', undefined, undefined, undefined, 'tls'])
  })

  test('resumes sessions, so that a connection for each HEAD is cheap', async () => {
    const store = await tlsStore('localhost')
    const path = await startPath({ upstream: overTls('localhost', store.port), upstreamCa: pem('ca.pem') })
    for (let i = 0; i < 3; i++)
      await ask(path.port, requestOf('HEAD', 'h'), (text) => text.includes('\r\n\r\n'))
    expect(store.resumed).toEqual([false, true, true])
  })

  test('is refused at start if the CA file has no certificate', async () => {
    await expect(
      startPath({ upstream: overTls('localhost', 1), upstreamCa: 'no certificate' }),
    ).rejects.toThrow()
  })
})

test('a store can be a Unix socket', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'store-'))
  const file = join(folder, 's')
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const server = createHttpServer((request, response) =>
    response.end(`${request.method} ${request.headers.host}`),
  )
  await listening(server, { path: file })
  onTestFinished(() => server.closeAllConnections())
  const path = await startPath({ upstream: { kind: 'unix', path: file } })
  for (const method of methods)
    expect(await ask(path.port, requestOf(method, 'bucket.test'))).toContain(`\r\n\r\n${method} bucket.test`)
})

describe('a store that cannot be reached', () => {
  const upstreams: readonly (readonly [string, Upstream, string])[] = [
    ['nothing listens', { kind: 'tcp', secure: false, host: '127.0.0.1', port: 1 }, 'refused'],
    ['nothing listens for TLS', overTls('localhost', 1), 'refused'],
    ['there is no such socket', { kind: 'unix', path: '/nonexistent/s' }, 'refused'],
    ['its name is unknown', { kind: 'tcp', secure: false, host: 'store.invalid', port: 80 }, 'dns'],
  ]
  test.each(upstreams)('because %s', async (_, upstream, type) => {
    const path = await startPath({ upstream })
    for (const method of methods) await expectFailure(path, requestOf(method, 'h'), type)
  })

  test('because it never completes the connection', async () => {
    // TLS to a listener that stays silent.
    const store = await playStore(() => {})
    const path = await startPath({ upstream: overTls('localhost', store.port), upstreamTimeout: 200 })
    for (const method of methods) await expectFailure(path, requestOf(method, 'h'), 'timeout')
  })
})

describe('an answer that is not HTTP', () => {
  const long = 'x'.repeat(70_000)
  test.each([
    ['garbage', '\x00\x01garbage\r\n\r\n', 'invalid'],
    ['HTML without a head', '<html>\r\n\r\n', 'invalid'],
    ['status 099', 'HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n', 'invalid'],
    ['status 600', 'HTTP/1.1 600 High\r\nContent-Length: 0\r\n\r\n', 'invalid'],
    ['status 2000', 'HTTP/1.1 2000 Long\r\nContent-Length: 0\r\n\r\n', 'invalid'],
    [
      'a control character in a value',
      'HTTP/1.1 200 OK\r\nX: a\x01b\r\nContent-Length: 0\r\n\r\n',
      'invalid',
    ],
    ['a line without a colon', 'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n', 'invalid'],
    [
      'more than 64 KiB of header lines',
      `HTTP/1.1 200 OK\r\nX: ${long}\r\nContent-Length: 0\r\n\r\n`,
      'invalid',
    ],
    ['a malformed first chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'invalid'],
  ])('%s', async (_, answer, type) => {
    const store = await storeThatSays(answer)
    const path = await startPath({ store: store.port })
    for (const method of methods) {
      const text = await ask(path.port, requestOf(method, 'h'))
      // If the head was sent before the fault was noticed, the connection is broken off.
      if (answer.includes('chunked')) expect(text).not.toContain('0\r\n\r\n')
      else expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
    }
    await path.over(2)
    expect(path.outcomes.map((outcome) => outcome.error)).toEqual([type, type])
    expect(path.failures).toEqual([])
  })

  test('63 KiB of header lines are fine', async () => {
    const store = await storeThatSays(
      `HTTP/1.1 200 OK\r\nX: ${'x'.repeat(63 << 10)}\r\nContent-Length: 0\r\n\r\n`,
    )
    const path = await startPath({ store: store.port })
    for (const method of methods)
      expect(headOf(await ask(path.port, requestOf(method, 'h')))[0]).toBe('HTTP/1.1 200 OK')
  })

  test('two thousand header lines are all passed on', async () => {
    const lines = Array.from({ length: 2_100 }, (_, i) => `X-${i}: 1`)
    const store = await storeThatSays(`HTTP/1.1 200 OK\r\n${lines.join('\r\n')}\r\nContent-Length: 0\r\n\r\n`)
    const path = await startPath({ store: store.port })
    for (const method of methods)
      expect(headOf(await ask(path.port, requestOf(method, 'h')))).toEqual(expect.arrayContaining(lines))
  })

  test.each([
    ['nothing', ''],
    ['half a head', 'HTTP/1.1 200 OK\r\nContent-Le'],
  ])('%s, and then the end of the connection', async (_, answer) => {
    const store = await playStore(({ socket }) => socket.end(answer))
    const path = await startPath({ store: store.port })
    for (const method of methods) await expectFailure(path, requestOf(method, 'h'), 'reset')
  })
})

test('the error response of the dialect is sent with CORS headers, and the connection stays open', async () => {
  const path = await startPath({ store: 1 })
  const text = await ask(path.port, get() + get(), (text) => text.split('refused').length === 3)
  expect(text.match(/Access-Control-Allow-Origin: https:\/\/example\.com/g)).toHaveLength(2)
})

async function expectFailure(path: Path, request: string, type: string): Promise<void> {
  const text = await ask(path.port, request)
  expect(headOf(text)[0]).toBe(
    type === 'timeout' ? 'HTTP/1.1 504 Gateway Timeout' : 'HTTP/1.1 502 Bad Gateway',
  )
  expect(text).toMatch(new RegExp(`\r\n\r\n${type}$`))
  await path.over(1)
  expect(path.outcomes.at(-1)).toMatchObject({ error: type, aborted: false, bytesOut: type.length })
}
