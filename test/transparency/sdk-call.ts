import { createHash } from 'node:crypto'
import { request as startRequest } from 'node:http'
import { buffer } from 'node:stream/consumers'
import type { DialectName } from '../../src/cors/rule.ts'
import { headerValue, headerValues, type Received } from './received.ts'
import type { Recorded } from './verifying-store.ts'

/** How clients of one kind reach the store, and the sidecar in front of it. */
export interface Group {
  readonly name: string
  readonly dialect: DialectName
  readonly bucket: string
  readonly hostSuffixes: readonly string[]
}

/** One use of a vendor's SDK. */
export interface SdkCall {
  readonly name: string
  readonly group: Group
  /** Performs the call through the port of the store or of the sidecar. Returns what the program sees. */
  readonly run: (port: number) => Promise<unknown>
  /** What the store must have verified, over all its requests. */
  readonly proofs: readonly string[]
}

/** A comparable and readable form of bytes. */
export const fingerprint = (bytes: Uint8Array): string =>
  `${bytes.length} bytes ${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`

/** Deterministic bytes that compress badly. */
export function noise(length: number, seed = 1): Buffer {
  const bytes = Buffer.alloc(length)
  let state = seed
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    bytes[i] = state >>> 16
  }
  return bytes
}

/** Object names that break if a hop decodes, encodes or normalises a path. */
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

/** Fetches a presigned URL like a page or curl: connects to the loopback port with the URL's Host. */
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

/** Response headers without the date, those of the connection, and those that the sidecar adds. */
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
 * A request as received, with only those values masked that differ between two runs of the same call. Host is
 * separate, because senders put it first (RFC 9110 section 7.2).
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

/** Chunk signatures depend on the time of the request. */
function withoutSignatures(body: Buffer): Buffer {
  if (!body.includes(';chunk-signature=')) return body
  const signature = /(;chunk-signature=|x-amz-trailer-signature:)[0-9a-f]{64}/g
  return Buffer.from(body.toString('latin1').replaceAll(signature, '$1'), 'latin1')
}

const apart = /^(?:host|connection|keep-alive)$/i

/** Times, values computed from them, random numbers and the port. */
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

/** The distinct proofs of all requests. */
export function proofsOf(recorded: readonly Recorded[]): string[] {
  const proofs = recorded.flatMap(({ checked }) => (checked.kind === 'good' ? checked.proofs : []))
  return [...new Set(proofs)].sort()
}
