import { once } from 'node:events'
import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { type SidecarOptions, startSidecar, type TestSidecar } from './sidecar.ts'
import { secret, sign } from './sign.ts'

let running: TestSidecar | undefined
async function start(options?: SidecarOptions): Promise<TestSidecar> {
  running = await startSidecar({ dialect: 'oss', ...options })
  return running
}
afterEach(async () => {
  expect(running?.failures ?? []).toEqual([])
  await running?.close()
  running = undefined
})

const document =
  '<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>'

/** A connection on which a signed PUT has begun with `lines`; the test sends the body. */
function begin(sidecar: TestSidecar, lines: readonly string[], key = secret) {
  const call = { method: 'PUT', target: '/photos/?cors', host: 'store.test', bucket: 'photos' }
  const signed = Object.entries(sign('oss', call, key)).map(([name, value]) => `${name}: ${value}`)
  const socket = connect(sidecar.port, '127.0.0.1')
  socket.write(['PUT /photos/?cors HTTP/1.1', 'Host: store.test', ...signed, ...lines, '', ''].join('\r\n'))
  let received = ''
  socket.on('data', (chunk: Buffer) => {
    received += chunk.toString()
  })
  return {
    socket,
    /** Resolves with everything received, once it contains `text`. */
    async until(text: string): Promise<string> {
      while (!received.includes(text)) await once(socket, 'data')
      return received
    },
    async end(): Promise<string> {
      if (!socket.closed) await once(socket, 'close')
      return received
    },
  }
}

test('a client that waits for 100 (Continue) is asked for its body', async () => {
  const sidecar = await start()
  const call = begin(sidecar, ['Expect: 100-continue', `Content-Length: ${document.length}`])
  await call.until('HTTP/1.1 100 Continue\r\n\r\n')
  call.socket.write(document)
  expect(await call.until('Content-Length: 0')).toContain('HTTP/1.1 200 OK')
  call.socket.destroy()
})

test.each([
  ['is not verified', 'guess', document.length, '403'],
  ['is too large', secret, 20_000, '400'],
])('the sidecar sends no 100 (Continue) for a body that %s', async (_, key, length, status) => {
  const sidecar = await start()
  const call = begin(sidecar, ['Expect: 100-continue', `Content-Length: ${length}`], key)
  const answer = await call.until('</Error>')
  expect(answer).not.toContain('100 Continue')
  expect(answer).toContain(`HTTP/1.1 ${status}`)
  call.socket.destroy()
})

test('a body that does not arrive in time gets an error and changes nothing', async () => {
  const sidecar = await start({ bodyTimeout: 50 })
  const call = begin(sidecar, ['Content-Length: 100'])
  call.socket.write('<CORS')
  expect(await call.until('</Error>')).toContain('<Code>RequestTimeout</Code>')
  call.socket.destroy()
  expect(await sidecar.list()).toEqual([])
})

test('a client that goes away in the middle of its body changes nothing', async () => {
  const sidecar = await start()
  const call = begin(sidecar, [`Content-Length: ${document.length}`])
  call.socket.write(document.slice(0, -1))
  await new Promise((resolve) => setImmediate(resolve))
  call.socket.destroy()
  await call.end()
  expect((await sidecar.call('GET')).status).toBe(404)
  expect(await sidecar.list()).toEqual([])
  expect(sidecar.audits).toEqual([])
})

test('a refused caller who is still sending a body gets the answer, and the connection closes', async () => {
  const sidecar = await start()
  const call = begin(sidecar, ['Content-Length: 1000000'], 'guess')
  call.socket.write('x'.repeat(100_000))
  const answer = await call.until('</Error>')
  expect(answer).toContain('<Code>SignatureDoesNotMatch</Code>')
  expect(answer).toContain('Connection: close')
  call.socket.destroy()
})

test('a chunked body is joined and its length is limited', async () => {
  const sidecar = await start()
  const call = begin(sidecar, ['Transfer-Encoding: chunked'])
  const middle = 50
  for (const part of [document.slice(0, middle), document.slice(middle)])
    call.socket.write(`${part.length.toString(16)}\r\n${part}\r\n`)
  call.socket.write('0\r\n\r\n')
  expect(await call.until('Content-Length: 0')).toContain('HTTP/1.1 200 OK')
  call.socket.destroy()

  const endless = begin(sidecar, ['Transfer-Encoding: chunked'])
  const chunk = `1000\r\n${' '.repeat(4096)}\r\n`
  endless.socket.write(chunk.repeat(5))
  expect(await endless.until('</Error>')).toContain('<Code>EntityTooLarge</Code>')
  endless.socket.destroy()
})
