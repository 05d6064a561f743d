import { describe, expect, test } from 'vitest'
import { headOf, openClient, playStore, startPath } from './path.ts'

const put = (lines = ''): string =>
  `PUT /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 5\r\n${lines}\r\n`
const stored = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
const asked = 'HTTP/1.1 100 Continue\r\n\r\n'

describe('Expect: 100-continue', () => {
  test('goes to the store, and its 100 comes back before a byte of the body is sent', async () => {
    let before = ''
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('\r\n\r\n')) {
        before = text
        socket.write(asked)
      } else if (text.endsWith('hello')) socket.write(stored)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put())
    await client.until((text) => text === asked)
    client.send('hello')
    expect(await client.until((text) => text.endsWith('ok'))).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/,
    )
    expect(before).toContain('\r\nExpect: 100-continue\r\n')
    expect(client.text()).toContain('Connection: keep-alive')
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 200, bytesIn: 5, bytesOut: 2, error: undefined })
  })

  test('the sidecar sends 100 Continue itself if the store sends nothing for a second', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('hello')) socket.write(stored)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put())
    await client.until((text) => text === asked)
    client.send('hello')
    await client.until((text) => text.endsWith('ok'))
    expect(client.text().match(/100 Continue/g)).toHaveLength(1)
  })

  test('a final status instead of the 100 reaches the client, no body is read, and both connections end', async () => {
    const store = await playStore(({ socket }) => {
      socket.write('HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno')
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put())
    const { text } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 403 Forbidden')
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(text).toMatch(/\r\n\r\nno$/)
    expect(text).not.toContain('100 Continue')
    await store.until(() => store.sides.every((side) => side.socket.closed))
    expect(store.text()).not.toContain('hello')
  })

  test('a client that never sends its body is disconnected, and the upload is not completed at the store', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('\r\n\r\n')) socket.write(asked)
    })
    const path = await startPath({ store: store.port, idleTimeout: 1_000 })
    const client = await openClient(path.port)
    client.send(put())
    expect((await client.ended()).text).toBe(asked)
    await store.until(() => store.sides.every((side) => side.socket.closed))
    expect(store.text()).toMatch(/\r\n\r\n$/)
    await path.over(1)
    expect(path.outcomes[0]).toMatchObject({ status: 0, aborted: true })
  })

  test('of a GET without a body is not forwarded, because there is nothing to wait for', async () => {
    const store = await playStore(({ socket }) => socket.write(stored))
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send('GET /b/k HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n')
    await client.until((text) => text.endsWith('ok'))
    expect(store.text()).not.toMatch(/expect/i)
    expect(client.text()).not.toContain('100 Continue')
  })

  test('of an HTTP/1.0 client is not forwarded, and its body is sent at once', async () => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('hello')) socket.write(stored)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(`${put().replace('HTTP/1.1', 'HTTP/1.0')}hello`)
    await client.until((text) => text.endsWith('ok'))
    expect(store.text()).not.toMatch(/expect/i)
    expect(client.text()).not.toContain('100 Continue')
  })

  test('an expectation other than 100-continue is refused with 417', async () => {
    const store = await playStore(({ socket }) => socket.write(stored))
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put().replace('100-continue', '200-ok'))
    expect(headOf((await client.ended()).text)[0]).toBe('HTTP/1.1 417 Expectation Failed')
    expect(store.sides).toHaveLength(0)
  })

  test('a store that cannot be reached is reported without asking for the body', async () => {
    const path = await startPath({ store: 1 })
    const client = await openClient(path.port)
    client.send(put())
    const { text } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
    expect(text).toContain('\r\nConnection: close\r\n')
    expect(text).not.toContain('100 Continue')
  })

  test('the next request on the connection is served as the next one', async () => {
    const store = await playStore((side) => {
      const { socket, text } = side
      if (text.endsWith('\r\n\r\n')) socket.write(text.includes('PUT') ? asked : stored)
      else if (text.endsWith('hello')) {
        side.text = ''
        socket.write(stored)
      }
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put())
    await client.until((text) => text === asked)
    client.send('helloGET /b/second HTTP/1.1\r\nHost: h\r\n\r\n')
    await client.until((text) => text.split('\r\n\r\nok').length === 3)
    await path.over(2)
    expect(path.outcomes.map((outcome) => outcome.status)).toEqual([200, 200])
  })
})

test('an informational response other than 100 and 101 is not forwarded', async () => {
  const early = 'HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n'
  const store = await playStore(({ socket }) => socket.write(early + stored))
  const path = await startPath({ store: store.port })
  for (const method of ['GET', 'DELETE']) {
    const client = await openClient(path.port)
    client.send(`${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`)
    expect(await client.until((text) => text.endsWith('ok'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  }
})

test.each(['GET', 'DELETE', 'PUT'])('101 in answer to %s opens no tunnel and gives 502', async (method) => {
  const store = await playStore(({ socket }) =>
    socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nraw'),
  )
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(
    `${method} /b/k HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: x\r\nContent-Length: 0\r\n\r\n`,
  )
  expect(headOf(await client.until((text) => text.endsWith('invalid')))[0]).toBe('HTTP/1.1 502 Bad Gateway')
  await store.until(() => store.sides.every((side) => side.socket.closed))
  expect(store.text()).not.toMatch(/^upgrade/im)
})

describe('an Expect that is written otherwise', () => {
  test.each([
    '',
    ' ,',
  ])('"%s" counts as absent: the upload is forwarded at once, without Expect', async (value) => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('hello')) socket.write(stored)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(`${put().replace('100-continue', value)}hello`)
    await client.until((text) => text.endsWith('ok'))
    expect(store.text()).not.toMatch(/expect/i)
    expect(client.text()).not.toContain('100 Continue')
  })

  test.each([
    ['twice on a line', '100-continue, 100-continue'],
    ['on two lines', '100-continue\r\nExpect: 100-Continue'],
  ])('%s counts as one 100-continue', async (_, value) => {
    const store = await playStore(({ socket, text }) => {
      if (text.endsWith('\r\n\r\n')) socket.write(asked)
      else if (text.endsWith('hello')) socket.write(stored)
    })
    const path = await startPath({ store: store.port })
    const client = await openClient(path.port)
    client.send(put().replace('100-continue', value))
    await client.until((text) => text === asked)
    client.send('hello')
    await client.until((text) => text.endsWith('ok'))
    expect(store.text().match(/^Expect: 100-continue\r$/gim)).toHaveLength(1)
  })

  test('an empty Expect does not abort an upload that the sidecar answers itself', async () => {
    const path = await startPath({ store: 1 })
    const client = await openClient(path.port)
    client.send(put().replace('100-continue', '').replace('Length: 5', 'Length: 3000000'))
    client.socket.write(Buffer.alloc(3_000_000))
    const { text, how } = await client.ended()
    expect(headOf(text)[0]).toBe('HTTP/1.1 502 Bad Gateway')
    expect(how).toBe('end')
  })
})
