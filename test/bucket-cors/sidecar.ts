import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
  request as startRequest,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text as readText } from 'node:stream/consumers'
import { createIsBucketMissing } from '../../src/bucket-cors/ask-bucket.ts'
import { createAskStore } from '../../src/bucket-cors/ask-store.ts'
import { type AuditEntry, createBucketCorsApi } from '../../src/bucket-cors/bucket-cors.ts'
import type { RefusedChange } from '../../src/bucket-cors/call.ts'
import { followCredentials } from '../../src/bucket-cors/credentials-file.ts'
import type { DialectName } from '../../src/cors/rule.ts'
import type { Setup } from '../../src/plan/judge.ts'
import { createConnect } from '../../src/proxy/connect.ts'
import { createForwarder } from '../../src/proxy/forward.ts'
import type { ForwardedFor } from '../../src/proxy/lines.ts'
import { createListener } from '../../src/proxy/listen.ts'
import { createRulesStore } from '../../src/rules/store.ts'
import { createGateway } from '../../src/sidecar/gateway.ts'
import { setup } from '../core.ts'
import { accessKeyId, secret, sign, type Unsigned } from './sign.ts'

export interface SidecarOptions {
  readonly mode?: 'read' | 'write'
  readonly dialect?: DialectName
  readonly setup?: Partial<Setup>
  /** Text of the credentials file; `null`: there is none. */
  readonly credentials?: string | null
  /** Rule files by name. */
  readonly files?: Readonly<Record<string, string>>
  /** The store's responses; by default those of a store without the API. */
  readonly store?: RequestListener
  readonly overwriteAuthored?: boolean
  readonly bodyTimeout?: number
  readonly forwardedFor?: ForwardedFor
  /** The rules directory; by default a temporary one. */
  readonly directory?: string
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

const everyBucket = `accessKeys:\n  - {id: ${accessKeyId}, secret: "${secret}"}\n`

/** A store without CORS support, like MinIO. */
const storeWithoutApi: RequestListener = (request, response) => {
  request.resume().on('end', () => {
    response.writeHead(501, { 'Content-Type': 'application/xml' })
    response.end('<Error><Code>NotImplemented</Code></Error>')
  })
}

/** The data port in front of a store, assembled as in `serve`, in one temporary folder. */
export async function startSidecar(options: SidecarOptions = {}) {
  const { mode = 'write', dialect = 'cos', credentials = everyBucket, files = {} } = options
  const { forwardedFor = 'off' } = options
  const folder = await mkdtemp(join(tmpdir(), 'bucket-cors-'))
  const directory = options.directory ?? join(folder, 'rules')
  const credentialsFile = join(folder, 'credentials.yaml')
  await mkdir(directory, { recursive: true })
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text)
  if (credentials !== null) await writeFile(credentialsFile, credentials)

  const storeRequests: { method: string; target: string; headers: readonly string[] }[] = []
  const upstream = createServer((request, response) => {
    const { method = '', url: target = '', rawHeaders: headers } = request
    storeRequests.push({ method, target, headers })
    const answer = options.store ?? storeWithoutApi
    answer(request, response)
  })
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve))
  const { port: storePort } = upstream.address() as AddressInfo

  const rules = createRulesStore({
    directory,
    dialect,
    debounce: { file: 10, incomplete: 20, emptied: 1000 },
  })
  await rules.reload('start')
  const audits: AuditEntry[] = []
  const refusals: RefusedChange[] = []
  const problems: string[] = []
  const failures: unknown[] = []
  const store = { kind: 'tcp', secure: false, host: '127.0.0.1', port: storePort } as const
  const forwarder = createForwarder({
    upstream: store,
    upstreamCa: () => undefined,
    upstreamTimeout: 30_000,
    idleTimeout: 30_000,
    forwardedFor,
    failed: (error) => failures.push(error),
  })
  const api = createBucketCorsApi({
    directory,
    overwriteAuthored: options.overwriteAuthored ?? false,
    keys:
      credentials === null
        ? undefined
        : followCredentials(credentialsFile, (found) => problems.push(...found)),
    isBucketMissing: createIsBucketMissing(
      createConnect({ upstream: store, ca: () => undefined, timeout: 30_000 }),
      30_000,
    ),
    askStore: createAskStore({
      connect: createConnect({ upstream: store, ca: () => undefined, timeout: 30_000 }),
      timeout: 30_000,
      forwardedFor,
    }),
    reload: () => rules.reload('bucket-cors'),
    bodyTimeout: options.bodyTimeout ?? 30_000,
    audit: (entry) => audits.push(entry),
    refused: (entry) => refusals.push(entry),
    now: Date.now,
  })
  const responses = new WeakMap<IncomingMessage, ServerResponse>()
  const gateway = createGateway({
    setup: { ...setup, dialect, bucketCorsApi: mode, ...options.setup },
    rules: rules.current,
    forwarder,
    answerBucketCors: (request, facts, plan, snapshot, identity, client) =>
      api(request, facts, plan, snapshot, identity, client, () => responses.get(request)?.writeContinue()),
    finished: () => {},
    failed: (error) => failures.push(error),
  })
  const listener = createListener(
    { headersTimeout: 30_000, idleTimeout: 30_000, maxHeaderSize: 16_384, tls: undefined },
    (request, response) => {
      responses.set(request, response)
      gateway(request, response)
    },
  )
  const { port } = await listener.listen('127.0.0.1', 0)

  const send = (call: Omit<Unsigned, 'bucket'>): Promise<Answer> =>
    new Promise((resolve, reject) => {
      const { method, target, host, headers = {}, body = '' } = call
      const isChunked = 'Transfer-Encoding' in headers
      const length = body === '' || isChunked ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
      const outgoing = startRequest({
        host: '127.0.0.1',
        port,
        method,
        path: target,
        agent: false,
        headers: { Host: host, ...length, ...headers },
      })
      outgoing.on('error', reject)
      outgoing.on('response', (incoming) => {
        const { statusCode: status = 0, headers } = incoming
        readText(incoming).then((body) => resolve({ status, headers, body }), reject)
      })
      outgoing.end(body)
    })

  return {
    port,
    directory,
    credentialsFile,
    storePort,
    storeRequests,
    audits,
    refusals,
    problems,
    failures,
    rules,
    send,
    /** A signed call of the API for the bucket `photos`, in path style. */
    call: (method: string, body?: string, more: Partial<Unsigned> & { readonly secret?: string } = {}) => {
      const unsigned: Unsigned = {
        method,
        target: '/photos/?cors',
        host: `127.0.0.1:${port}`,
        bucket: 'photos',
        ...(body === undefined ? {} : { body }),
        ...more,
      }
      const signed = sign(dialect, unsigned, more.secret ?? secret)
      return send({ ...unsigned, headers: { ...unsigned.headers, ...signed } })
    },
    preflight: (origin: string, bucket = 'photos', method = 'PUT') =>
      send({
        method: 'OPTIONS',
        target: `/${bucket}/object`,
        host: `127.0.0.1:${port}`,
        headers: { Origin: origin, 'Access-Control-Request-Method': method },
      }),
    read: (file: string) => readFile(join(directory, file), 'utf8'),
    list: () => readdir(directory),
    async close() {
      await listener.drain(0)
      await forwarder.close()
      upstream.closeAllConnections()
      await new Promise((resolve) => upstream.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

export type TestSidecar = Awaited<ReturnType<typeof startSidecar>>
