import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { report } from '../reliability/report.ts'
import { ask, get, openClient, startPath } from './path.ts'
import { recordRequests } from './recording-store.ts'

/** A seeded random number generator (mulberry32), so that a failure can be reproduced from its seed. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

const rows: readonly { readonly raw: string; readonly check: { readonly slow?: boolean } }[] = JSON.parse(
  readFileSync(fileURLToPath(new URL('../fixtures/raw-requests.json', import.meta.url)), 'utf8'),
)

const seeds = rows
  .filter(({ raw, check }) => raw !== '' && check.slow !== true)
  .map(({ raw }) =>
    raw.replace(/\{\{repeat:([\s\S]*?):(\d+)\}\}/g, (_, piece: string, times: string) =>
      piece.repeat(Math.min(50, Number(times))),
    ),
  )

/** Input on which parsers have disagreed: http-garden's mutators, and fragments from its findings. */
const pieces = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    ' ',
    '\t',
    ':',
    ',',
    ';',
    '\x0b',
    '\x7f',
    '\xa0',
    '\xff',
    '0',
    '00',
    '+',
    '-',
    '_',
    '0x',
  ],
  ...[
    '\r\n\r\n',
    '0\r\n\r\n',
    '\r\n ',
    ' :',
    'chunked',
    'identity',
    'HTTP/1.0',
    'HTTP/2.0',
    '//',
    '/../',
    '%2e%2e',
    '\\',
    '#',
  ],
  'Content-Length: 5\r\n',
  'Content-Length: 43\r\n',
  'Transfer-Encoding: chunked\r\n',
  'Transfer-Encoding: , chunked\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Connection: close, content-length\r\n',
  'Connection: upgrade\r\nUpgrade: h2c\r\n',
  'Expect: 100-continue\r\n',
  'Host: b\r\n',
  'GET /b/smuggled HTTP/1.1\r\nHost: a\r\n\r\n',
] as const

type Random = (below: number) => number

const mutations: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => insert(text, random(text.length + 1), pieces[random(pieces.length)] ?? ''),
  (text, random) => {
    const at = random(text.length)
    return text.slice(0, at) + text.slice(at + 1 + random(4))
  },
  (text, random) => {
    const at = random(text.length)
    return insert(text, at, text.slice(at, at + 1 + random(40)))
  },
  (text, random) => {
    const lines = text.split('\r\n')
    const [line = ''] = lines.splice(random(lines.length), 1)
    lines.splice(random(lines.length + 1), 0, line)
    return lines.join('\r\n')
  },
  (text, random) => {
    const at = random(text.length)
    return text.slice(0, at) + String.fromCharCode(random(256)) + text.slice(at + 1)
  },
  (text, random) => text.slice(0, random(text.length + 1)) + (seeds[random(seeds.length)] ?? ''),
  (text, random) => text.replace(/\r\n/g, (end) => (random(8) === 0 ? '\n' : end)),
]

const insert = (text: string, at: number, piece: string): string => text.slice(0, at) + piece + text.slice(at)

function mutant(seed: number): string {
  const random = randomFrom(seed)
  let text = seeds[random(seeds.length)] ?? ''
  // None for one in five: what is valid must reach the store as valid.
  for (let steps = random(5); steps > 0; steps--)
    text = mutations[random(mutations.length)]?.(text, random) ?? text
  return text.slice(0, 65_536)
}

/** Runs mutants of new seeds for this long, instead of a fixed set. */
const seconds = process.env.MUTATION_SECONDS === undefined ? undefined : Number(process.env.MUTATION_SECONDS)
const count = Number(process.env.MUTANTS ?? 400)
/** How long a mutant may take, in milliseconds: some wait for bytes that never come. */
const patience = 60

test(`${seconds === undefined ? count : `${seconds} seconds of`} mutants of hostile requests: nothing is smuggled`, {
  timeout: 120_000 + (seconds === undefined ? 200 * count : 1_000 * seconds),
}, async () => {
  const first = seconds === undefined ? 1 : Date.now() % 1_000_000_000
  const until = seconds === undefined ? undefined : Date.now() + 1_000 * seconds
  let seed = first
  const store = await recordRequests(undefined)
  let handed = 0
  const path = await startPath({
    store: store.port,
    idleTimeout: 500,
    headersTimeout: 500,
    before: () => {
      handed++
      return false
    },
  })
  for (; until === undefined ? seed < first + count : Date.now() < until; seed++) {
    const client = await openClient(path.port)
    client.send(mutant(seed))
    await Promise.race([client.ended(), new Promise((resolve) => setTimeout(resolve, patience))])
    client.socket.destroy()
    // All that reached the store is strictly valid HTTP, and no more requests than we parsed.
    expect({ seed, garbage: store.garbage, failures: path.failures }).toEqual({
      seed,
      garbage: [],
      failures: [],
    })
    expect({ seed, more: Math.max(0, store.requests.length - handed) }).toEqual({ seed, more: 0 })
    if (seed % 20 === 0) expect(await ask(path.port, get('/b/canary'))).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
  }
  report({ mutants: seed - first, forwarded: store.requests.length })
  expect(store.requests.length).toBeGreaterThan(10)
})
