import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createViteServer } from 'vitest/node'
import { blocksOf } from '../guides/blocks.ts'

const guide = readFileSync(join(import.meta.dirname, '..', '..', 'deploy', 'guides', 'vite.md'), 'utf8')
const written = blocksOf(guide).find(({ text }) => text.startsWith('export default')) ?? expect.fail()

test('Vite with the proxy of the Vite guide gives the store the path and Host that the browser sent', async () => {
  const seen: (string | undefined)[] = []
  const store = createServer(({ url, headers }, response) => {
    seen.push(url, headers.host)
    response.end('object')
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void store.close())
  await once(store, 'listening')
  const { port } = store.address() as AddressInfo
  const text = written.text.replace('127.0.0.1:9000', `127.0.0.1:${port}`)
  const { default: config } = await import(`data:text/javascript,${encodeURIComponent(text)}`)
  const vite = await createViteServer({
    ...config,
    configFile: false,
    logLevel: 'silent',
    server: { ...config.server, host: '127.0.0.1', port: 0, ws: false, watch: null },
    optimizeDeps: { noDiscovery: true },
  })
  onTestFinished(() => vite.close())
  await vite.listen()
  const address = vite.resolvedUrls?.local[0] ?? expect.fail()
  expect(await (await fetch(new URL('/photos/cat.jpg?a=1', address))).text()).toBe('object')
  expect(seen).toEqual(['/photos/cat.jpg?a=1', new URL(address).host])
})
