/**
 * Searches for the request of up to 16 KB that costs the sidecar most: random shapes, then mutations of the most
 * expensive ones.
 */

import { createServer } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { cpuNanoseconds } from './accounting.ts'
import { bucket, hundredRules, origin, writeRules } from './rule-sets.ts'
import type { Bench } from './section.ts'
import { medianOf, ratiosOf } from './stats.ts'

/** A group of similar header lines. */
interface Lines {
  readonly name: string
  /** The repeated part of the value; `#` stands for a counter. */
  readonly piece: string
  readonly pieces: number
  readonly lines: number
}

interface Shape {
  readonly method: string
  readonly host: string
  readonly path: string
  /** The repeated part of the query. */
  readonly query: string
  readonly times: number
  readonly headers: readonly Lines[]
}

export interface Dearest {
  /** Describes the shape. */
  readonly name: string
  /** To a normal GET, one per round. */
  readonly ratios: readonly number[]
}

const mostBytes = 16_000
const mostLines = 195
/** Requests that are timed together. */
const batch = 40
const candidates = { random: 60, changed: 90 }

const methods = ['GET', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PROPFIND', 'BREW']
const paths = [
  `/${bucket}`,
  `/${bucket}/object`,
  '/',
  '/%70/x',
  '/other',
  `/${bucket}/${'%2e%2e%2f'.repeat(40)}`,
  `/${bucket}/${'%ff'.repeat(5_000)}`,
]
/** In the second the Host names the bucket, which is read in other steps. */
const hostSuffix = 'store.example'
const hosts = ['store', `${bucket}.${hostSuffix}`]
const pieces = [
  '%',
  '%&',
  'a&',
  '&',
  'a=b&',
  '%63ors&',
  'cors&',
  '%2e',
  '%41',
  '%zz',
  '/',
  '/.',
  'x',
  ';',
  '#&',
  '%C3%A7&',
]
const values = [
  'x',
  'x,',
  ',',
  ' ',
  'x-#,',
  '%',
  '"',
  '\\',
  '\xff',
  'a=b; ',
  '*',
  'https://#.example',
  '10.0.0.#, ',
  '\t',
]
const names = [
  ...[
    'Connection',
    'X-Forwarded-For',
    'Access-Control-Request-Headers',
    'Origin',
    'Cookie',
    'Vary',
    'Trailer',
  ],
  ...[
    'Access-Control-Request-Method',
    'Authorization',
    'User-Agent',
    'X-Amz-Meta-#',
    'x#',
    'Range',
    'Expect',
    'TE',
  ],
]

/** Shapes found in reviews and by earlier searches, which must stay cheap as well. */
const known: readonly Shape[] = [
  { method: 'GET', host: 'store', path: `/${bucket}`, query: '%&', times: 7_900, headers: [] },
  {
    method: 'GET',
    host: `${bucket}.${hostSuffix}`,
    path: `/${'%ff'.repeat(5_000)}`,
    query: '',
    times: 0,
    headers: [],
  },
  {
    method: 'GET',
    host: 'store',
    path: `/${bucket}/object`,
    query: '',
    times: 0,
    headers: [
      { name: 'Connection', piece: 'x#,', pieces: 2_600, lines: 1 },
      { name: 'x#', piece: 'y', pieces: 1, lines: 190 },
    ],
  },
  {
    method: 'HEAD',
    host: 'store',
    path: `/${bucket}`,
    query: '%&',
    times: 1_506,
    headers: [
      { name: 'Vary', piece: 'x-#,', pieces: 473, lines: 2 },
      { name: 'x#', piece: ' ', pieces: 48, lines: 182 },
    ],
  },
]

const normal: Shape = {
  method: 'GET',
  host: 'store',
  path: `/${bucket}/object`,
  query: '',
  times: 0,
  headers: [{ name: 'Origin', piece: origin, pieces: 1, lines: 1 }],
}

/** The most expensive request found, next to a normal GET; the median of several rounds. */
export async function dearestRequest(bench: Bench): Promise<Dearest> {
  const { testbed, sidecars, options, progress } = bench
  const store = createServer({ maxHeaderSize: 65_536 }, (request, response) => {
    request.resume().on('end', () => response.end('x'.repeat(1_024)))
  }).listen(0, '127.0.0.1')
  store.maxHeadersCount = 0
  await new Promise((resolve) => store.once('listening', resolve))
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const { port: upstreamPort } = store.address() as AddressInfo
  const sidecar = await sidecars.start({
    upstreamPort,
    rules,
    logLevel: 'info',
    flags: ['--host-suffix', hostSuffix],
  })
  const costOf = async (shape: Shape): Promise<number> => {
    const bytes = Buffer.from(textOf(shape), 'latin1')
    const before = cpuNanoseconds(sidecar.pid)
    await sendAll(sidecar.port, bytes, batch)
    return (cpuNanoseconds(sidecar.pid) - before) / batch
  }
  try {
    for (let i = 0; i < 20; i++) await costOf(normal)
    const found: { readonly shape: Shape; readonly cost: number }[] = []
    const add = async (shape: Shape): Promise<void> => {
      found.push({ shape, cost: await costOf(shape) })
      found.sort((a, b) => b.cost - a.cost)
      progress(`dearest request, ${found.length} of ${known.length + candidates.random + candidates.changed}`)
    }
    for (const shape of known) await add(shape)
    for (let i = 0; i < candidates.random; i++) await add(randomShape())
    for (let i = 0; i < candidates.changed; i++) await add(changed(pick(found.slice(0, 8)).shape))
    // A garbage collection may distort a batch, so the most expensive ones are measured again.
    const finalists: Dearest[] = []
    for (const { shape } of found.slice(0, 6)) {
      const costs: number[] = []
      const normals: number[] = []
      // Compiling the code that only this shape reaches is no part of what a neighbour can make us pay again.
      for (let i = 0; i < 5; i++) await costOf(shape)
      for (let round = 0; round < Math.max(5, options.rounds); round++) {
        normals.push(await costOf(normal))
        costs.push(await costOf(shape))
      }
      finalists.push({ name: describe(shape), ratios: ratiosOf(costs, normals) })
    }
    return finalists.reduce((a, b) => (medianOf(b.ratios) > medianOf(a.ratios) ? b : a))
  } finally {
    await sidecar.end()
    store.closeAllConnections()
    store.close()
  }
}

const below = (limit: number): number => Math.floor(Math.random() * limit)

function pick<Item>(list: readonly Item[]): Item {
  const item = list[below(list.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** Small and large numbers are equally likely. */
const amount = (most: number): number => Math.ceil(most ** Math.random())

const randomLines = (): Lines => {
  const lines = amount(mostLines)
  return { name: pick(names), piece: pick(values), pieces: amount(mostBytes / lines), lines }
}

const randomShape = (): Shape => ({
  method: pick(methods),
  host: pick(hosts),
  path: pick(paths),
  query: pick(pieces),
  times: below(2) === 0 ? 0 : amount(mostBytes),
  headers: Array.from({ length: below(4) }, randomLines),
})

function changed(shape: Shape): Shape {
  const other = randomShape()
  const kept = shape.headers.filter(() => below(4) > 0)
  switch (below(6)) {
    case 0:
      return { ...shape, method: other.method }
    case 1:
      return { ...shape, path: other.path }
    case 2:
      return { ...shape, query: other.query, times: amount(mostBytes) }
    case 3:
      return { ...shape, times: amount(mostBytes), headers: kept }
    case 4:
      return { ...shape, host: other.host }
    default:
      return { ...shape, headers: [...kept, randomLines()] }
  }
}

const numbered = (text: string, number: number): string => text.replaceAll('#', String(number))

/** The request, cut to the limits that apply to every request. */
function textOf({ method, host, path, query, times, headers }: Shape): string {
  let target = path
  for (let i = 0; i < times && target.length < mostBytes; i++)
    target += `${i === 0 ? '?' : ''}${numbered(query, i)}`
  const lines = [`Host: ${host}`]
  let bytes = target.length + 40
  for (const { name, piece, pieces, lines: count } of headers)
    for (let i = 0; i < count && lines.length < mostLines; i++) {
      let value = ''
      for (let j = 0; j < pieces && bytes + value.length < mostBytes; j++) value += numbered(piece, j)
      const line = `${numbered(name, i)}: ${value}`
      if (bytes + line.length > mostBytes) break
      lines.push(line)
      bytes += line.length + 2
    }
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`
}

const describe = ({ method, host, path, query, times, headers }: Shape): string =>
  [
    `${method} ${host} ${path.slice(0, 24)}${times === 0 ? '' : `?, "${query}" ${times} times`}`,
    ...headers.map(
      ({ name, piece, pieces, lines }) => `${lines} × ${name}: ${JSON.stringify(piece)} ${pieces} times`,
    ),
  ].join('; ')

/** Sends `count` requests one after the other, with a new connection whenever the last response closed it. */
async function sendAll(port: number, bytes: Buffer, count: number): Promise<void> {
  const isHead = bytes.toString('latin1', 0, 5) === 'HEAD '
  let socket: Socket | undefined
  for (let i = 0; i < count; i++) {
    if (socket === undefined || socket.destroyed || !socket.writable)
      socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await sendOne(socket, bytes, isHead)
  }
  socket?.destroy()
}

function sendOne(socket: Socket, bytes: Buffer, isHead: boolean): Promise<void> {
  return new Promise((resolve) => {
    let text = ''
    const done = (): void => {
      socket.off('data', read).off('close', done).off('error', closed)
      resolve()
    }
    const closed = (): void => {
      socket.destroy()
    }
    const read = (piece: Buffer): void => {
      text += piece.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      if (end < 0) return
      const length = isHead ? 0 : Number(/\r\ncontent-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (text.length < end + 4 + length) return
      // The server may announce the end and close later.
      if (/\r\nconnection: close/i.test(text.slice(0, end))) socket.destroy()
      done()
    }
    socket.on('data', read).once('close', done).once('error', closed)
    socket.write(bytes)
  })
}
