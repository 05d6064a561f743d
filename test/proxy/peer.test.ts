import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { ask, get, ok, startPath, storeThatSays } from './path.ts'

const resets = 20

/** Connects, sends and resets, repeatedly, while this process cannot accept any of the connections. */
function sendAndReset(port: number, request: string): void {
  const script = `const { connect } = require('node:net')
    let left = ${resets}
    const next = () => {
      if (left-- === 0) return
      const socket = connect(${port}, '127.0.0.1', () => {
        socket.write(${JSON.stringify(request)}, () => socket.resetAndDestroy())
      })
      socket.on('error', () => {}).on('close', next)
    }
    next()`
  const { status, stderr } = spawnSync(process.execPath, ['-e', script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
}

const forged = 'X-Forwarded-For: 10.9.9.9\r\n'

for (const forwardedFor of ['replace', 'append', 'off'] as const)
  test.each([
    ['DELETE', `DELETE /b/reset HTTP/1.1\r\nHost: x\r\n${forged}\r\n`],
    ['PUT', `PUT /b/reset HTTP/1.1\r\nHost: x\r\n${forged}Content-Length: 3\r\n\r\nabc`],
    ['GET', get('/b/reset', forged)],
  ])(`%s on a connection that is reset before it is accepted never reaches the store, with ${forwardedFor}`, async (_, request) => {
    const store = await storeThatSays(ok)
    const path = await startPath({ store: store.port, forwardedFor })
    sendAndReset(path.port, request)
    // Accepted after all of them.
    expect(await ask(path.port, get('/b/last', forged))).toContain(' 200 ')
    expect(store.text()).toContain('/b/last')
    expect(store.text()).not.toContain('/b/reset')
    const [line] = store.text().match(/^X-Forwarded-For: .*$/gm) ?? []
    const lines = { replace: '127.0.0.1', append: '10.9.9.9, 127.0.0.1', off: '10.9.9.9' }
    expect(line).toBe(`X-Forwarded-For: ${lines[forwardedFor]}`)
    expect(path.failures).toEqual([])
  })
