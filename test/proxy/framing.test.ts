import { describe, expect, test } from 'vitest'
import { ask, get, headOf, ok, startPath, storeThatSays } from './path.ts'

/** The framing of a message: its framing lines and what follows the head. */
const framingOf = (text: string): { readonly lines: readonly string[]; readonly body: string } => ({
  lines: headOf(text).filter((line) => /^(content-length|transfer-encoding)/i.test(line)),
  body: text.slice(text.indexOf('\r\n\r\n') + 4),
})

const smuggled = 'GET /b/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

describe('the framing of a request is rebuilt', () => {
  const methods = ['GET', 'HEAD', 'DELETE', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'PROPFIND', 'MKCOL']

  test.each(methods)('%s without a body is forwarded without one', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`, (text) => text.includes('\r\n\r\n'))
    expect(framingOf(store.text())).toEqual({ lines: [], body: '' })
  })

  test.each(methods)('%s with Content-Length: 0 keeps it', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(path.port, `${method} /b/k HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n`, (text) =>
      text.includes('\r\n\r\n'),
    )
    expect(framingOf(store.text())).toEqual({ lines: ['Content-Length: 0'], body: '' })
  })

  test.each(methods)('%s with a length is forwarded with one length and the body', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(
      path.port,
      `${method} /b/k HTTP/1.1\r\nHost: h\r\ncontent-length: 00${smuggled.length}\r\n\r\n${smuggled}`,
      (text) => text.includes('\r\n\r\n'),
    )
    await store.until(() => store.text().includes(smuggled))
    expect(framingOf(store.text())).toEqual({
      lines: [`content-length: ${smuggled.length}`],
      body: smuggled,
    })
  })

  test.each(methods)('%s with chunks is forwarded in chunks', async (method) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    const size = smuggled.length.toString(16)
    await ask(
      path.port,
      `${method} /b/k HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n${size};x=y\r\n${smuggled}\r\n0\r\nX-Last: 1\r\n\r\n`,
      (text) => text.includes('\r\n\r\n'),
    )
    await store.until(() => store.text().endsWith('X-Last: 1\r\n\r\n'))
    expect(framingOf(store.text())).toEqual({
      lines: ['Transfer-Encoding: chunked'],
      body: `${size}\r\n${smuggled}\r\n0\r\nX-Last: 1\r\n\r\n`,
    })
  })

  test('a body that looks like a request is never read as one', async () => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port })
    await ask(
      path.port,
      `DELETE /b/k HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
    )
    await ask(path.port, get('/b/after'))
    await store.until(() => store.text().includes('/b/after'))
    const targets = store.sides.flatMap((side) => side.text.match(/^[A-Z]+ \S+ HTTP\/1\.1\r$/gm) ?? [])
    expect(targets.filter((line) => !line.includes('smuggled'))).toHaveLength(2)
  })
})

describe('the framing of a response', () => {
  test.each([
    ['another coding', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['chunks twice', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunks and a length', 'Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['a length that is no number', 'Content-Length: 5x\r\n\r\nhello'],
  ])('with %s is not trusted', async (_, rest) => {
    const store = await storeThatSays(`HTTP/1.1 200 OK\r\n${rest}`)
    const path = await startPath({ store: store.port })
    for (const method of ['GET', 'DELETE'])
      expect(headOf(await ask(path.port, get().replace('GET', method)))[0]).toBe('HTTP/1.1 502 Bad Gateway')
    await path.over(2)
    expect(path.outcomes.map((outcome) => outcome.error)).toEqual(['invalid', 'invalid'])
  })

  test('bytes after a whole response are not passed on, and the connection is not used again', async () => {
    const store = await storeThatSays(`${ok}HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nbad`)
    const path = await startPath({ store: store.port })
    const text = await ask(path.port, get() + get(), (text) => text.split('\r\n\r\nok').length === 3)
    expect(text).not.toContain('bad')
    expect(store.sides).toHaveLength(2)
  })
})
