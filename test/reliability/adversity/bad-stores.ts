/**
 * Stores that are down, silent, broken or flapping: requests never hang, and a partial response never looks
 * complete.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answered, exchange, preflight } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { inBatches, largest } from './batches.ts'
import { judgeHealthy } from './client.ts'
import { timeUntil } from './rules-api.ts'
import { origin, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, object, type Store, startHttpStore, startRawStore } from './store.ts'

interface Options {
  readonly count: number
}

/** Starts a bad store on the port that the store had before. */
type Start = (port: number) => Promise<Pick<Store, 'close'>>

const upstreamTimeout = 1_000
/** The upstream timeout plus the time for 20 concurrent requests, in milliseconds. */
const mostDelay = upstreamTimeout + 1_500
const mostRecovery = 1_000

export const deadStore = ({ count }: Options): Promise<Measured> =>
  endure(count, async () => ({ close: async () => {} }))

/** Accepts connections and never sends anything. */
export const silentStore = ({ count }: Options): Promise<Measured> =>
  endure(count, (port) => startRawStore((socket) => void socket.resume(), port))

export const closingStore = ({ count }: Options): Promise<Measured> =>
  endure(count, (port) => startRawStore((socket) => void socket.end(), port))

export const resettingStore = ({ count }: Options): Promise<Measured> =>
  endure(count, (port) => startRawStore((socket) => void socket.resetAndDestroy(), port))

/** Resets within the header section of its response, or sends bytes that are not HTTP. */
export const rudeStore = ({ count }: Options): Promise<Measured> => {
  const answers = [
    'HTTP/1.1 200 OK\r\nContent-Le',
    'SSH-2.0-OpenSSH_9.9\r\n',
    'HTTP/1.1 200 OK\r\nA\r\n\r\n',
    '\0\0',
  ]
  let served = 0
  const serve = (socket: Socket): void => {
    socket.once('data', () => {
      socket.write(answers[served++ % answers.length] ?? '', () =>
        setTimeout(() => socket.resetAndDestroy(), 5),
      )
    })
  }
  return endure(count, (port) => startRawStore(serve, port))
}

/** Responds slowly, line by line, and pauses within its body. */
export const slowStore = ({ count }: Options): Promise<Measured> =>
  endure(
    count,
    (port) =>
      startHttpStore(async (request, response) => {
        for await (const _ of request) await wait(20)
        await wait(300)
        response.writeHead(200, { 'Content-Length': object.length })
        for (const character of object) {
          response.write(character)
          await wait(30)
        }
        response.end()
      }, port),
    'always',
  )

/** Up for 200 ms, down for 200 ms; all running requests are aborted. */
export const flappingStore = ({ count }: Options): Promise<Measured> => endure(count, flap, 'sometimes')

async function flap(port: number): Promise<Pick<Store, 'close'>> {
  let stopped = false
  const over = (async (): Promise<void> => {
    while (!stopped) {
      const store = await startHttpStore(answerWithObject, port)
      await wait(200)
      await store.close()
      await wait(200)
    }
  })()
  return {
    close() {
      stopped = true
      return over
    },
  }
}

/** Its accept queue is full, so the system answers no SYN. */
export const unansweredStore = ({ count }: Options): Promise<Measured> => endure(count, startUnanswered)

