/** Figure 15: client input adds no metric series, and no log line that is too long or not JSON. */

import { Agent } from 'node:http'
import { exchange } from '../serve/exchange.ts'
import type { Program } from '../serve/program.ts'
import type { Measured } from './figure.ts'
import { whileServing } from './serving.ts'

const bucketCount = 20
const rulesPerBucket = 2
const mostSeries = 400 + (12 + rulesPerBucket) * bucketCount
const mostLineBytes = 8_192

const rules = `rules:
  - allowedOrigins: ["https://example.com"]
    allowedMethods: [GET]
  - allowedOrigins: ["https://*.example"]
    allowedMethods: [PUT]
    allowedHeaders: ["x-*"]
`

interface LogFindings {
  lines: number
  longest: number
  invalid: number
}

export async function measureBounds(requests: number): Promise<Measured> {
  const log: LogFindings = { lines: 0, longest: 0, invalid: 0 }
  const buckets = Array.from({ length: bucketCount }, (_, index) => `bucket-${index}`)
  const known = new Set([...buckets, '_other'])
  const options = {
    files: Object.fromEntries(buckets.map((bucket) => [`${bucket}.yaml`, rules])),
    observe: (line: string) => lookAt(line, log),
  }
  return whileServing(options, async ({ program }) => {
    await sendRandom(program, requests)
    const series = await seriesOf(program)
    const strange = series.map(bucketOf).filter((bucket) => bucket !== undefined && !known.has(bucket))
    program.signal('SIGTERM')
    await program.ended
    return {
      measured: `${requests} random requests to ${bucketCount} buckets and others: ${series.length} series, of at most ${mostSeries}, ${strange.length} with a bucket that has no rule file; ${log.lines} log lines, ${log.invalid} invalid, the longest ${log.longest} bytes`,
      held:
        series.length <= mostSeries &&
        strange.length === 0 &&
        log.invalid === 0 &&
        log.longest <= mostLineBytes &&
        // All lines must be there, or the missing ones could be invalid.
        log.lines > requests,
    }
  })
}

function lookAt(line: string, log: LogFindings): void {
  log.lines++
  log.longest = Math.max(log.longest, Buffer.byteLength(line) + 1)
  try {
    JSON.parse(line)
  } catch {
    log.invalid++
  }
}

/** Samples of the program's own families; those of the process vary with its resources. */
async function seriesOf({ admin }: Program): Promise<readonly string[]> {
  const { body } = await exchange(`${admin}/metrics`)
  const series = body
    .toString()
    .split('\n')
    .filter((line) => line.startsWith('cors_sidecar_'))
  if (series.length === 0) throw new Error('the program has no metrics')
  return series
}

const bucketOf = (series: string): string | undefined => /[{,]bucket="([^"]*)"/.exec(series)?.[1]

async function sendRandom({ data }: Program, requests: number): Promise<void> {
  let left = requests
  const client = async (): Promise<void> => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    while (left-- > 0) {
      const { path, ...sent } = randomRequest()
      // Unparsable input ends the connection, which is an answer as well.
      await exchange(data + path, { ...sent, agent }).catch(() => {})
    }
    agent.destroy()
  }
  await Promise.all(Array.from({ length: 8 }, client))
}

const below = (limit: number): number => Math.floor(Math.random() * limit)
const word = (): string => below(1e9).toString(36)
const pick = (list: readonly string[]): string => list[below(list.length)] ?? ''
/** Repeated up to 6,000 characters, one time in 50. */
const long = (text: string): string => (below(50) === 0 ? text.repeat(below(6_000 / text.length)) : text)

function randomRequest() {
  const bucket = pick([`bucket-${below(bucketCount + 5)}`, word(), '..', '%00', '_other', '_default'])
  const asked = pick(['GET', 'PUT', 'PATCH', `Y${word()}`])
  const preflight = below(2) === 0
  return {
    path: `/${bucket}/${long(word())}?${pick(['', word(), 'cors', `token=${word()}`, '%22"\\'])}`,
    method: preflight ? 'OPTIONS' : pick(['GET', 'PUT', 'DELETE', 'HEAD', 'PATCH']),
    headers: {
      Origin: pick(['https://example.com', `https://${long(word())}.example`, long('\u00ff"'), word()]),
      'User-Agent': long(pick([word(), '\\"', '\u0080'])),
      ...(preflight && {
        'Access-Control-Request-Method': asked,
        'Access-Control-Request-Headers': long(`x-${word()},`),
      }),
    },
  }
}
