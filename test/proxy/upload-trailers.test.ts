import { expect, test } from 'vitest'
import { headOf, ok, openClient, playStore, startPath } from './path.ts'

const upload = (trailers: string, lines = 'Trailer: x-amz-checksum-crc32\r\n', method = 'PUT'): string =>
  `${method} /b/k HTTP/1.1\r\nHost: h\r\n${lines}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n${trailers}\r\n`

const storeOfUploads = () =>
  playStore(({ socket, text }) => {
    if (/\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(text)) socket.write(ok)
    else if (/expect/i.test(text) && text.endsWith('\r\n\r\n')) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
  })

test.each([
  ['one that is announced', 'x-amz-checksum-crc32: sQqNsg==\r\n', 'Trailer: x-amz-checksum-crc32\r\n'],
  ['some, in their order and case', 'X-B: 2\r\nx-a: 1\r\nX-B: 3\r\n', 'trailer: X-B, x-a\r\n'],
  ['one that is not announced', 'x-amz-checksum-sha256: YQ==\r\n', ''],
  ['every byte of one', 'x-name: caf\xe9 \xe6\x97\xa5\r\n', ''],
])('trailers of an upload reach the store: %s', async (_, trailers, lines) => {
  for (const method of ['PUT', 'POST', 'DELETE', 'GET'])
    for (const expectation of ['', 'Expect: 100-continue\r\n']) {
      const store = await storeOfUploads()
      const path = await startPath({ store: store.port })
      const client = await openClient(path.port)
      client.send(upload(trailers, lines + expectation, method))
      expect(await client.until((text) => text.endsWith('ok'))).toContain('HTTP/1.1 200 OK')
      expect(store.text()).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n/)
      expect(store.text().slice(store.text().indexOf('hello'))).toBe(`hello\r\n0\r\n${trailers}\r\n`)
      const announced = headOf(store.text()).filter((line) => /^trailer:/i.test(line))
      expect(announced).toEqual(lines === '' ? [] : [lines.trimEnd()])
    }
})

test.each([
  'Authorization: AWS a:b',
  'Content-Type: text/html',
  'Host: other',
  'Connection: close',
  'Origin: https://evil.example',
  'X-Forwarded-For: 6.6.6.6',
  'x-forwarded-proto: https',
  'Forwarded: for=6.6.6.6',
])('a trailer that the store could take for a header is refused, and the upload is not completed: %s', async (trailer) => {
  const store = await storeOfUploads()
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(upload(`x-amz-checksum-crc32: sQqNsg==\r\n${trailer}\r\n`))
  const text = await client.until((text) => text.endsWith('trailers'))
  expect(headOf(text)[0]).toBe('HTTP/1.1 400 Bad Request')
  expect(headOf(text)).toContain('Access-Control-Allow-Origin: https://example.com')
  expect(text).toMatch(/\r\n\r\ntrailers$/)
  // A half-closed connection is over when the client has closed it too.
  client.socket.destroy()
  await path.over(1)
  // A connection over which nothing was sent is kept for the next request.
  await store.until(() => store.sides.every(({ text, socket }) => text === '' || socket.closed))
  expect(store.text()).not.toMatch(/0\r\n/)
  expect(store.text()).not.toContain(trailer)
  expect(path.outcomes[0]).toMatchObject({ status: 400, error: undefined, aborted: false })
})

test('Trailer in a request without chunks is not forwarded', async () => {
  const store = await playStore(({ socket, text }) => {
    if (text.endsWith('hello')) socket.write(ok)
  })
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send('PUT /b/k HTTP/1.1\r\nHost: h\r\nTrailer: x-a\r\nContent-Length: 5\r\n\r\nhello')
  await client.until((text) => text.endsWith('ok'))
  expect(store.text()).not.toMatch(/trailer/i)
})

test('Trailer that Connection names is not forwarded, but the trailers are', async () => {
  const store = await storeOfUploads()
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(upload('x-a: 1\r\n', 'Connection: trailer\r\nTrailer: x-a\r\n'))
  await client.until((text) => text.endsWith('ok'))
  expect(store.text()).not.toMatch(/\r\ntrailer:/i)
  expect(store.text()).toMatch(/0\r\nx-a: 1\r\n\r\n$/)
})
