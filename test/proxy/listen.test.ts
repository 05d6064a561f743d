import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { copyFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs'
import { request as startTlsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { connect as connectTls } from 'node:tls'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { sendAnswer } from '../../src/proxy/answer.ts'
import { createListener } from '../../src/proxy/listen.ts'
import {
  ask,
  type Client,
  clientOf,
  get,
  headOf,
  ok,
  openClient,
  plain,
  playStore,
  serveStore,
  startPath,
  storeThatSays,
  whole,
} from './path.ts'

const put = 'PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello'
const count = (text: string, what: string): number => text.split(what).length - 1

describe('bytes that are not HTTP', () => {
  test.each([
    ['no request line', 'nonsense\r\n\r\n', 400],
    ['two lengths', 'POST /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', 400],
    ['a head beyond the limit', get('/b/k', `X: ${'x'.repeat(1_000_000)}\r\n`), 431],
    ['a TLS greeting', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', 400],
  ])('%s gets a response without a body, then the connection closes', async (_, bytes, status) => {
    const path = await startPath({})
    const client = await openClient(path.port)
    client.send(bytes)
    const { text, how } = await client.ended()
    expect(headOf(text)[0]).toMatch(`HTTP/1.1 ${status} `)
    expect(headOf(text).slice(1)).toEqual(['Content-Length: 0', 'Connection: close'])
    expect(how).toBe('end')
  })

  test('a head that is never completed: 408', async () => {
    const path = await startPath({ headersTimeout: 200 })
    const client = await openClient(path.port)
    client.send('GET /b/k HTTP/1.1\r\nHost:')
    expect(headOf((await client.ended()).text)[0]).toBe('HTTP/1.1 408 Request Timeout')
  })

  test('the whole request before them is still answered', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(`${get()}nonsense\r\n\r\n`)
    const { text } = await client.ended()
    expect(text).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(text).toMatch(/\r\n\r\nok$/)
    expect(text).toContain('Connection: close')
  })

  test('during a response they end the connection only after that response', async () => {
    const store = await playStore(({ socket, text }) => {
      if (!text.includes('more')) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get())
    await client.until((text) => text.endsWith('ab'))
    client.send('nonsense\r\n\r\n')
    store.sides[0]?.socket.write('cd')
    expect((await client.ended()).text).toMatch(/\r\n\r\nabcd$/)
  })
})

describe('CONNECT and Upgrade', () => {
  test('CONNECT is refused, and the connection ends', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send('CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\nraw')
    expect(headOf((await client.ended()).text)[0]).toBe('HTTP/1.1 405 Method Not Allowed')
    expect(store.sides).toHaveLength(0)
  })

  test('CONNECT after a running request ends both, and the request to the store', async () => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get())
    await store.until(() => store.text().endsWith('\r\n\r\n'))
    client.send(`${get()}CONNECT evil.test:80 HTTP/1.1\r\nHost: evil.test:80\r\n\r\n`)
    expect((await client.ended()).text).toBe('')
    await path.over(1)
    await store.until(() => store.sides.every((side) => side.socket.closed))
    expect(count(store.text(), 'HTTP/1.1')).toBe(1)
  })

  test.each([
    [
      'h2c',
      'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n',
    ],
    [
      'websocket',
      'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n',
    ],
  ])('Upgrade to %s is served as the request it stands on, and so is the next', async (_, lines) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    const upload = `PUT /b/k HTTP/1.1\r\nHost: h\r\n${lines}Content-Length: 5\r\n\r\nhello`
    for (const [i, request] of [get('/b/k', lines), upload, get('/b/next')].entries()) {
      client.send(request)
      await client.until((text) => count(text, '\r\n\r\nok') === i + 1)
    }
    expect(count(client.text(), '200 OK')).toBe(3)
    expect(store.text()).toContain('hello')
    expect(store.text()).toContain('/b/next')
    expect(store.text()).not.toMatch(/^(upgrade|http2-settings):|connection: *upgrade/im)
  })
})

