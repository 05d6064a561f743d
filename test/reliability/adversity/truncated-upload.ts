/** Figure 10: an aborted upload is never completed at the store, which would store a truncated object. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { Measured } from '../figure.ts'
import { inBatches } from './batches.ts'
import { origin, startSidecar, withRules } from './sidecar.ts'
import { startHttpStore } from './store.ts'

/** How a client begins an upload and how it aborts it. */
interface Truncation {
  readonly name: string
  readonly method?: 'POST'
  /** Header lines that frame the body. */
  readonly framing: string
  readonly body: string
  readonly by: 'FIN' | 'RST' | 'garbage'
  /** Aborts before the request has reached the store, which may never see it. */
  readonly atOnce?: true
}

const length = 'Content-Length: 300000'
const chunked = 'Transfer-Encoding: chunked'
const part = 'x'.repeat(100_000)
const chunk = `${(1000).toString(16)}\r\n${'x'.repeat(1000)}\r\n`

const truncations: readonly Truncation[] = [
  { name: 'no byte of the body', framing: length, body: '', by: 'FIN', atOnce: true },
  { name: 'a third of the body', framing: length, body: part, by: 'FIN' },
  { name: 'all but one byte', framing: 'Content-Length: 100001', body: part, by: 'FIN' },
  { name: 'a reset within the body', framing: length, body: part, by: 'RST' },
  { name: 'a reset at once', framing: length, body: part, by: 'RST', atOnce: true },
  { name: 'the end at once', framing: length, body: part, by: 'FIN', atOnce: true },
  { name: 'between chunks', framing: chunked, body: chunk, by: 'FIN' },
  { name: 'within a chunk', framing: chunked, body: `${chunk}ffff\r\npart`, by: 'FIN' },
  { name: 'before the last CRLF', framing: chunked, body: `${chunk}0\r\n`, by: 'FIN' },
  { name: 'a reset between chunks', framing: chunked, body: chunk, by: 'RST' },
  { name: 'a chunk that is none', framing: chunked, body: chunk, by: 'garbage' },
  { name: 'a POST, a third of the body', method: 'POST', framing: length, body: part, by: 'FIN' },
  {
    name: 'signed chunks, cut',
    framing: `${length}\r\nContent-Encoding: aws-chunked`,
    body: part,
    by: 'RST',
  },
]

/** The fate of the uploads that reached the store, by number. */
interface Reached {
  readonly arrived: Map<number, () => void>
  readonly aborted: Set<number>
  readonly completed: Set<number>
}

/** How long an abort may take to reach the store, in milliseconds. */
const patience = 5_000

export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    const reached: Reached = { arrived: new Map(), aborted: new Set(), completed: new Set() }
    const store = await startHttpStore((request, response) => {
      watch(request, reached)
      request.resume().on('end', () => response.end())
    })
    const sidecar = await startSidecar({ upstream: store.url, rules })
    try {
      const open = await inBatches(count, 20, (index) => upload(sidecar.dataPort, index, reached))
      return judge(
        count,
        reached,
        open.filter((name) => name !== undefined),
        sidecar.isAlive(),
      )
    } finally {
      await sidecar.end()
      await store.close()
    }
  })
}

const numberIn = ({ url = '' }: IncomingMessage): number => Number(url.split('/').at(-1))

function watch(request: IncomingMessage, { arrived, aborted, completed }: Reached): void {
  const index = numberIn(request)
  request.on('error', () => {})
  request.on('close', () => (request.complete ? completed : aborted).add(index))
  arrived.get(index)?.()
}

/** Aborts one upload. Resolves with its name when the store was left waiting for the rest. */
async function upload(port: number, index: number, reached: Reached): Promise<string | undefined> {
  const truncation = truncations[index % truncations.length]
  if (truncation === undefined) return undefined
  const { method = 'PUT', framing, body, by, atOnce = false, name } = truncation
  const arrival = new Promise<void>((resolve) => reached.arrived.set(index, resolve))
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => {}).resume()
  await once(socket, 'connect')
  const lines = `${method} /bucket/${index} HTTP/1.1\r\nHost: store\r\nOrigin: ${origin}\r\n${framing}\r\n\r\n`
  await new Promise((resolve) => socket.write(`${lines}${body}`, resolve))
  if (!atOnce) await Promise.race([arrival, wait(patience)])
  breakOff(socket, by)
  for (let waited = 0; waited < patience; waited += 10) {
    if (reached.aborted.has(index) || reached.completed.has(index)) return undefined
    // An upload that is aborted at once may never be forwarded at all.
    if (atOnce && waited >= 500) return undefined
    await wait(10)
  }
  return name
}

function breakOff(socket: Socket, by: Truncation['by']): void {
  if (by === 'FIN') socket.end()
  else if (by === 'RST') socket.resetAndDestroy()
  else socket.end('zz\r\n')
}

function judge(
  count: number,
  { aborted, completed }: Reached,
  open: readonly string[],
  alive: boolean,
): Measured {
  const atOnce = Array.from({ length: count }, (_, index) => truncations[index % truncations.length]).filter(
    (truncation) => truncation?.atOnce === true,
  ).length
  const never = count - aborted.size - completed.size - open.length
  return {
    measured: `${aborted.size} of ${count} aborted at the store, ${never} never forwarded, ${completed.size} completed, ${open.length} left open, ${truncations.length} ways to abort${
      open.length === 0 ? '' : `; open: ${[...new Set(open)].join(', ')}`
    }${alive ? '' : '; the process died'}`,
    held: alive && completed.size === 0 && open.length === 0 && never <= atOnce && aborted.size > 0,
  }
}
