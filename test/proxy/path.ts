/** The data path alone, on free ports of this machine. The test plays the store and the client byte by byte. */

import { once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { dialectNamed } from '../../src/dialect/named.ts'
import { type HeaderPatch, type PlainResponse, readFacts, untouched } from '../../src/http.ts'
import { resolveAddress } from '../../src/plan/address.ts'
import { methodDefect } from '../../src/plan/served-methods.ts'
import { sendAnswer } from '../../src/proxy/answer.ts'
import type { CertificatePair } from '../../src/proxy/certificate.ts'
import { createForwarder, type ForwarderOptions, type ForwardOutcome } from '../../src/proxy/forward.ts'
import { createListener, type Listener, type ListenerOptions } from '../../src/proxy/listen.ts'
import { peerOf } from '../../src/proxy/peer.ts'

export interface PathOptions
  extends Partial<Omit<ForwarderOptions, 'upstreamCa'>>,
    Partial<Omit<ListenerOptions, 'certificate'>> {
  /** PEM text, or a function that returns it. */
  readonly upstreamCa?: string | (() => string) | undefined
  /** Port of the store on this machine, or a full upstream. */
  readonly store?: number
  readonly patch?: HeaderPatch
  readonly before?: (request: IncomingMessage, response: ServerResponse) => boolean
}

export interface Path {
  readonly port: number
  readonly listener: Listener
  /** One for each forwarded request that has ended. */
  readonly outcomes: readonly ForwardOutcome[]
  /** Everything that a handler threw. */
  readonly failures: readonly unknown[]
  /** New certificates that were unusable. */
  readonly refusedCertificates: readonly unknown[]
  /** Expiry of each certificate that was served, and of each that was reported as expired. */
  readonly certificates: { readonly served: readonly number[]; readonly expired: readonly number[] }
  /** Resolves when `count` forwarded requests have ended. */
  over(count: number): Promise<void>
}

const nowhere = {
  hosts: new Map<string, string>(),
  suffixes: [],
  buckets: new Map<string, unknown>(),
  foldedNames: new Map<string, string>(),
}

export const plain = (status: number, body: string): PlainResponse => ({
  status,
  headers: ['Content-Type', 'text/plain', 'Access-Control-Allow-Origin', 'https://example.com'],
  body,
})

/** A data port in front of the store, closed after the test. Refuses what the gateway would refuse. */
export async function startPath(options: PathOptions): Promise<Path> {
  const outcomes: ForwardOutcome[] = []
  const failures: unknown[] = []
  const refusedCertificates: unknown[] = []
  const served: number[] = []
  const expired: number[] = []
  const certificate = {
    served: ({ expiry }: CertificatePair): void => void served.push(expiry),
    expired: ({ expiry }: CertificatePair): void => void expired.push(expiry),
    refused: (error: unknown): void => void refusedCertificates.push(error),
  }
  const { upstreamCa: ca } = options
  const waiting: { readonly count: number; readonly resolve: () => void }[] = []
  const failed = (error: unknown): void => {
    failures.push(error)
  }
  const forwarder = createForwarder({
    upstream: { kind: 'tcp', secure: false, host: '127.0.0.1', port: options.store ?? 1 },
    upstreamTimeout: 30_000,
    idleTimeout: 30_000,
    forwardedFor: 'off',
    failed,
    ...options,
    upstreamCa: typeof ca === 'function' ? ca : () => ca,
  })
  const finish = (outcome: ForwardOutcome): void => {
    outcomes.push(outcome)
    for (const { count, resolve } of waiting) if (outcomes.length >= count) resolve()
  }
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    if (options.before?.(request, response) === true) return
    const facts = readFacts(request.method ?? '', request.url ?? '', request.httpVersion, request.rawHeaders)
    const address = resolveAddress(facts, nowhere)
    const defect =
      facts.defect ??
      methodDefect(facts.method, dialectNamed('s3').matching) ??
      (address.kind === 'refused' ? address.defect : undefined)
    if (defect !== undefined || address.kind === 'refused') {
      sendAnswer(request, response, plain(defect?.status ?? 400, defect?.message ?? ''), { close: true })
      return
    }
    const failure = (why: string): PlainResponse =>
      plain(why === 'timeout' ? 504 : why === 'trailers' ? 400 : 502, why)
    const overload = (): PlainResponse => plain(503, 'overload')
    const { target } = address
    forwarder.forward(
      request,
      response,
      {
        facts,
        client: peerOf(request.socket)?.address ?? '',
        target,
        patch: options.patch ?? untouched,
        overload,
        failure,
      },
      finish,
    )
  }
  const listener = createListener(
    {
      headersTimeout: 30_000,
      idleTimeout: 30_000,
      maxHeaderSize: 16_384,
      tls: undefined,
      failed,
      certificate,
      ...options,
    },
    handle,
  )
  const { port } = await listener.listen('127.0.0.1', 0)
  onTestFinished(async () => {
    await listener.drain(0)
    await forwarder.close()
  })
  return {
    port,
    listener,
    outcomes,
    failures,
    refusedCertificates,
    certificates: { served, expired },
    over: (count) =>
      new Promise((resolve) => {
        if (outcomes.length >= count) resolve()
        else waiting.push({ count, resolve })
      }),
  }
}

