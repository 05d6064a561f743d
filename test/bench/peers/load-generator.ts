/**
 * An open-loop load. Requests are due at a constant rate, whether or not earlier ones were answered, and their
 * latency counts from when they were due, so that no waiting time is hidden (coordinated omission): `node
 * load-generator.ts '{"port":8080,"connections":500,"seconds":5,"rate":4000}'`. Of ten requests one is a preflight,
 * eight are GETs and one is a PUT of 1 KB.
 * Not autocannon: it gives each connection its share of the rate once a second, which is a burst, and corrects
 * latencies afterwards by adding invented ones. wrk has no constant rate.
 */
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { objectBytes, objectPath } from '../answers.ts'
import type { LoadOrder, LoadOutcome } from '../load-order.ts'
import { bucket, origin, preflightHeaders } from '../rule-sets.ts'
import { percentile } from '../stats.ts'

/** How long to wait for all connections to be established, in milliseconds. */
const mostOpening = 15_000
/** How long to wait for missing responses after the load, in milliseconds. */
const mostDrain = 30_000

const { port, connections, seconds, rate }: LoadOrder = JSON.parse(process.argv[2] ?? '{}')

const text = (method: string, path: string, headers: Readonly<Record<string, string>>, body = ''): Buffer => {
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, Origin: origin, ...headers })
  return Buffer.from(
    `${method} ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n${body}`,
  )
}
const preflight = text('OPTIONS', objectPath, preflightHeaders)
const get = text('GET', objectPath, {})
const put = text(
  'PUT',
  `/${bucket}/upload`,
  { 'Content-Length': String(objectBytes) },
  'x'.repeat(objectBytes),
)
const mix = [preflight, ...Array.from({ length: 8 }, () => get), put]

interface Connection {
  readonly socket: Socket
  /** When the running request was due; `undefined`: the connection is free. */
  due: number | undefined
  /** The part of an incomplete response that has arrived. */
  arrived: Buffer | undefined
}

const latencies: number[] = []
const refused: Record<string, number> = {}
let [due, answered, failed] = [0, 0, 0]
/** `performance.now()` when the last request is due. */
let end = 0
let hasBegun = false
let isOver = false
/** Due times of requests that found no free connection; the first `taken` have been sent. */
const waiting: number[] = []
let taken = 0
let sent = 0
const free: Connection[] = []

const began = performance.now()
await Promise.all(Array.from({ length: connections }, open))
const started = performance.now()
end = started + seconds * 1000
hasBegun = true
if (rate === undefined) await asFastAsAnswered()
else await atConstantRate(rate)
isOver = true
const ended = performance.now()
const isDone = (): boolean => latencies.length + failed === due
while (!isDone() && performance.now() - ended < mostDrain) await wait(5)
failed = due - latencies.length
const sorted = Float64Array.from(latencies).sort()
const outcome: LoadOutcome = {
  due,
  answered,
  refused,
  failed,
  seconds,
  drainMilliseconds: performance.now() - ended,
  p50: percentile(sorted, 0.5),
  p90: percentile(sorted, 0.9),
  p99: percentile(sorted, 0.99),
  most: percentile(sorted, 1),
}
console.log(JSON.stringify(outcome))
process.exit()

async function asFastAsAnswered(): Promise<void> {
  for (const connection of free.splice(0)) send(connection, dueNow())
  await wait(end - performance.now())
}

/** Sends due requests every millisecond, so latencies may be up to that much too high. */
async function atConstantRate(perSecond: number): Promise<void> {
  const total = Math.round(perSecond * seconds)
  while (due < total) {
    const soonest = (performance.now() - started) * (perSecond / 1000)
    for (; due < Math.min(total, soonest); due++) {
      waiting.push(started + (due * 1000) / perSecond)
      dispatch()
    }
    await wait(1)
  }
}

function dueNow(): number {
  due++
  return performance.now()
}

function dispatch(): void {
  while (taken < waiting.length && free.length > 0) {
    const connection = free.pop()
    const next = waiting[taken++]
    if (connection !== undefined && next !== undefined) send(connection, next)
  }
}

function send(connection: Connection, next: number): void {
  connection.due = next
  connection.socket.write(mix[sent++ % mix.length] ?? get)
}

function open(): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1').setNoDelay()
    const connection: Connection = { socket, due: undefined, arrived: undefined }
    socket.on('data', (bytes: Buffer) => read(connection, bytes))
    socket.on('error', () => {})
    socket.on('connect', () => {
      release(connection)
      resolve()
    })
    socket.on('close', () => {
      const index = free.indexOf(connection)
      if (index >= 0) free.splice(index, 1)
      if (connection.due !== undefined) failed++
      if (!hasBegun && performance.now() - began > mostOpening)
        throw new Error(`port ${port} takes no ${connections} connections`)
      if (!isOver) void wait(10).then(open).then(resolve)
    })
  })
}

function release(connection: Connection): void {
  connection.due = undefined
  if (rate === undefined && hasBegun && performance.now() < end) send(connection, dueNow())
  else {
    free.push(connection)
    dispatch()
  }
}

function read(connection: Connection, bytes: Buffer): void {
  const arrived = connection.arrived === undefined ? bytes : Buffer.concat([connection.arrived, bytes])
  const head = arrived.indexOf('\r\n\r\n')
  if (head < 0) {
    connection.arrived = arrived
    return
  }
  const lines = arrived.toString('latin1', 0, head + 2)
  const status = lines.slice(9, 12)
  const length = status === '204' ? '0' : /\r\ncontent-length: ([0-9]+)\r\n/i.exec(lines)?.[1]
  if (length === undefined) throw new Error(`an answer without a length:\n${lines}`)
  if (arrived.length < head + 4 + Number(length)) {
    connection.arrived = arrived
    return
  }
  connection.arrived = undefined
  if (connection.due === undefined) return
  latencies.push(performance.now() - connection.due)
  if (status === '200' || status === '201' || status === '204') answered++
  else refused[status] = (refused[status] ?? 0) + 1
  if (/\r\nconnection: close\r\n/i.test(lines)) {
    connection.due = undefined
    connection.socket.destroy()
  } else release(connection)
}
