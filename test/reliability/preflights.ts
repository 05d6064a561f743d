/** Figure 7: CPU cost of the most expensive preflight of 16 KB compared with a normal one, over the wire. */

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { cpuNanoseconds } from '../bench/accounting.ts'
import type { Program } from '../serve/program.ts'
import { type Measured, NotRun } from './figure.ts'
import { whileServing } from './serving.ts'

const mostRatio = 5
const mostMilliseconds = 1
const batchCount = 5

const ordinary = `rules:
  - allowedOrigins: ["*"]
    allowedMethods: [GET]
    allowedHeaders: [range]
  - allowedOrigins: ["https://example.com", "https://*.example.org"]
    allowedMethods: [GET, PUT, POST, DELETE, HEAD]
    allowedHeaders: [content-type, content-md5, authorization, "x-amz-*", "x-cos-*"]
    exposeHeaders: [ETag]
    maxAgeSeconds: 600
`
const large = `rules:\n${Array.from(
  { length: 20 },
  (_, number) => `  - allowedOrigins:
${Array.from({ length: 40 }, (_, index) => `      - "https://a${number}-${index}.example.com"\n`).join('')}    allowedMethods: [PUT]
    allowedHeaders: [content-type, "x-amz-*"]
`,
).join('')}`

const names = (count: number, name: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => name(index)).join(',')

const request = (bucket: string, origin: string, asked: readonly string[]): string =>
  [
    `OPTIONS /${bucket}/key HTTP/1.1`,
    'Host: store.test',
    `Origin: ${origin}`,
    'Access-Control-Request-Method: PUT',
    ...asked.map((value) => `Access-Control-Request-Headers: ${value}`),
    '\r\n',
  ].join('\r\n')

const normal = request('ordinary', 'https://example.com', ['authorization,x-amz-date,content-type'])

/** Candidates for high cost: much to read, look up, compare, answer or refuse. */
const attacks: readonly (readonly [string, string])[] = [
  ['the last of 800 origins', request('large', 'https://a19-39.example.com', ['content-type'])],
  ['none of 800 origins', request('large', 'https://a19-40.example.com', ['content-type'])],
  ['128 names by wildcard', request('ordinary', 'https://example.com', [names(128, (i) => `x-cos-${i}`)])],
  [
    'the last of 128 long names is not allowed',
    request('ordinary', 'https://a.example.org', [`${names(127, (i) => `x-cos-${'y'.repeat(50)}${i}`)},z`]),
  ],
  ['15 KB of commas', request('ordinary', 'https://example.com', [','.repeat(15_000)])],
  ['15 KB of blanks', request('ordinary', 'https://example.com', [`a,${' '.repeat(15_000)}b`])],
  ['15 KB as one name', request('ordinary', 'https://example.com', ['x'.repeat(15_000)])],
  ['15 KB of names', request('ordinary', 'https://example.com', [names(1_300, (i) => `x-cos-${i}`)])],
  [
    '190 empty lines of requested names',
    request(
      'ordinary',
      'https://example.com',
      Array.from({ length: 190 }, () => ''),
    ),
  ],
  ['an Origin of 15 KB', request('ordinary', `https://${'a'.repeat(15_000)}`, [])],
  ['an Origin of 155 labels', request('ordinary', `https://${'a.'.repeat(155)}!`, [])],
  ['a bucket of 15 KB', request('b'.repeat(15_000), 'https://example.com', [])],
]

interface Cost {
  readonly name: string
  /** Microseconds of CPU. */
  readonly each: number
  /** Bytes of the request. */
  readonly sent: number
  /** Bytes of the response's header section. */
  readonly answered: number
}

export async function measurePreflights(rounds: number): Promise<Measured> {
  if (process.platform !== 'linux') throw new NotRun('there is no /proc to read CPU time from')
  return whileServing(
    { files: { 'ordinary.yaml': ordinary, 'large.yaml': large }, observe: () => {} },
    async ({ program }) => {
      const kinds = [['normal', normal] as const, ...attacks]
      const inBatch = async (): Promise<Cost[]> => {
        const costs: Cost[] = []
        for (const [name, text] of kinds) costs.push(await costOf(name, text, program, rounds))
        return costs
      }
      // Warms up the compiler.
      await inBatch()
      const batches: Cost[][] = []
      while (batches.length < batchCount) batches.push(await inBatch())
      // The minimum, because noise can only make a batch slower.
      const [usual, ...costs] = kinds.flatMap((_, kind) =>
        cheapest(batches.flatMap((batch) => batch[kind] ?? [])),
      )
      if (usual === undefined) throw new Error('nothing was measured')
      const worst = costs.reduce((a, b) => (b.each > a.each ? b : a))
      // Allowed names are echoed; all other headers come from the rules.
      const excess = ({ answered, sent }: Cost): number => answered - sent - 2 * usual.answered
      const largest = costs.reduce((a, b) => (excess(b) > excess(a) ? b : a))
      const ratio = worst.each / usual.each
      return {
        measured: `normal ${usual.each.toFixed(0)} µs of CPU, worst of ${costs.length} kinds ${worst.each.toFixed(0)} µs, ${ratio.toFixed(1)} times (${worst.name}); the cheapest of ${batchCount} batches of ${rounds} each; largest header section of an answer ${Math.max(...costs.map(({ answered }) => answered))} bytes, ${usual.answered} normally`,
        held: ratio <= mostRatio && worst.each / 1000 <= mostMilliseconds && excess(largest) <= 0,
      }
    },
  )
}

const cheapest = (costs: readonly Cost[]): Cost[] =>
  costs.length === 0 ? [] : [costs.reduce((a, b) => (b.each < a.each ? b : a))]

async function costOf(
  name: string,
  text: string,
  { data, pid }: Pick<Program, 'data' | 'pid'>,
  rounds: number,
): Promise<Cost> {
  const before = cpuNanoseconds(pid)
  let answered = 0
  let socket: Socket | undefined
  for (let round = 0; round < rounds; round++) {
    if (socket === undefined || socket.destroyed || socket.readableEnded) socket = await opened(data)
    socket.write(text)
    answered = (await answerOn(socket)).indexOf('\r\n\r\n') + 4
  }
  socket?.destroy()
  return { name, each: (cpuNanoseconds(pid) - before) / 1_000 / rounds, sent: text.length, answered }
}

async function opened(data: string): Promise<Socket> {
  const socket = connect(Number(new URL(data).port), '127.0.0.1')
  await once(socket, 'connect')
  return socket.setNoDelay()
}

/** One complete response. Rejects when the connection ends within it. */
function answerOn(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const take = (bytes: Buffer): void => {
      text += bytes.toString('latin1')
      const end = text.indexOf('\r\n\r\n')
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end))?.[1] ?? 0)
      if (end < 0 || text.length < end + 4 + length) return
      socket.off('data', take).off('close', lost)
      if (/\r\nconnection: *close/i.test(text)) socket.destroy()
      resolve(text)
    }
    const lost = (): void => reject(new Error(`the connection ended after ${text.length} bytes`))
    socket.on('data', take).once('close', lost)
  })
}