/** A process that listens and then blocks forever, so it accepts no connection. */
const stuck = `const server = require('node:net').createServer().listen({ port: Number(process.argv[1]), host: '127.0.0.1', backlog: 1 }, () => {
  process.send('listening', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

async function startUnanswered(port: number): Promise<Pick<Store, 'close'>> {
  const child = spawn(process.execPath, ['-e', stuck, String(port)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  await once(child, 'message')
  const queued = Array.from({ length: 8 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  await wait(200)
  return {
    async close() {
      for (const socket of queued) socket.destroy()
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

/** Which requests the store answers correctly while it is bad. */
type Serves = 'never' | 'sometimes' | 'always'

type Kind = 'GET' | 'PUT' | 'preflight'
const kinds: readonly Kind[] = ['GET', 'PUT', 'preflight']

/** The outcome of one request. */
interface Seen {
  readonly kind: Kind
  readonly problem: string | undefined
  readonly milliseconds: number
  readonly served: boolean
}

/** Sends `count` requests while the store is bad; then the store recovers. */
function endure(count: number, start: Start, serves: Serves = 'never'): Promise<Measured> {
  return withRules(async (rules) => {
    const healthy = await startHttpStore(answerWithObject)
    const flags = ['--upstream-timeout', `${upstreamTimeout}ms`]
    const sidecar = await startSidecar({ upstream: healthy.url, rules, flags })
    const { data } = sidecar
    let store: Pick<Store, 'close'> = healthy
    try {
      // Leaves a kept-alive connection to the store, which breaks when the store closes.
      await exchange(`${data}/bucket/object`)
      await healthy.close()
      store = await start(healthy.port)
      const seen = await inBatches(count, 20, (index) => attempt(data, kinds[index % 3] ?? 'GET', serves))
      await store.close()
      store = await startHttpStore(answerWithObject, healthy.port)
      const recovery = await timeUntil(
        async () => judgeHealthy(await send(data, 'GET'), 'object') === undefined,
        10_000,
      )
      return judge(seen, serves, recovery, sidecar.isAlive())
    } finally {
      await sidecar.end()
      await store.close().catch(() => {})
    }
  })
}

async function attempt(data: string, kind: Kind, serves: Serves): Promise<Seen> {
  const started = performance.now()
  const answer = await send(data, kind).catch((error: unknown) => String(error))
  const milliseconds = performance.now() - started
  if (typeof answer === 'string') {
    // A flapping store may leave partial responses that are recognisable as such.
    const isToBeExpected = serves === 'sometimes' && kind !== 'preflight'
    return { kind, problem: isToBeExpected ? undefined : answer, milliseconds, served: false }
  }
  return { kind, problem: problemOf(answer, kind, serves), milliseconds, served: answer.status === 200 }
}

function send(data: string, kind: Kind): Promise<Answered> {
  const url = `${data}/bucket/object`
  if (kind === 'preflight') return exchange(url, preflight(origin))
  const body = kind === 'PUT' ? { body: 'x'.repeat(3_000) } : {}
  return exchange(url, { method: kind, headers: { Origin: origin }, ...body })
}

function problemOf({ status, headers, body }: Answered, kind: Kind, serves: Serves): string | undefined {
  if (headers['access-control-allow-origin'] !== origin) return `${kind}: ${status} without CORS headers`
  if (kind === 'preflight') return status === 200 ? undefined : `preflight: ${status}`
  if (serves !== 'always' && (status === 502 || status === 504))
    return body.toString().endsWith('</Error>') ? undefined : `${kind}: incomplete error document`
  return serves !== 'never' && status === 200 && body.toString() === object ? undefined : `${kind}: ${status}`
}

function judge(
  seen: readonly Seen[],
  serves: Serves,
  recovery: number | undefined,
  alive: boolean,
): Measured {
  const problems = seen.map(({ problem }) => problem).filter((problem) => problem !== undefined)
  const slowest = largest(seen.map(({ milliseconds }) => milliseconds))
  const objects = seen.filter(({ kind }) => kind !== 'preflight')
  // A flapping store must have been both up and down during the test.
  const wasUpAndDown = serves !== 'sometimes' || new Set(objects.map(({ served }) => served)).size === 2
  const words = problems.length === 0 ? '' : ` (${[...new Set(problems)].slice(0, 3).join('; ')})`
  return {
    measured: `${seen.length} requests, ${seen.filter(({ served }) => served).length} with 200, ${problems.length} wrong answers${words}, slowest ${slowest.toFixed(0)} ms; served again ${recovery?.toFixed(0) ?? 'not within 10,000'} ms after the store was back${alive ? '' : '; the process died'}`,
    held:
      alive &&
      wasUpAndDown &&
      problems.length === 0 &&
      slowest <= mostDelay &&
      recovery !== undefined &&
      recovery <= mostRecovery,
  }
}
