/** A store that parses requests as strictly as possible, and records what reached it. */

import { ok, playStore } from './path.ts'

export interface Recorded {
  readonly method: string
  readonly target: string
  /** Names in lower case. */
  readonly headers: readonly (readonly [string, string])[]
}

/** What a row wants from the store instead of a plain 200: raw bytes, then nothing, an end or a reset. */
export type Behaviour = string | { readonly raw: string; readonly then?: string } | undefined

export interface RecordingStore {
  readonly port: number
  /** Complete requests. */
  readonly requests: readonly Recorded[]
  /** Requests of which only the head has arrived. */
  readonly heads: readonly Recorded[]
  /** Why bytes could not be parsed as a request. */
  readonly garbage: readonly string[]
  /** Clears the records and sets the behaviour. */
  readonly play: (behaviour: Behaviour) => void
}

type Reading =
  | { readonly kind: 'more'; readonly head: Recorded | undefined }
  | { readonly kind: 'whole'; readonly request: Recorded; readonly length: number }
  | { readonly kind: 'garbage'; readonly why: string }

export async function recordRequests(first: Behaviour): Promise<RecordingStore> {
  let behaviour = first
  const requests: Recorded[] = []
  const heads: Recorded[] = []
  const garbage: string[] = []
  const answered = new Set<object>()
  const store = await playStore((side) => {
    const answer = (target: string): void => {
      if (behaviour === undefined || target.includes('canary')) {
        side.socket.write(ok)
        return
      }
      const { raw, then } = typeof behaviour === 'string' ? { raw: behaviour } : behaviour
      const finish = (): void => {
        if (then === 'reset') side.socket.resetAndDestroy()
        else if (then === 'close') side.socket.end()
      }
      if (raw === '') finish()
      else side.socket.write(raw, 'latin1', () => setTimeout(finish, 30))
    }
    for (;;) {
      const reading = read(side.text)
      if (reading.kind === 'garbage') {
        garbage.push(reading.why)
        side.socket.destroy()
        return
      }
      if (reading.kind === 'more') {
        if (reading.head === undefined || answered.has(side)) return
        heads.push(reading.head)
        answered.add(side)
        if (behaviour !== undefined) answer(reading.head.target)
        return
      }
      side.text = side.text.slice(reading.length)
      requests.push(reading.request)
      if (!(answered.delete(side) && behaviour !== undefined)) answer(reading.request.target)
    }
  })
  return {
    port: store.port,
    requests,
    heads,
    garbage,
    play(next) {
      behaviour = next
      for (const recorded of [requests, heads, garbage]) recorded.length = 0
    },
  }
}

function read(text: string): Reading {
  if (text === '') return { kind: 'more', head: undefined }
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return { kind: 'more', head: undefined }
  const [first = '', ...lines] = text.slice(0, end).split('\r\n')
  const start = /^([!#$%&'*+.^_`|~\w-]+) ([^\x00-\x20\x7f]+) HTTP\/1\.[01]$/.exec(first)
  if (start === null) return { kind: 'garbage', why: `request line ${first.slice(0, 80)}` }
  const headers: [string, string][] = []
  for (const line of lines) {
    const parts = /^([!#$%&'*+.^_`|~\w-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(line)
    if (parts === null) return { kind: 'garbage', why: `header line ${line.slice(0, 80)}` }
    headers.push([(parts[1] ?? '').toLowerCase(), parts[2] ?? ''])
  }
  const request: Recorded = { method: start[1] ?? '', target: start[2] ?? '', headers }
  const body = readBody(text, end + 4, headers)
  if (body === 'more') return { kind: 'more', head: request }
  return typeof body === 'number'
    ? { kind: 'whole', request, length: body }
    : { kind: 'garbage', why: body.why }
}

/** Finds the end of the body. */
function readBody(
  text: string,
  from: number,
  headers: readonly (readonly [string, string])[],
): number | 'more' | { readonly why: string } {
  const codings = headers.filter(([name]) => name === 'transfer-encoding')
  const lengths = headers.filter(([name]) => name === 'content-length')
  if (codings.length + lengths.length > 1) return { why: 'framed more than once' }
  if (codings[0] !== undefined) {
    if (codings[0][1] !== 'chunked') return { why: `coding ${codings[0][1]}` }
    return readChunks(text, from)
  }
  const length = lengths[0]?.[1]
  if (length === undefined) return from
  if (!/^\d+$/.test(length)) return { why: `length ${length}` }
  return text.length < from + Number(length) ? 'more' : from + Number(length)
}

function readChunks(text: string, from: number): number | 'more' | { readonly why: string } {
  for (let at = from; ; ) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return 'more'
    const size = /^[0-9a-f]{1,8}$/i.exec(text.slice(at, end))
    if (size === null) return { why: `chunk size ${text.slice(at, end).slice(0, 40)}` }
    const bytes = Number.parseInt(size[0], 16)
    const next = end + 2 + bytes
    if (bytes === 0) return readTrailers(text, next)
    if (text.length < next + 2) return 'more'
    if (text.slice(next, next + 2) !== '\r\n') return { why: 'chunk end' }
    at = next + 2
  }
}

function readTrailers(text: string, from: number): number | 'more' | { readonly why: string } {
  for (let at = from; ; ) {
    const end = text.indexOf('\r\n', at)
    if (end < 0) return 'more'
    const line = text.slice(at, end)
    if (line === '') return end + 2
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+:[\t\x20-\x7e\x80-\xff]*$/.test(line))
      return { why: `trailer ${line.slice(0, 40)}` }
    at = end + 2
  }
}