describe('requests that are sent ahead of their answers', () => {
  test('are served one after the other, in their order', async () => {
    const seen: string[] = []
    const store = await playStore((side) => {
      const line = headOf(side.text)[0] ?? ''
      if (!side.text.endsWith('\r\n\r\n')) return
      side.text = ''
      seen.push(line)
      setTimeout(() => {
        seen.push('answered')
        side.socket.write(ok)
      }, 5)
    })
    const path = await startPath({ store: store.port })
    const text = await ask(
      path.port,
      ['PUT /b/1', 'GET /b/1', 'DELETE /b/1', 'GET /b/2']
        .map((line) => `${line} HTTP/1.1\r\nHost: h\r\n\r\n`)
        .join(''),
      (text) => count(text, '\r\n\r\nok') === 4,
    )
    expect(count(text, '200 OK')).toBe(4)
    expect(seen).toEqual(
      ['PUT /b/1', 'GET /b/1', 'DELETE /b/1', 'GET /b/2'].flatMap((line) => [`${line} HTTP/1.1`, 'answered']),
    )
  })

  test('are not served after one whose answer closes the connection', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(`GET /b/../c HTTP/1.1\r\nHost: h\r\n\r\n${put}`)
    const { text } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(count(text, 'HTTP/1.1 ')).toBe(1)
    expect(store.sides).toHaveLength(0)
  })

  test('are bounded in number', async () => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get().repeat(1_000))
    expect((await client.ended()).text).toBe('')
    expect(count(store.text(), 'HTTP/1.1')).toBeLessThanOrEqual(1)
  })
})

test('a handler that throws fails only its own request', async () => {
  const store = await storeThatSays(ok)
  const path = await startPath({
    store: store.port,
    before: (request) => {
      if (request.url === '/b/bug') throw new Error('a bug')
      return false
    },
  })
  const client = await openClient(path.port)
  client.send(get('/b/bug'))
  expect((await client.ended()).text).toBe('')
  expect(path.failures).toHaveLength(1)
  expect(await ask(path.port, get())).toContain('200 OK')
})

describe('an answer of our own', () => {
  const refusing = (): Promise<{ readonly port: number }> =>
    startPath({
      before: (request, response) => {
        sendAnswer(
          request,
          response,
          plain(request.url === '/b/none' ? 204 : 403, request.url === '/b/none' ? '' : 'nein\u00e4'),
        )
        return true
      },
    })

  test('has its Content-Length in bytes, and keeps the connection', async () => {
    const { port } = await refusing()
    const text = await ask(port, get() + get(), (text) => count(text, 'nein\xc3\xa4') === 2)
    expect(count(text, '\r\nContent-Length: 6\r\n')).toBe(2)
    expect(text).toContain('Connection: keep-alive')
  })

  test('to HEAD has no body, and with 204 no length either', async () => {
    const { port } = await refusing()
    const text = await ask(
      port,
      `HEAD /b/k HTTP/1.1\r\nHost: h\r\n\r\n${get('/b/none')}`,
      (text) => count(text, '\r\n\r\n') === 2,
    )
    expect(text).not.toContain('nein')
    expect(count(text, 'Content-Length')).toBe(1)
  })

  test('to an upload ends the connection, and is read even by a client that sends everything first', async () => {
    const { port } = await refusing()
    const client = await openClient(port)
    client.socket.pause()
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 20000000\r\n\r\n')
    for (let i = 0; i < 20; i++) client.socket.write(Buffer.alloc(1_000_000))
    if (client.socket.writableNeedDrain) await once(client.socket, 'drain')
    client.socket.resume()
    const { text, how } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 403 Forbidden')
    expect(text).toContain('Connection: close')
    expect(how).toBe('end')
  })

  test('never lets a refused body be read as the next request', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const smuggled = get('/b/smuggled')
    const client = await openClient(path.port)
    client.send(
      `POST /b/../c HTTP/1.1\r\nHost: h\r\nContent-Length: ${smuggled.length}\r\n\r\n${smuggled}${get()}`,
    )
    const { text } = await client.ended()
    expect(count(text, 'HTTP/1.1 ')).toBe(1)
    expect(store.sides).toHaveLength(0)
  })

  test('to a client that waits for 100 (Continue) comes at once, without asking for the body', async () => {
    const { port } = await refusing()
    const client = await openClient(port)
    client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n')
    const { text } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 403 Forbidden')
    expect(text).not.toContain('100 Continue')
  })
})

