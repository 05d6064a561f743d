import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'

/** All parts of the demo listen here: other machines cannot connect. */
export const loopback = '127.0.0.1'

export interface LocalPort {
  readonly port: number
  serve(listener: RequestListener): void
  /** Stops at once and closes open connections. */
  close(): Promise<void>
}

/** Opens `wanted` on loopback, or a free port if it is in use or not permitted; 0 means any free port. */
export async function openLocalPort(wanted: number): Promise<LocalPort> {
  const server = createServer()
  const listening = once(server, 'listening')
  server.listen(wanted, loopback)
  try {
    await listening
  } catch (error) {
    if (wanted !== 0 && isUnavailable(error)) return openLocalPort(0)
    throw error
  }
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('A TCP server has no address.')
  return {
    port: address.port,
    serve: (listener) => {
      server.on('request', listener)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

/** `wanted` if it can be opened, or else 0. For a listener that does not try another port itself. */
export async function wantedOrAny(wanted: number): Promise<number> {
  const trial = await openLocalPort(wanted)
  await trial.close()
  return trial.port === wanted ? wanted : 0
}

const isUnavailable = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'EADDRINUSE' || error.code === 'EACCES')
