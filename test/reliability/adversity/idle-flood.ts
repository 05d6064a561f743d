/** Connections that do nothing, or nothing that ends. */

import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { openConnections } from './client.ts'
import { flood } from './flood.ts'
import { startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

interface Options {
  readonly count: number
}

/** Connections on which nothing is ever sent. */
export const silentConnections = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      flags: ['--headers-timeout', '5s'],
      begin: (socket) => void socket.resume(),
      mostKilobytes: 32,
      cutWithin: 5_000,
    },
    count,
  )

/** Connections that stay open after one request each. */
export const keptConnections = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      begin(socket) {
        socket.resume()
        socket.write('GET /bucket/object HTTP/1.1\r\nHost: store\r\n\r\n')
      },
      mostKilobytes: 80,
    },
    count,
  )

const longRequest = `GET /bucket/never HTTP/1.1\r\nHost: store\r\nX-A: ${'y'.repeat(15_000)}\r\n\r\n`

/** Many large pipelined requests behind a response that never comes: 4 MB per connection if they were kept. */
export const pipelinedRequests = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      flags: ['--upstream-timeout', '10s'],
      begin(socket) {
        socket.resume()
        socket.write(longRequest.repeat(250))
      },
      mostKilobytes: 256,
    },
    count,
  )

/** File descriptor limit of the process; the flood is larger. */
const openFiles = 256

/**
 * More silent connections than there are file descriptors, again and again. Health checks and ordinary requests
 * continue, on an established connection and on new ones.
 */
export function moreThanFiles({ count }: Options): Promise<Measured> {
  return withRules(async (rules) => {
    const store = await startHttpStore(answerWithObject)
    const sidecar = await startSidecar({ upstream: store.url, rules, openFiles })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const sockets: Socket[] = []
    const refill = async (): Promise<void> => {
      sockets.push(...(await openConnections(sidecar.dataPort, Math.max(count, 2 * openFiles))))
    }
    try {
      const asked = [
        { name: 'health checks', url: `${sidecar.admin}/healthz`, agent: false },
        { name: 'requests on an open connection', url: `${sidecar.data}/bucket/object`, agent },
        { name: 'new requests', url: `${sidecar.data}/bucket/object`, agent: false },
      ] as const
      const failures = [0, 0, 0]
      await exchange(asked[1].url, { agent })
      for (let turn = 0; turn < turns; turn++) {
        if (turn % 10 === 0) await refill()
        for (const [index, { url, agent }] of asked.entries())
          if (!(await isServed(url, agent))) failures[index] = (failures[index] ?? 0) + 1
        // Longer than a connection to the store is kept.
        await wait(turn === 5 ? 4_500 : 20)
      }
      const counted = asked.map(({ name }, index) => `${failures[index]} of ${turns} ${name}`)
      return {
        measured: `${sockets.length} connections, ${openFiles} files: failed were ${counted.join(', ')}${sidecar.isAlive() ? '' : '; the process died'}`,
        held: failures.every((failed) => failed === 0) && sidecar.isAlive(),
      }
    } finally {
      agent.destroy()
      for (const socket of sockets) socket.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}

const turns = 30

const isServed = (url: string, agent: Agent | false): Promise<boolean> =>
  exchange(url, { agent }).then(
    ({ status }) => status === 200,
    () => false,
  )
