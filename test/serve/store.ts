import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A store in this process without CORS support; the object's name selects its behaviour. */
export interface TestStore {
  readonly url: string
  readonly port: number
  /** Requests for objects named `held…`, which the test answers. */
  readonly held: (name: string) => Promise<Held>
  close(): Promise<void>
}

export interface Held {
  readonly request: IncomingMessage
  readonly response: ServerResponse
}

export const sha256 = (bytes: Uint8Array | string): string => createHash('sha256').update(bytes).digest('hex')

export async function startStore(port = 0): Promise<TestStore> {
  const waiting = new Map<string, (held: Held) => void>()
  const arrived = new Map<string, Held>()
  const server = createServer((request, response) => {
    const name = (request.url ?? '').split('/').at(-1) ?? ''
    if (name.startsWith('held')) {
      const tell = waiting.get(name)
      if (tell === undefined) arrived.set(name, { request, response })
      else tell({ request, response })
    } else void answer(name, request, response)
  })
  // Longer than the sidecar keeps connections: stale connections are not the subject of these tests.
  server.keepAliveTimeout = 60_000
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${address.port}`,
    port: address.port,
    held: (name) =>
      new Promise((resolve) => {
        const held = arrived.get(name)
        if (held === undefined) waiting.set(name, resolve)
        else resolve(held)
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function answer(name: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  if (name === 'truncated') {
    response.writeHead(200, { 'Content-Length': 1000 })
    response.write('not all of it', () => response.destroy())
    return
  }
  try {
    const body = await buffer(request)
    response.setHeader('ETag', `"${sha256(body)}"`)
    // The store's own CORS headers, which must never reach a client.
    response.setHeader('Access-Control-Allow-Origin', '*')
    response.end(request.method === 'PUT' ? '' : `the object ${name}`)
  } catch {
    response.destroy()
  }
}
