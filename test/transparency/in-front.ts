import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readSettings } from '../../src/settings/settings.ts'
import { startSidecar } from '../../src/sidecar/sidecar.ts'

/** The origin that the rules allow. */
export const pageOrigin = 'https://example.com'

const rules = `rules:
  - id: page
    allowedOrigins: ["${pageOrigin}"]
    allowedMethods: [GET, HEAD, PUT, POST, DELETE]
    allowedHeaders: ["*"]
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
`

/** Settings as flags, by their camelCase names. */
export type Flags = Readonly<Record<string, string | readonly string[]>>

/** The sidecar in this process, in front of the store on `storePort`, with rules for each of `buckets`. */
export async function startInFront(storePort: number, buckets: readonly string[], flags: Flags = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'in-front-'))
  for (const bucket of buckets) await writeFile(join(folder, `${bucket}.yaml`), rules)
  const read = readSettings({
    flags: {
      upstream: `http://127.0.0.1:${storePort}`,
      rules: folder,
      listen: '127.0.0.1:0',
      admin: '127.0.0.1:0',
      bucketCorsApi: 'off',
      logLevel: 'error',
      ...flags,
    },
    environment: {},
    config: undefined,
  })
  if (read.kind === 'issues') throw new Error(read.issues.join('\n'))
  const sidecar = await startSidecar(read.settings)
  return {
    port: sidecar.dataAddress.port,
    async close(): Promise<void> {
      await sidecar.close()
      await rm(folder, { recursive: true })
    },
  }
}

/** Changes bytes in transit. Text holds one byte per character. */
export type Tamper = (bytes: string) => string

/** A hop in front of the store on `storePort` that applies `tamper` to every chunk of a request. */
export async function startTamperingHop(storePort: number) {
  let tamper: Tamper = (bytes) => bytes
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const store = connect(storePort, '127.0.0.1')
    for (const socket of [client, store]) {
      sockets.add(socket)
      socket.on('error', () => socket.destroy()).on('close', () => sockets.delete(socket))
    }
    client.on('data', (piece) => store.write(tamper(piece.toString('latin1')), 'latin1'))
    client.on('close', () => store.destroy())
    store.pipe(client)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** Takes effect at once. */
    set(next: Tamper): void {
      tamper = next
    },
    async close(): Promise<void> {
      server.close()
      for (const socket of sockets) socket.destroy()
      await once(server, 'close')
    },
  }
}
