/** Clients of the scenarios: raw connections that see every byte, and ordinary requests in parallel. */

import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answered, exchange, preflight } from '../../serve/exchange.ts'
import { origin } from './sidecar.ts'
import { object } from './store.ts'

/** How one raw exchange ended. */
export interface RawAnswer {
  readonly text: string
  /** `end`: FIN; `reset`: RST; `open`: neither in time. */
  readonly over: 'end' | 'reset' | 'open'
  /** From the last sent byte to the end. */
  readonly milliseconds: number
}

/** Sends `bytes` on a new connection and reads until the peer closes, for at most `patience` milliseconds. */
export function sendRaw(port: number, bytes: string, patience: number): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    let sentAt = performance.now()
    const done = (over: RawAnswer['over']): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, over, milliseconds: performance.now() - sentAt })
    }
    const timer = setTimeout(() => done('open'), patience)
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(bytes, () => (sentAt = performance.now())))
    socket.on('data', (piece) => (text += piece))
    socket.on('end', () => done('end'))
    socket.on('error', () => done('reset'))
  })
}

/** Opens `count` connections to `port`, a hundred at a time; skips refused ones. */
export async function openConnections(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(100, count - sockets.length) }, () => openConnection(port))
    sockets.push(...(await Promise.all(batch)))
  }
  return sockets
}

function openConnection(port: number): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('error', () => {})
    socket.once('connect', () => resolve(socket)).once('close', () => resolve(socket))
  })
}

/** How ordinary requests fared in parallel. */
export interface Fared {
  readonly sent: number
  /** What was wrong with the failed ones. */
  readonly failures: readonly string[]
  readonly slowestMilliseconds: number
}

export interface Steady {
  stop(): Promise<Fared>
}

/** What is wrong with the response to an ordinary request, or `undefined`. */
export type Judge = (answer: Answered, kind: 'object' | 'preflight') => string | undefined

/** Alternates a GET of an object and a preflight, each on a new connection, every `every` milliseconds. */
export function sendSteadily(data: string, judge: Judge = judgeHealthy, every = 25): Steady {
  const failures: string[] = []
  let sent = 0
  let slowest = 0
  let stopped = false
  const send = async (kind: 'object' | 'preflight'): Promise<void> => {
    const started = performance.now()
    sent++
    const problem = await realRequest(data, kind).then(
      (answer) => judge(answer, kind),
      (error: unknown) => `${kind}: ${error instanceof Error ? error.message : String(error)}`,
    )
    slowest = Math.max(slowest, performance.now() - started)
    if (problem !== undefined) failures.push(problem)
  }
  const over = (async (): Promise<void> => {
    const underWay: Promise<void>[] = []
    for (let turn = 0; !stopped; turn++) {
      underWay.push(send(turn % 2 === 0 ? 'object' : 'preflight'))
      await wait(every)
    }
    await Promise.all(underWay)
  })()
  return {
    async stop() {
      stopped = true
      await over
      return { sent, failures, slowestMilliseconds: slowest }
    },
  }
}

const realRequest = (data: string, kind: 'object' | 'preflight'): Promise<Answered> =>
  exchange(`${data}/bucket/object`, kind === 'object' ? { headers: { Origin: origin } } : preflight(origin))

/** 200, the complete object, and the CORS headers of the rules. */
export function judgeHealthy({ status, headers, body }: Answered, kind: string): string | undefined {
  if (status !== 200) return `${kind}: ${status}`
  if (headers['access-control-allow-origin'] !== origin) return `${kind}: no CORS headers`
  return kind === 'object' && body.toString() !== object ? `${kind}: another body` : undefined
}

/** For example `412 normal requests, 0 failed, slowest 31 ms`. */
export function describeFared({ sent, failures, slowestMilliseconds }: Fared): string {
  const words = failures.length === 0 ? '' : ` (${[...new Set(failures)].slice(0, 5).join('; ')})`
  return `${sent} normal requests, ${failures.length} failed${words}, slowest ${slowestMilliseconds.toFixed(0)} ms`
}
