import { request as startRequest } from 'node:http'
import { Socket } from 'node:net'
import type { RequestFacts } from '../http.ts'
import type { Connect } from '../proxy/connect.ts'

/** What is asked about: the bucket at `path`, under the Host that the caller named it with. */
interface BucketQuestion {
  readonly facts: RequestFacts
  readonly path: string
}

/** Whether the store says that it has no such bucket. */
export type MissesBucket = (question: BucketQuestion) => Promise<boolean>

/**
 * Asks the store once, by a HEAD that nobody has signed. Only 404 says that the bucket is not there: a store that lets
 * nobody in unsigned answers 403, and one that cannot be reached says nothing.
 */
export const createMissesBucket =
  (connect: Connect, timeout: number): MissesBucket =>
  ({ facts, path }) =>
    new Promise((resolve) => {
      const outgoing = startRequest({
        method: 'HEAD',
        path,
        headers: [...(facts.host === undefined ? [] : ['Host', facts.host]), 'Connection', 'close'],
        setDefaultHeaders: false,
        createConnection: (_, done) => {
          // Beside an error a socket is asked for, and not looked at.
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
