/**
 * Figure 9: a response that the store broke off never looks complete to a client, and the client notices at once.
 */

import type { Socket } from 'node:net'
import type { Measured } from '../figure.ts'
import { inBatches, largest } from './batches.ts'
import { type RawAnswer, sendRaw } from './client.ts'
import { origin, startSidecar, withRules } from './sidecar.ts'
import { startRawStore } from './store.ts'

/** How the store begins a response and how it breaks it off. */
interface Truncation {
  readonly name: string
  readonly answer: string
  readonly by: 'FIN' | 'RST'
  /** Default: GET. */
  readonly method?: 'GET' | 'PUT'
  /** Default: HTTP/1.1. An HTTP/1.0 client gets no chunks, so only a reset shows that something is missing. */
  readonly version?: '1.0' | '1.1'
}

const head = (framing: string): string => `HTTP/1.1 200 OK\r\n${framing}\r\n\r\n`
const long = 'x'.repeat(200_000)

const truncations: readonly Truncation[] = [
  { name: 'no byte of a body of known length', answer: head('Content-Length: 1000'), by: 'FIN' },
  { name: 'part of a body of known length', answer: `${head('Content-Length: 1000')}part`, by: 'FIN' },
  { name: 'all but one byte of a large body', answer: `${head('Content-Length: 200001')}${long}`, by: 'FIN' },
  { name: 'reset within a body of known length', answer: `${head('Content-Length: 1000')}part`, by: 'RST' },
  { name: 'within a chunk', answer: `${head('Transfer-Encoding: chunked')}ff\r\npart`, by: 'FIN' },
  { name: 'between chunks', answer: `${head('Transfer-Encoding: chunked')}4\r\npart\r\n`, by: 'FIN' },
  {
    name: 'before the last CRLF',
    answer: `${head('Transfer-Encoding: chunked')}4\r\npart\r\n0\r\n`,
    by: 'FIN',
  },
  { name: 'reset between chunks', answer: `${head('Transfer-Encoding: chunked')}4\r\npart\r\n`, by: 'RST' },
  {
    name: 'a chunk that is none',
    answer: `${head('Transfer-Encoding: chunked')}4\r\npart\r\nzz\r\n`,
    by: 'FIN',
  },
  { name: 'reset where the end would be the end', answer: `${head('X-A: b')}part`, by: 'RST' },
  { name: 'the same, to HTTP/1.0', answer: `${head('X-A: b')}part`, by: 'RST', version: '1.0' },
  {
    name: 'known length, to HTTP/1.0',
    answer: `${head('Content-Length: 1000')}part`,
    by: 'FIN',
    version: '1.0',
  },
  {
    name: 'the answer to an upload',
    answer: `${head('Content-Length: 1000')}part`,
    by: 'FIN',
    method: 'PUT',
  },
  {
    name: 'the chunked answer to an upload',
    answer: `${head('Transfer-Encoding: chunked')}4\r\npart\r\n`,
    by: 'RST',
    method: 'PUT',
  },
]

const mostMilliseconds = 1_000
/** A later end counts as a hang, in milliseconds. */
const patience = 10_000

export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    const brokenAt = new Map<number, number>()
    const store = await startRawStore((socket) => breakOff(socket, brokenAt))
    const sidecar = await startSidecar({ upstream: store.url, rules })
    try {
      const seen = await inBatches(count, 20, async (index) => {
        const truncation = truncationOf(index)
        const answer = await sendRaw(sidecar.dataPort, requestOf(truncation, index), patience)
        const at = performance.now()
        return { truncation, answer, milliseconds: at - (brokenAt.get(index) ?? at) }
      })
      return judge(seen, brokenAt.size, sidecar.isAlive())
    } finally {
      await sidecar.end()
      await store.close()
    }
  })
}

const truncationOf = (index: number): Truncation => {
  const truncation = truncations[index % truncations.length]
  if (truncation === undefined) throw new Error('there are no truncations')
  return truncation
}

function requestOf({ method = 'GET', version = '1.1' }: Truncation, index: number): string {
  const body = method === 'PUT' ? 'Content-Length: 3\r\n\r\nabc' : '\r\n'
  return `${method} /bucket/${index} HTTP/${version}\r\nHost: store\r\nOrigin: ${origin}\r\n${body}`
}

/** Answers one request as the number in its path selects. */
function breakOff(socket: Socket, brokenAt: Map<number, number>): void {
  let text = ''
  socket.setEncoding('latin1').on('data', (piece) => {
    text += piece
    const index = Number(/^[A-Z]+ \/bucket\/([0-9]+) /.exec(text)?.[1])
    if (!text.includes('\r\n\r\n') || (text.startsWith('PUT') && !text.endsWith('abc'))) return
    text = ''
    const { answer, by } = truncationOf(index)
    socket.write(answer, 'latin1', () => {
      // A reset drops unread data. As with a dying store, it comes a moment after the last byte.
      setTimeout(() => {
        brokenAt.set(index, performance.now())
        if (by === 'RST') socket.resetAndDestroy()
        else socket.end()
      }, 5)
    })
  })
}

interface Seen {
  readonly truncation: Truncation
  readonly answer: RawAnswer
  readonly milliseconds: number
}

function judge(seen: readonly Seen[], broken: number, alive: boolean): Measured {
  const whole = seen.filter(({ truncation, answer }) => passesForWhole(truncation, answer))
  const late = seen.filter(
    ({ answer, milliseconds }) => answer.over === 'open' || milliseconds > mostMilliseconds,
  )
  const begun = seen.filter(({ answer }) => / 200 /.test(answer.text.slice(0, 15)))
  const wrong = [...new Set([...whole, ...late].map(({ truncation }) => truncation.name))]
  return {
    measured: `${seen.length - late.length} of ${seen.length} clients saw the end within 1 s (slowest ${largest(
      seen.map(({ milliseconds }) => milliseconds),
    ).toFixed(0)} ms), ${whole.length} took the answer as complete, ${truncations.length} ways to abort${
      wrong.length === 0 ? '' : `; wrong: ${wrong.join(', ')}`
    }${alive ? '' : '; the process died'}`,
    held: alive && broken === seen.length && begun.length > 0 && whole.length === 0 && late.length === 0,
  }
}

/** Whether an HTTP client would take the received bytes for a complete response of the store. */
function passesForWhole({ version }: Truncation, { text, over }: RawAnswer): boolean {
  const at = text.indexOf('\r\n\r\n')
  if (at < 0 || !text.startsWith('HTTP/1.1 200 ')) return false
  const lines = text.slice(0, at)
  const body = text.slice(at + 4)
  const length = /\r\ncontent-length: *([0-9]+)/i.exec(lines)?.[1]
  if (length !== undefined) return body.length >= Number(length)
  if (/\r\ntransfer-encoding: *chunked/i.test(lines)) return body.endsWith('0\r\n\r\n')
  return version === '1.0' && over === 'end'
}
