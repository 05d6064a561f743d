/** Deliberately slow clients: slow headers, uploads, reads, TLS handshakes. */

import { request as startTlsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { Measured } from '../figure.ts'
import { openConnections } from './client.ts'
import { flood } from './flood.ts'
import { startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

interface Options {
  readonly count: number
}

const ignoreAnswers = (socket: Socket): void => void socket.resume()
const start = 'GET /bucket/object HTTP/1.1\r\nHost: store\r\nX-A: '

/** Headers that arrive at one byte per second. */
export const slowHeaders = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      flags: ['--headers-timeout', '5s'],
      begin(socket) {
        ignoreAnswers(socket)
        socket.write(`${start}${'y'.repeat(8_000)}`)
      },
      goOn: (socket) => void socket.write('y'),
      mostKilobytes: 64,
      cutWithin: 5_000,
    },
    count,
  )

/** Uploads that arrive at one byte per second: legitimate, so never cut off. */
export const slowUploads = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      flags: ['--idle-timeout', '4s'],
      begin(socket) {
        ignoreAnswers(socket)
        socket.write('PUT /bucket/object HTTP/1.1\r\nHost: store\r\nContent-Length: 100000\r\n\r\nx')
      },
      goOn: (socket) => void socket.write('x'),
      mostKilobytes: 96,
      mustStay: true,
    },
    count,
  )

/** Large objects that are requested and not read. */
export const stoppedReaders = ({ count }: Options): Promise<Measured> =>
  flood(
    {
      flags: ['--idle-timeout', '5s'],
      begin(socket) {
        socket.pause()
        socket.write('GET /bucket/large HTTP/1.1\r\nHost: store\r\n\r\n')
      },
      // A client that never reads notices the end only when it writes.
      goOn: (socket) => void socket.write('\r\n'),
      mostKilobytes: 384,
      // The idle timeout starts once the kernel has nothing left to deliver, and checking its queues takes time.
      // Freed memory lets the kernel deliver more to the remaining clients, which restarts their timeout.
      cutWithin: 17_000,
    },
    count,
  )

const fixture = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/tls/${name}`, import.meta.url))
const tlsFlags = ['--tls-cert', fixture('localhost.pem'), '--tls-key', fixture('localhost.key')]

/** TLS connections that never complete their handshake: cut off by the headers timeout. */
export function unfinishedHandshakes({ count }: Options): Promise<Measured> {
  return withRules(async (rules) => {
    const store = await startHttpStore(answerWithObject)
    const flags = ['--headers-timeout', '5s', ...tlsFlags]
    const sidecar = await startSidecar({ upstream: store.url, rules, flags })
    const sockets = await openConnections(sidecar.dataPort, count)
    try {
      const { cutAfter, statuses } = await stall(sidecar.dataPort, sockets)
      const failed = statuses.filter((status) => status !== 200).length
      return {
        measured: `${count} stalled handshakes, all disconnected after ${(cutAfter / 1000).toFixed(1)} s, ${statuses.length} normal requests over TLS, ${failed} failed`,
        held: cutAfter <= 8_000 && failed === 0 && statuses.length > 0 && sidecar.isAlive(),
      }
    } finally {
      for (const socket of sockets) socket.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}

/** Sends nothing on half of the connections and the start of a ClientHello on the others, until all are cut off. */
async function stall(
  port: number,
  sockets: readonly Socket[],
): Promise<{ readonly cutAfter: number; readonly statuses: readonly number[] }> {
  const started = performance.now()
  for (const [index, socket] of sockets.entries()) {
    socket.resume()
    if (index % 2 === 0) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]))
  }
  const statuses: number[] = []
  while (sockets.some(({ destroyed }) => !destroyed) && performance.now() - started < 10_000) {
    statuses.push(await exchangeTls(port))
    await wait(50)
  }
  return { cutAfter: performance.now() - started, statuses }
}

/** The status of an ordinary request over TLS; 0 when there was none. */
function exchangeTls(port: number): Promise<number> {
  return new Promise((resolve) => {
    const options = { port, path: '/bucket/object', agent: false, rejectUnauthorized: false } as const
    const request = startTlsRequest({ host: '127.0.0.1', ...options }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
    request.on('error', () => resolve(0)).end()
  })
}
