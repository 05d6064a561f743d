import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { createConnect } from '../../src/proxy/connect.ts'
import { createStoreProbe } from '../../src/proxy/probe-store.ts'
import { createStoreHealth } from '../../src/requests/store-health.ts'

let store: Server | undefined
afterEach(() => {
  store?.closeAllConnections()
  store?.close()
})

async function listen(
  status: number | 'silent',
): Promise<{ readonly port: number; readonly asked: string[] }> {
  const asked: string[] = []
  store = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    if (status !== 'silent') response.writeHead(status).end()
  })
  const server = store
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { port, asked }
}

function probing(port: number, timeout = 20_000) {
  const health = createStoreHealth()
  const upstream = { kind: 'tcp', secure: false, host: '127.0.0.1', port } as const
  const connect = async () => createConnect({ upstream, ca: () => undefined, timeout: 1000 })
  const options = { connect, authority: `127.0.0.1:${port}`, health, timeout }
  return { health, probe: createStoreProbe(options), again: createStoreProbe({ ...options, freshFor: -1 }) }
}

test.each([200, 403, 500])('a store that answers with %i is reachable', async (status) => {
  const { port, asked } = await listen(status)
  const { health, probe } = probing(port)
  await Promise.all([probe(), probe()])
  expect(asked).toEqual(['HEAD /'])
  expect(health.current()).toMatchObject({ state: 'answers' })
  await probe()
  expect(asked).toHaveLength(1)
})

test('a store that does not answer and a store that does not listen are unreachable', async () => {
  const { port } = await listen('silent')
  const { health, probe, again } = probing(port, 200)
  await probe()
  expect(health.current()).toMatchObject({ state: 'unreachable', lastError: { type: 'timeout' } })
  store?.closeAllConnections()
  await new Promise((resolve) => store?.close(resolve))
  await again()
  expect(health.current()).toMatchObject({ state: 'unreachable', lastError: { type: 'refused' } })
})

test('CA certificates that cannot be read give a TLS error', async () => {
  const health = createStoreHealth()
  const connect = () => Promise.reject(new Error('no such file'))
  await createStoreProbe({ connect, authority: 'x', health })()
  expect(health.current()).toMatchObject({ state: 'unreachable', lastError: { type: 'tls' } })
})