/** One connection to the played store. */
export interface StoreSide {
  readonly socket: Socket
  /** Everything received on it, as Latin-1. */
  text: string
  /** Its number, from 1. */
  readonly number: number
}

export interface PlayedStore {
  readonly port: number
  readonly sides: readonly StoreSide[]
  /** Everything received, on all connections. */
  text(): string
  /** Resolves once `test` holds; checked whenever bytes arrive or a connection ends. */
  until(test: () => boolean): Promise<void>
}

/**
 * A scripted store: `play` is called with a connection whenever bytes have arrived on it, and may read and write
 * freely.
 */
export async function playStore(play: (side: StoreSide) => void): Promise<PlayedStore> {
  const sides: StoreSide[] = []
  const watch = watcher()
  const server = createServer((socket) => {
    const side: StoreSide = { socket, text: '', number: sides.length + 1 }
    sides.push(side)
    socket.on('error', () => {})
    socket.on('close', watch.changed)
    socket.on('data', (bytes) => {
      side.text += bytes.toString('latin1')
      play(side)
      watch.changed()
    })
  })
  return {
    port: await open(server),
    sides,
    text: () => sides.map((side) => side.text).join(''),
    until: watch.until,
  }
}

/** An ordinary complete response. */
export const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

/** A store that answers each complete request head with `answer`. */
export function storeThatSays(answer: string): Promise<PlayedStore> {
  return playStore((side) => {
    const heads = side.text.split('\r\n\r\n').length - 1
    const answered = answeredOn.get(side) ?? 0
    for (let i = answered; i < heads; i++) side.socket.write(answer, 'latin1')
    answeredOn.set(side, heads)
  })
}

const answeredOn = new WeakMap<StoreSide, number>()

/** A store with Node's own server. */
export async function serveStore(listener: RequestListener): Promise<number> {
  return open(createHttpServer(listener))
}

async function open(server: Server): Promise<number> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  return (server.address() as AddressInfo).port
}

export interface Client {
  readonly socket: Socket
  /** Everything received, as Latin-1. */
  text(): string
  send(text: string): void
  until(test: (text: string) => boolean): Promise<string>
  /** Resolves when the connection has ended, with everything received: `end` by FIN, `reset` by RST. */
  ended(): Promise<{ readonly text: string; readonly how: 'end' | 'reset' }>
}

export async function openClient(port: number): Promise<Client> {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
  onTestFinished(() => {
    socket.destroy()
  })
  return clientOf(socket, once(socket, 'connect'))
}

export async function clientOf(socket: Socket, ready: Promise<unknown>): Promise<Client> {
  const watch = watcher()
  let text = ''
  let how: 'end' | 'reset' | undefined
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1')
    watch.changed()
  })
  socket.on('end', () => {
    how ??= 'end'
    watch.changed()
  })
  socket.on('error', () => {
    how ??= 'reset'
    watch.changed()
  })
  socket.on('close', () => {
    how ??= 'end'
    watch.changed()
  })
  await ready
  return {
    socket,
    text: () => text,
    send: (piece) => {
      socket.write(piece, 'latin1')
    },
    async until(test) {
      await watch.until(() => test(text))
      return text
    },
    async ended() {
      await watch.until(() => how !== undefined)
      return { text, how: how ?? 'end' }
    },
  }
}

/** Sends `text` on a new connection. Returns what came back when `enough` holds, or at the end. */
export async function ask(
  port: number,
  text: string,
  enough: (text: string) => boolean = whole,
): Promise<string> {
  const client = await openClient(port)
  client.send(text)
  const ended = client.ended().then((end) => end.text)
  return Promise.race([client.until(enough), ended])
}

/** Whether a response with Content-Length or chunks is complete. */
export function whole(text: string): boolean {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const head = text.slice(0, end)
  if (/^HTTP\/1\.1 1\d\d /.test(head)) return whole(text.slice(end + 4))
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
  if (length !== undefined) return text.length >= end + 4 + Number(length)
  return text.endsWith('0\r\n\r\n')
}

export const get = (target = '/b/k', lines = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: store\r\n${lines}\r\n`

/** The lines of a message before its empty line. */
export const headOf = (text: string): string[] => (text.split('\r\n\r\n', 1)[0] ?? '').split('\r\n')

function watcher(): { readonly changed: () => void; readonly until: (test: () => boolean) => Promise<void> } {
  const waiting = new Set<() => void>()
  const changed = (): void => {
    for (const look of waiting) look()
  }
  return {
    changed,
    until: (test) =>
      new Promise((resolve) => {
        const look = (): void => {
          if (!test()) return
          waiting.delete(look)
          resolve()
        }
        waiting.add(look)
        look()
      }),
  }
}