describe('drain', () => {
  test('lets running requests finish, and closes idle and unused connections', async () => {
    const store = await playStore(() => {})
    const path = await startPath({
      store: store.port,
      headersTimeout: 30_000,
      upstreamTimeout: 30_000,
      idleTimeout: 30_000,
    })
    const [idle, unused, busy, begun] = await Promise.all([1, 2, 3, 4].map(() => openClient(path.port)))
    if (!idle || !unused || !busy || !begun) throw new Error('four clients')
    idle.send(get('/b/idle'))
    await store.until(() => store.text().includes('/b/idle'))
    store.sides[0]?.socket.write(ok)
    await idle.until(whole)
    busy.send(get('/b/busy'))
    begun.send(get('/b/begun'))
    await store.until(() => store.text().includes('/b/busy') && store.text().includes('/b/begun'))
    const sideOf = (target: string) => store.sides.find((side) => side.text.includes(target))?.socket
    sideOf('/b/begun')?.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab')
    await begun.until((text) => text.endsWith('ab'))

    const drained = path.listener.drain(10_000)
    expect((await unused.ended()).text).toBe('')
    await idle.ended()
    for (const { socket } of [unused, idle]) socket.end()
    await expect(openClient(path.port)).rejects.toThrow()
    sideOf('/b/busy')?.write(ok)
    sideOf('/b/begun')?.write('cd')
    expect((await busy.ended()).text).toMatch(/Connection: close[\s\S]*\r\n\r\nok$/)
    expect((await begun.ended()).text).toMatch(/\r\n\r\nabcd$/)
    await drained
  })

  test('lets an upload finish', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('hello')) socket.write(ok)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put.slice(0, -3))
    await store.until(() => store.text().endsWith('he'))
    const drained = path.listener.drain(10_000)
    client.send('llo')
    expect((await client.ended()).text).toMatch(/Connection: close[\s\S]*\r\n\r\nok$/)
    await drained
  })

  test('aborts unfinished requests at its deadline', async () => {
    const store = await playStore(() => {})
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(get())
    await store.until(() => store.text().endsWith('\r\n\r\n'))
    await path.listener.drain(50)
    expect((await client.ended()).text).toBe('')
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 0, aborted: true })
    await store.until(() => store.sides.every((side) => side.socket.closed))
  })
})

