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
  /** Milliseconds until the head of the response must have arrived; default: 3 s. */
  readonly timeout?: number
  /** No probe is sent when a request or probe showed the store's state less than this many milliseconds ago; default: 5 s. */
  readonly freshFor?: number
  readonly now?: () => number
}

/**
 * Probes the store with `HEAD /`, one at a time, and only when neither a request nor a probe has shown its state lately.
 * Any response counts, because a store rightly refuses an unsigned request. The returned function never rejects.
 */
export function createStoreProbe(options: ProbeOptions): () => Promise<void> {
  const { health, freshFor = 5_000, now = Date.now } = options
  let running: Promise<void> | undefined
  return async () => {
    if (running === undefined && now() - health.current().seen < freshFor) return
    running ??= options
      .connect()
      .then((connect) => askStore(options, connect))
      // The CA file is unreadable or holds no certificate, so no connection could be verified.
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
        // The callback's type requires a socket even with an error. Node does not use it then.
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
