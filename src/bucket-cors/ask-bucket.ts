import { Socket } from 'node:net'
import type { RequestFacts } from '../http.ts'
import type { Connect } from '../proxy/connect.ts'
import { request as startRequest } from '../proxy/node-http.ts'

/** The bucket at `path`, with the Host that the caller used. */
interface BucketQuestion {
  readonly facts: RequestFacts
  readonly path: string
}

/** Whether the store says that it has no such bucket. */
export type IsBucketMissing = (question: BucketQuestion) => Promise<boolean>

/**
 * Sends one unsigned HEAD to the store. Only 404 means that the bucket is missing: a store that rejects unsigned
 * requests answers 403, and an unreachable store proves nothing.
 */
export const createIsBucketMissing =
  (connect: Connect, timeout: number): IsBucketMissing =>
  ({ facts, path }) =>
    new Promise((resolve) => {
      const outgoing = startRequest({
        method: 'HEAD',
        path,
        headers: [...(facts.host === undefined ? [] : ['Host', facts.host]), 'Connection', 'close'],
        setDefaultHeaders: false,
        createConnection: (_, done) => {
          // The type requires a socket even with an error; Node ignores it then.
          connect((error, socket) => done(socket === null ? error : null, socket ?? new Socket()))
          return undefined
        },
      })
      const timer = setTimeout(() => outgoing.destroy(), timeout)
      const settle = (isMissing: boolean): void => {
        clearTimeout(timer)
        resolve(isMissing)
        outgoing.destroy()
      }
      outgoing.on('response', ({ statusCode }) => settle(statusCode === 404))
      outgoing.on('error', () => settle(false))
      outgoing.on('close', () => settle(false))
      outgoing.on('upgrade', (_, socket) => socket.destroy())
      outgoing.end()
    })
