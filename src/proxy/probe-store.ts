import { Socket } from 'node:net'
import type { UpstreamErrorType } from '../requests/finished-request.ts'
import type { StoreHealthRecord } from '../requests/store-health.ts'
import type { Connect } from './connect.ts'
import { typeOfError } from './failure.ts'
import { request as startRequest } from './node-http.ts'

interface ProbeOptions {
  readonly connect: () => Promise<Connect>
  /** Host and port of the store, for the Host header. */
  readonly authority: string
  readonly health: StoreHealthRecord
  /** Milliseconds for the head of the answer. */
  readonly timeout?: number
  /** A sign of the store that is so many milliseconds old needs no probe. */
  readonly freshFor?: number
  readonly now?: () => number
}

/**
 * A probe for when no client has asked the store lately: one `HEAD /` at a time, and none while requests show how the
 * store is. Any answer counts, because an unsigned request is rightly refused. Never rejects.
 */
export function createStoreProbe(options: ProbeOptions): () => Promise<void> {
  const { health, freshFor = 5_000, now = Date.now } = options
  let running: Promise<void> | undefined
  return async () => {
    if (running === undefined && now() - health.current().seen < freshFor) return
    running ??= options
      .connect()
      .then((connect) => askStore(options, connect))
      // Certificates that cannot be read keep every connection from being trusted.
      .catch((): UpstreamErrorType => 'tls')
      .then(health.probed)
      .finally(() => {
        running = undefined
      })
    await running
  }
}

function askStore(
  { authority, timeout = 3_000 }: ProbeOptions,
  connect: Connect,
): Promise<UpstreamErrorType | undefined> {
  return new Promise((resolve) => {
    const outgoing = startRequest({
      method: 'HEAD',
      path: '/',
      headers: { Host: authority, Connection: 'close' },
      createConnection: (_, done) => {
        // Node takes no missing socket beside an error, and does not look at this one.
        connect((error, socket) => done(socket === null ? error : null, socket ?? new Socket()))
        return undefined
      },
    })
    const timer = setTimeout(() => settle('timeout'), timeout)
    const settle = (error: UpstreamErrorType | undefined): void => {
      clearTimeout(timer)
      resolve(error)
      outgoing.destroy()
    }
    outgoing.on('error', (error) => settle(typeOfError(error, false)))
    outgoing.on('response', () => settle(undefined))
    outgoing.on('upgrade', () => settle(undefined))
    outgoing.end()
  })
}
