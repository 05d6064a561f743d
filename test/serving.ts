import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener, request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import { type LogLine, startProgram } from './serve/program.ts'

export interface ServingOptions {
  /** Rule files by name. */
  readonly rules: Readonly<Record<string, string>>
  /** Rule files of `--candidate-rules`; `undefined`: the setting is not set. */
  readonly candidates?: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  readonly store?: RequestListener
}

export interface SentRequest {
  readonly method?: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  readonly body?: string
}

export interface Answered {
  readonly status: number
  /** As sent, without Date, Connection and Keep-Alive. */
  readonly lines: readonly string[]
  readonly header: (name: string) => string | undefined
  readonly body: string
}

export interface StoreRequest {
  readonly method: string
  readonly target: string
  readonly lines: readonly string[]
  readonly body: string
}

export type Serving = Awaited<ReturnType<typeof startServing>>

/** Like {@link startServing}, ended after the test. */
export async function serveInTest(options: ServingOptions): Promise<Serving> {
  const serving = await startServing(options)
  onTestFinished(serving.close)
  return serving
}

/** `serve` as its users run it, in its own process, in front of a store. */
export async function startServing({ rules, candidates, flags = [], store = noObject }: ServingOptions) {
  const folder = await mkdtemp(join(tmpdir(), 'serving-'))
  const directory = await folderOf(join(folder, 'rules'), rules)
  const candidateDirectory = join(folder, 'candidates')
  if (candidates !== undefined) await folderOf(candidateDirectory, candidates)
  const { port: storePort, seen, close: closeStore } = await startStore(store)

  const more = candidates === undefined ? [] : ['--candidate-rules', candidateDirectory]
  // At the end it answers what is under way, but does not wait for clients that could still come.
  const ending = ['--drain-timeout', '200ms']
  const argv = [...more, ...ending, ...flags]
  const program = await startProgram(`http://127.0.0.1:${storePort}`, directory, argv)
  const stop = async (): Promise<readonly LogLine[]> => {
    program.signal('SIGTERM')
    await program.ended
    return program.out().map((line): LogLine => JSON.parse(line))
  }
  const dataPort = Number(new URL(program.data).port)
  const adminPort = Number(new URL(program.admin).port)
  const send = (request: SentRequest): Promise<Answered> => exchange(dataPort, request)
  const admin = (path: string, method = 'GET'): Promise<Answered> => exchange(adminPort, { method, path })

  return {
    directory,
    candidateDirectory,
    /** What reached the store, in order. */
    seen,
    closeStore,
    dataPort,
    storePort,
    send,
    admin,
    adminSend: (request: SentRequest): Promise<Answered> => exchange(adminPort, request),
    json: async (path: string): Promise<unknown> => JSON.parse((await admin(path)).body),
    /** Lines of `/metrics` that start with `cors_sidecar_` and `name`. */
    async metrics(name: string): Promise<readonly string[]> {
      const { body } = await admin('/metrics')
      return body.split('\n').filter((line) => line.startsWith(`cors_sidecar_${name}`))
    },
    /** Ends it and returns everything that it logged. */
    stop,
    async close(): Promise<void> {
      await stop()
      closeStore()
      await rm(folder, { recursive: true })
    },
  }
}

/** The first value of `read` that `holds`, for conditions without an event. */
export async function eventually<Value>(
  read: () => Promise<Value>,
  holds: (value: Value) => boolean,
): Promise<Value> {
  for (let attempt = 0; ; attempt++) {
    const value = await read()
    if (holds(value) || attempt === 200) return value
    await wait(50)
  }
}

async function folderOf(folder: string, files: Readonly<Record<string, string>>): Promise<string> {
  await mkdir(folder)
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

const noObject: RequestListener = (_request, response) => response.writeHead(404).end()

async function startStore(answer: RequestListener) {
  const seen: StoreRequest[] = []
  const server = createServer(async (request, response) => {
    const { method = '', url: target = '', rawHeaders: lines } = request
    let body = ''
    try {
      for await (const piece of request.setEncoding('utf8')) body += piece
    } catch {
      // The client disconnected before its body was complete.
      return
    }
    seen.push({ method, target, lines, body })
    answer(request, response)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { port, seen, close }
}

const ofTheConnection = new Set(['date', 'connection', 'keep-alive'])

function exchange(
  port: number,
  { method = 'GET', path, headers = {}, body }: SentRequest,
): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
    const named = { Host: `localhost:${port}`, ...length, ...headers }
    const sent = Object.entries(named).flatMap(([name, value]) =>
      [value].flat().flatMap((one) => [name, one]),
    )
    const request = startRequest({ host: '127.0.0.1', port, method, path, agent: false, headers: sent })
    request.on('error', reject)
    request.on('response', (response) => readAnswer(response).then(resolve, reject))
    request.end(body)
  })
}

async function readAnswer(response: IncomingMessage): Promise<Answered> {
  const { statusCode: status = 0, rawHeaders, headers } = response
  const lines = rawHeaders.filter(
    (_, index) => !ofTheConnection.has((rawHeaders[index - (index % 2)] ?? '').toLowerCase()),
  )
  return { status, lines, header: (name) => headers[name]?.toString(), body: await text(response) }
}
