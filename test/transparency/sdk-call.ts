import { createHash } from 'node:crypto'
import { request as startRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { DialectName } from '../../src/cors/rule.ts'
import { headerValue, headerValues, type Received } from './received.ts'
import type { Recorded } from './verifying-store.ts'

/** How clients of one kind find the store, and the sidecar before it. */
export interface Group {
  readonly name: string
  readonly dialect: DialectName
  readonly bucket: string
  readonly hostSuffixes: readonly string[]
}

/** Something that a user's program does with a vendor's SDK. */
export interface SdkCall {
  readonly name: string
  readonly group: Group
  /** Does it through the port, be it the store's or the sidecar's, and returns what the program would see. */
  readonly run: (port: number) => Promise<unknown>
  /** What the store must have recomputed for its requests, all of them together. */
  readonly proofs: readonly string[]
}

/** Bytes in a form that can be compared and read. */
export const fingerprint = (bytes: Uint8Array): string =>
  `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`

/** Bytes that are the same each time and compress badly. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Names of objects that go wrong where somebody decodes, encodes or tidies a path. */
export const oddKeys: readonly string[] = [
  'plain.txt',
  'two  spaces and one ',
  'ünïcödé/日本語/🙂.txt',
  'e\u0301 is two characters',
  'a+b c',
  '100%',
  '%2F and %41 and %zz',
  "it's (round) star* bang! tilde~",
  'double//slash///three',
  'trailing/',
  'a=b&c=d;e,f',
  'question?mark#hash',
  'back\\slash',
  '"quotes" <angles> {braces} |^`[x]',
  'colon:at@dollar$',
  '.hidden/..two/...three',
  'tab\there',
]

export interface Fetched {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

/** What a page or curl does with a presigned URL: goes to the loopback port with the Host that the URL has. */
export async function fetchAt(
  port: number,
  url: string,
  sent: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: Buffer | string
  } = {},
): Promise<Fetched> {
  const { host, pathname, search } = new URL(url)
  const isChunked = sent.headers?.['Transfer-Encoding'] !== undefined
  const hasLength = sent.body !== undefined && !isChunked
  const length = hasLength ? { 'Content-Length': String(Buffer.byteLength(sent.body ?? '')) } : {}
  const { promise, resolve, reject } = Promise.withResolvers<Fetched>()
  const request = startRequest({
    host: '127.0.0.1',
    port,
    agent: false,
    method: sent.method ?? 'GET',
    path: pathname + search,
    headers: { Host: host, ...length, ...sent.headers },
  })
  request.on('error', reject).on('response', (response) => {
    buffer(response).then((body) => {
      const { statusCode: status = 0, headers } = response
      resolve({ status, headers: steady(headers), body: fingerprint(body) })
    }, reject)
  })
  request.end(sent.body)
  return promise
}

/** Response headers without the time, those of the connection, and what the sidecar is there to add. */
export function steady(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): Record<string, string | string[] | undefined> {
  return Object.fromEntries(
    Object.entries(headers).filter(
      ([name]) => !/^(?:date|connection|keep-alive|vary|access-control-.*)$/i.test(name),
    ),
  )
}

/**
 * A request as it arrived, with only that masked which differs between two runs of the same call. Host stands apart:
 * senders put it first (RFC 9110 section 7.2), however they spell it.
 */
export function asArrived(received: Received, port: number): unknown {
  const { method, target, headers, trailers, body } = received
  const lines: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    const name = headers[i] ?? ''
    if (!apart.test(name)) lines.push(`${name}: ${mask(headers[i + 1] ?? '', port)}`)
  }
  const isForm = headerValue(received, 'content-type')?.startsWith('multipart/form-data') === true
  return {
    line: `${method} ${mask(target, port)}`,
    hosts: headerValues(received, 'host').map((host) => mask(host, port)),
    lines,
    trailers,
    body: isForm ? `a form of ${body.length} bytes` : fingerprint(withoutSignatures(body)),
  }
}

/** The signatures of chunks hang on the time of the request. */
function withoutSignatures(body: Buffer): Buffer {
  if (!body.includes(';chunk-signature=')) return body
  const signature = /(;chunk-signature=|x-amz-trailer-signature:)[0-9a-f]{64}/g
  return Buffer.from(body.toString('latin1').replaceAll(signature, '$1'), 'latin1')
}

const apart = /^(?:host|connection|keep-alive)$/i

/** Times, what is computed from them, random numbers and the port. */
const varying: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9]{8}T[0-9]{6}Z/g, 'TIME'],
  [/\b[A-Z][a-z]{2}, [0-9]{2} [A-Z][a-z]{2} [0-9]{4} [0-9:]{8} GMT/g, 'TIME'],
  [/([/]|%2F)[0-9]{8}(?=\/|%2F)/g, '$1DAY'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g, 'UUID'],
  [/(signature=|OSS AKIDEXAMPLE:)[0-9A-Za-z%+/=]+/gi, '$1SIGNATURE'],
  [/(q-(?:sign|key)-time=|Expires=)[0-9;]+/g, '$1TIME'],
  [/(boundary=)[^ ;]+/g, '$1BOUNDARY'],
]

function mask(text: string, port: number): string {
  return varying.reduce(
    (masked, [pattern, by]) => masked.replace(pattern, by),
    text.replaceAll(`127.0.0.1:${port}`, '127.0.0.1:PORT').replaceAll(`test:${port}`, 'test:PORT'),
  )
}

/** The proofs of all requests, each once. */
export function proofsOf(recorded: readonly Recorded[]): string[] {
  const proofs = recorded.flatMap(({ checked }) => (checked.kind === 'good' ? checked.proofs : []))
  return [...new Set(proofs)].sort()
}
