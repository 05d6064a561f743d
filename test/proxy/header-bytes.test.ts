import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ask, headOf, openClient, playStore, startPath, whole } from './path.ts'

/** Every byte that a field value may contain (RFC 9110 section 5.5), twice, so that neighbours differ too. */
const fieldBytes = Array.from({ length: 0x100 - 0x20 }, (_, index) => String.fromCharCode(0x20 + index))
  .filter((character) => character !== '\x7f')
  .join('')
const everyByte = `<${fieldBytes}${[...fieldBytes].reverse().join('')}>`

/** Names with special handling in Node, undici or the sidecar, and some without. */
const names = [
  'X-Amz-Meta-A',
  'x-cos-meta-a',
  'Content-Disposition',
  'content-disposition',
  'Content-Type',
  'Content-Encoding',
  'Content-MD5',
  'Cache-Control',
  'Authorization',
  'Cookie',
  'Set-Cookie',
  'Date',
  'Etag',
  'If-Match',
  'Link',
  'Location',
  'Origin-Agent',
  'Range',
  'Referer',
  'User-Agent',
  'X-Amz-Copy-Source',
  'X-Forwarded-For',
  'A',
]

const framings = {
  none: { lines: '', body: '' },
  'of a length': { lines: 'Content-Length: 5\r\n', body: 'hello' },
  chunked: { lines: 'Transfer-Encoding: chunked\r\n', body: '5\r\nhello\r\n0\r\n\r\n' },
}

const rows = ['PUT', 'POST', 'DELETE', 'PATCH', 'PROPFIND', 'GET', 'HEAD', 'OPTIONS'].flatMap((method) =>
  Object.entries(framings).flatMap(([kind, framing]) =>
    [false, true].map((expects) => ({ method, kind, framing, expects })),
  ),
)

/** A store that asks for a body that is held back, and answers complete requests. */
const askingStore = (answer = 'HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n') =>
  playStore((side) => {
    const { socket, text } = side
    const isHead = text.endsWith('\r\n\r\n') && !text.endsWith('0\r\n\r\n')
    if (isHead && /\r\nexpect:/i.test(text)) socket.write('HTTP/1.1 100 Continue\r\n\r\n')
    else if (!isHead || !/\r\n(content-length: 5|transfer-encoding)/i.test(text))
      socket.write(answer, 'latin1')
  })

/** The lines of `text` whose names are in `names`, in order. */
function linesIn(text: string, among: readonly string[]): string[] {
  const wanted = new Set(among.map((name) => name.toLowerCase()))
  return headOf(text).filter((line) => wanted.has(line.split(':', 1)[0]?.toLowerCase() ?? ''))
}

/** Sends a request with `values` in `under`. Returns the lines that reached the store. */
async function arrived(
  path: { readonly port: number },
  store: { text(): string },
  row: (typeof rows)[number],
  lines: readonly string[],
  under: readonly string[],
): Promise<string[]> {
  const { method, framing, expects } = row
  const from = store.text().length
  const client = await openClient(path.port)
  const expectation = expects ? 'Expect: 100-continue\r\n' : ''
  client.send(
    `${method} /b/k HTTP/1.1\r\nHost: h\r\n${expectation}${framing.lines}${lines.map((line) => `${line}\r\n`).join('')}Connection: close\r\n\r\n`,
  )
  if (expects && framing.body !== '') await client.until((text) => text.includes('100 Continue\r\n\r\n'))
  client.send(framing.body)
  expect(headOf((await client.ended()).text.replace('HTTP/1.1 100 Continue\r\n\r\n', ''))[0]).toBe(
    'HTTP/1.1 200 OK',
  )
  return linesIn(store.text().slice(from), under)
}

describe('every byte of every header line reaches the store as it was sent', () => {
  test.each(rows)('$method, body $kind, Expect $expects', async (row) => {
    const store = await askingStore()
    const path = await startPath({ store: store.port })
    const lines = names.map((name) => `${name}: ${everyByte}`)
    expect(await arrived(path, store, row, lines, names)).toEqual(lines)
  })

  test('for any values', async () => {
    const store = await askingStore()
    const path = await startPath({ store: store.port })
    const inner = fc.string({ unit: fc.constantFrom(...fieldBytes), maxLength: 200 })
    const line = fc.tuple(fc.constantFrom(...names), inner).map(([name, text]) => `${name}: <${text}>`)
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...rows), fc.array(line, { maxLength: 8 }), async (row, lines) => {
        expect(await arrived(path, store, row, lines, names)).toEqual(lines)
      }),
      { numRuns: 60 },
    )
  })

  test('except 0x7F, which is refused because no field value may contain it', async () => {
    const store = await askingStore()
    const path = await startPath({ store: store.port })
    const text = await ask(
      path.port,
      'PUT /b/k HTTP/1.1\r\nHost: h\r\nX-A: a\x7fb\r\nContent-Length: 0\r\n\r\n',
    )
    expect(headOf(text)[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(store.text()).toBe('')
  })
})

describe('every byte of every header line of an answer reaches the client as it was sent', () => {
  const answerNames = names.filter((name) => name !== 'Date')
  const lines = answerNames.map((name) => `${name}: ${everyByte}`)
  const bodies = {
    'of a length, together with the head': ['Content-Length: 5', 'hello'],
    'of a length of 0': ['Content-Length: 0', ''],
    'in chunks, together with the head': ['Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  }
  for (const [what, [framing = '', body = '']] of Object.entries(bodies))
    for (const method of ['GET', 'DELETE'])
      test.each([false, true])(`${method}, ${what}, later than the head: %s`, async (pauses) => {
        const head = `HTTP/1.1 200 OK\r\n${framing}\r\n${lines.join('\r\n')}\r\n\r\n`
        let toPause = pauses
        const store = await playStore(({ socket }) => {
          socket.write(toPause ? head : head + body, 'latin1')
        })
        const path = await startPath({ store: store.port })
        const client = await openClient(path.port)
        client.send(`${method} /b/k HTTP/1.1\r\nHost: h\r\n\r\n`)
        if (pauses) {
          await client.until((text) => text.includes('\r\n\r\n'))
          toPause = false
          store.sides[0]?.socket.write(body, 'latin1')
        }
        expect(linesIn(await client.until(whole), answerNames)).toEqual(lines)
      })
})
