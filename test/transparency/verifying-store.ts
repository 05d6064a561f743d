import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { type Checked, checkRequest, type Place } from './check-request.ts'
import { emptyObjects, error, perform, performForm, type StoreAnswer } from './objects.ts'
import { checkForm, readForm } from './post-form.ts'
import { pathOf, type Received } from './received.ts'
import type { Key } from './second-opinion.ts'

/** A request and the store's verdict on it. */
export interface Recorded extends Received {
  readonly checked: Checked
  readonly status: number
}

export interface VerifyingStoreOptions {
  readonly key: Key
  /** `BUCKET.NAME` in Host names the bucket; for any other Host the path does. */
  readonly hostSuffixes: readonly string[]
}

/**
 * An in-memory object store that speaks S3, OSS and COS. It records every request as received, recomputes its
 * signature, digests and checksums from exactly those bytes, and answers 403 or 400 when one differs.
 */
export async function startVerifyingStore({ key, hostSuffixes }: VerifyingStoreOptions) {
  let objects = emptyObjects()
  const recorded: Recorded[] = []
  const serve = async (received: Received): Promise<[Checked, StoreAnswer]> => {
    const place = placeOf(received, hostSuffixes)
    const form = received.method === 'POST' && place.object === '' ? await readForm(received) : undefined
    if (form === undefined) {
      const checked = await checkRequest(received, place, key)
      return [checked, answerTo(checked, (content) => perform(objects, received, place, content))]
    }
    const checked = await checkForm(form, place.bucket, key)
    const act = (content: Buffer): StoreAnswer =>
      performForm(objects, place.bucket, form.fields, form.name, content)
    return [checked, answerTo(checked, act)]
  }
  const server = createServer(async (request, response) => {
    try {
      const received = await receive(request)
      const [checked, answer] = await serve(received).catch(malformed)
      recorded.push({ ...received, checked, status: answer.status })
      send(response, answer)
    } catch {
      // The request was aborted.
      response.destroy()
    }
  })
  // Longer than the sidecar keeps connections: stale connections are not the subject of these tests.
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    port,
    /** The requests since the last `reset`, in the order in which they ended. */
    recorded: (): readonly Recorded[] => recorded,
    /** The bytes of an object; `undefined` when there is none. */
    content: (bucket: string, object: string): Buffer | undefined =>
      objects.stored.get(`${bucket}/${object}`)?.content,
    /** Removes everything. */
    reset(): void {
      objects = emptyObjects()
      recorded.length = 0
    },
    async close(): Promise<void> {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}

export type VerifyingStore = Awaited<ReturnType<typeof startVerifyingStore>>

async function receive(request: IncomingMessage): Promise<Received> {
  const body = await buffer(request)
  const { method = '', url: target = '', rawHeaders, rawTrailers } = request
  return { method, target, headers: rawHeaders, trailers: rawTrailers, body }
}

/** Input that cannot be decoded. */
function malformed(reason: unknown): [Checked, StoreAnswer] {
  const checked: Checked = { kind: 'refused', code: 'InvalidRequest', why: String(reason) }
  return [checked, answerTo(checked, () => error(400, 'InvalidRequest', ''))]
}

function placeOf(received: Received, hostSuffixes: readonly string[]): Place {
  const at = received.headers.findIndex((name, index) => index % 2 === 0 && /^host$/i.test(name))
  const host = (received.headers[at + 1] ?? '').replace(/:[0-9]+$/, '')
  const path = decodeURIComponent(pathOf(received))
  const suffix = hostSuffixes.find((name) => host.endsWith(`.${name}`))
  if (suffix !== undefined)
    return { bucket: host.slice(0, -suffix.length - 1), object: path.slice(1), byHost: true }
  const slash = path.indexOf('/', 1)
  return slash < 0
    ? { bucket: path.slice(1), object: '', byHost: false }
    : { bucket: path.slice(1, slash), object: path.slice(slash + 1), byHost: false }
}

function answerTo(checked: Checked, act: (content: Buffer) => StoreAnswer): StoreAnswer {
  if (checked.kind === 'good') return act(checked.content)
  const { code, why } = checked
  return error(/^(?:SignatureDoesNotMatch|AccessDenied)$/.test(code) ? 403 : 400, code, why)
}

function send(response: ServerResponse, { status, headers, body }: StoreAnswer): void {
  const lines = ['Date', new Date().toUTCString(), 'x-store-request-id', '1', ...headers]
  if (status !== 204) lines.push('Content-Length', String(Buffer.byteLength(body)))
  response.writeHead(status, lines)
  response.end(body)
}