describe('TLS on the data port', () => {
  const fixture = (file: string): string => fileURLToPath(new URL(`../fixtures/tls/${file}`, import.meta.url))

  const folder = (): string => {
    const made = mkdtempSync(join(tmpdir(), 'certificate-'))
    onTestFinished(() => rmSync(made, { recursive: true }))
    return made
  }

  const secureClient = (port: number): Promise<Client> => {
    const socket = connectTls({
      port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    })
    onTestFinished(() => {
      socket.destroy()
    })
    return clientOf(socket, once(socket, 'secureConnect'))
  }

  const nameAt = async (port: number): Promise<string> => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
    await once(socket, 'secureConnect')
    const name = socket.getPeerCertificate().subject.CN
    socket.destroy()
    return String(name)
  }

  const replace = (at: string, certificate: string, key = certificate): void => {
    copyFileSync(fixture(`${key}.key`), join(at, 'new.key'))
    copyFileSync(fixture(`${certificate}.pem`), join(at, 'new.pem'))
    renameSync(join(at, 'new.key'), join(at, 'tls.key'))
    renameSync(join(at, 'new.pem'), join(at, 'tls.crt'))
  }

  const filesIn = (at: string) => ({ certFile: join(at, 'tls.crt'), keyFile: join(at, 'tls.key') })

  test('serves downloads and uploads', async () => {
    const store = await playStore(({ socket, text }) => {
      if (/\r\n\r\n(hello)?$/.test(text) && !/Content-Length: 5\r\n\r\n$/.test(text)) socket.write(ok)
    })
    const at = folder()
    replace(at, 'localhost')
    const path = await startPath({ store: store.port, tls: filesIn(at) })
    const client = await secureClient(path.port)
    client.send(get() + put)
    await client.until((text) => count(text, '\r\n\r\nok') === 2)
    expect(store.text()).toMatch(/hello$/)
  })

  test('a large object comes and goes whole', async () => {
    const object = randomBytes(24 << 20)
    let uploaded = Buffer.alloc(0)
    const store = await serveStore(async (request, response) => {
      if (request.method === 'PUT') uploaded = await buffer(request)
      response.end(request.method === 'PUT' ? '' : object)
    })
    const at = folder()
    replace(at, 'localhost')
    const path = await startPath({ store, tls: filesIn(at) })
    const where = { port: path.port, path: '/b/k', rejectUnauthorized: false }
    const [download] = await once(startTlsRequest(where).end(), 'response')
    expect(object.equals(await buffer(download))).toBe(true)
    const [answer] = await once(startTlsRequest({ ...where, method: 'PUT' }).end(object), 'response')
    answer.resume()
    expect(object.equals(uploaded)).toBe(true)
  })

  test('a client that speaks plain HTTP is disconnected, and the next is served', async () => {
    const store = await storeThatSays(ok)
    const at = folder()
    replace(at, 'localhost')
    const path = await startPath({ store: store.port, tls: filesIn(at) })
    expect(await ask(path.port, get())).not.toContain('200')
    const client = await secureClient(path.port)
    client.send(get())
    expect(await client.until(whole)).toContain('200 OK')
  })

  test('loads a new pair when its files change, and keeps the old one with a log line if the new one is invalid', async () => {
    const at = folder()
    replace(at, 'localhost')
    const path = await startPath({ tls: filesIn(at) })
    expect(await nameAt(path.port)).toBe('localhost')
    const before = await secureClient(path.port)

    replace(at, 'elsewhere', 'localhost')
    await expect.poll(() => path.refusedCertificates.length, { timeout: 10_000 }).toBe(1)
    expect(await nameAt(path.port)).toBe('localhost')
    expect(path.certificates.served).toHaveLength(1)

    replace(at, 'elsewhere')
    await expect.poll(() => nameAt(path.port), { timeout: 10_000 }).toBe('elsewhere')
    before.send(get())
    expect(await before.until(whole)).toContain('502')
    expect(path.certificates.served).toHaveLength(2)
    expect(path.certificates.expired).toEqual([])
  })

  test('reports a certificate that has expired, once a day', async () => {
    const at = folder()
    replace(at, 'localhost')
    const now = vi.spyOn(Date, 'now').mockReturnValue(Date.UTC(2200, 0, 1))
    onTestFinished(() => now.mockRestore())
    const path = await startPath({ tls: filesIn(at) })
    const [expiry = 0] = path.certificates.served
    expect(new Date(expiry).getUTCFullYear()).toBe(2126)
    expect(path.certificates.expired).toEqual([expiry])
    now.mockReturnValue(Date.UTC(2200, 0, 2))
    await expect.poll(() => path.certificates.expired, { timeout: 10_000 }).toEqual([expiry, expiry])
  })

  test('loads a new pair after a link is swapped, as Kubernetes does it', async () => {
    const at = folder()
    for (const name of ['one', 'two']) {
      mkdirSync(join(at, name))
      replace(join(at, name), name === 'one' ? 'localhost' : 'elsewhere')
    }
    symlinkSync('one', join(at, '..data'))
    const path = await startPath({
      tls: { certFile: join(at, '..data/tls.crt'), keyFile: join(at, '..data/tls.key') },
    })
    expect(await nameAt(path.port)).toBe('localhost')
    unlinkSync(join(at, '..data'))
    symlinkSync('two', join(at, '..data'))
    await expect.poll(() => nameAt(path.port), { timeout: 10_000 }).toBe('elsewhere')
    expect(path.refusedCertificates).toEqual([])
  })

  test('is refused at start when the two files do not belong together', () => {
    const at = folder()
    replace(at, 'localhost', 'elsewhere')
    const tls = filesIn(at)
    const options = { headersTimeout: 1, idleTimeout: 1, maxHeaderSize: 1, tls }
    expect(() => createListener(options, () => {})).toThrow()
  })

  test('a drain closes connections that were never used', async () => {
    const at = folder()
    replace(at, 'localhost')
    const path = await startPath({ tls: filesIn(at) })
    const client = await secureClient(path.port)
    const drained = path.listener.drain(20_000)
    await client.ended()
    await drained
  })
})

test('an address that is taken is an error', async () => {
  const path = await startPath({})
  const listener = createListener(
    { headersTimeout: 1_000, idleTimeout: 1_000, maxHeaderSize: 1_000, tls: undefined },
    () => {},
  )
  await expect(listener.listen('127.0.0.1', path.port)).rejects.toThrow('EADDRINUSE')
})
