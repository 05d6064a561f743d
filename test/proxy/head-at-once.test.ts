import { expect, test } from 'vitest'
import { headOf, openClient, playStore, startPath } from './path.ts'

test.each(
  ['GET', 'POST', 'DELETE', 'PUT'].flatMap((method) =>
    ['Content-Length: 4', 'Transfer-Encoding: chunked', 'Content-Type: text/event-stream'].map((line) => ({
      method,
      line,
    })),
  ),
)('the head of an answer to $method with $line does not wait for its body', async ({ method, line }) => {
  const store = await playStore(({ socket }) => socket.write(`HTTP/1.1 200 OK\r\n${line}\r\n\r\n`))
  const path = await startPath({ store: store.port })
  const client = await openClient(path.port)
  client.send(`${method} /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`)
  const head = await client.until((text) => text.includes('\r\n\r\n'))
  expect(headOf(head)[0]).toBe('HTTP/1.1 200 OK')
  expect(headOf(head)).toContain(line)
  expect(head).toMatch(/\r\n\r\n$/)
})

test('head and body of an answer that arrived together are sent together', async () => {
  const store = await playStore(({ socket }) =>
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  )
  const path = await startPath({ store: store.port })
  for (const method of ['GET', 'DELETE']) {
    const client = await openClient(path.port)
    const pieces: string[] = []
    client.socket.on('data', (bytes) => pieces.push(bytes.toString('latin1')))
    client.send(`${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`)
    await client.until((text) => text.endsWith('ok'))
    expect(pieces).toHaveLength(1)
  }
})
