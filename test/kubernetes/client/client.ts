/**
 * Sends requests from a pod, which can reach Services in every cluster. A single file without packages. Jobs arrive
 * as a line of JSON on standard input, where another line stops a load; the result is printed as a line of JSON. The program ends
 * with its input: if it ended by itself, kubectl would at times lose the end of a long result.
 */

import { createHash } from 'node:crypto'
import { Agent, type IncomingHttpHeaders, request as startRequest } from 'node:http'
import { createInterface } from 'node:readline'
import { setTimeout as wait } from 'node:timers/promises'
import type { Answer, Job, LoadOutcome, Sent, SlowOutcome } from './job.ts'

const lines = createInterface({ input: process.stdin })
const stopped = Promise.withResolvers<void>()
lines.once('line', (line) => {
  lines.once('line', () => stopped.resolve())
  void perform(JSON.parse(line) as Job).then((outcome) =>
    process.stdout.write(`${JSON.stringify(outcome)}\n`),
  )
})
lines.once('close', () => process.exit(0))

function perform(job: Job): Promise<unknown> {
  switch (job.kind) {
    case 'send':
      return send(job.request)
    case 'until':
      return until(job)
    case 'load':
      return load(job)
    case 'slow-put':
      return slowPut(job)
    case 'slow-get':
      return slowGet(job)
  }
}

function send(sent: Sent, agent?: Agent): Promise<Answer & { isReused: boolean }> {
  return new Promise((resolve) => {
    const { url, method = 'GET', headers = {}, body = '' } = sent
    const failed = (error: Error & { code?: string }): void =>
      resolve({
        status: 0,
        headers: {},
        body: '',
        error: error.code ?? error.message,
        isReused: request.reusedSocket,
      })
    const content = Buffer.from(body, 'base64')
    const length = content.length > 0 ? { 'content-length': String(content.length) } : {}
    const request = startRequest(
      url,
      {
        method,
        headers: { ...length, ...headers },
        timeout: 20_000,
        ...(agent ? { agent } : { agent: false }),
      },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece: Buffer) => pieces.push(piece))
        response.on('error', failed)
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: plain(response.headers),
            body: Buffer.concat(pieces).toString('base64'),
            isReused: request.reusedSocket,
          }),
        )
      },
    )
    request.on('timeout', () => request.destroy(new Error('nothing for 20 s')))
    request.on('error', failed)
    request.end(content)
  })
}

const plain = (headers: IncomingHttpHeaders): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]))

async function until({
  request,
  status,
  seconds,
}: Extract<Job, { kind: 'until' }>): Promise<Answer & { seconds: number }> {
  const began = performance.now()
  for (;;) {
    const answer = await send(request)
    const elapsed = (performance.now() - began) / 1000
    if (answer.status === status || elapsed > seconds) return { ...answer, seconds: elapsed }
    await wait(100)
  }
}

/** Eight clients, half of them with keep-alive, until the second line of input. */
async function load({ requests }: Extract<Job, { kind: 'load' }>): Promise<LoadOutcome> {
  let isOver = false
  void stopped.promise.then(() => {
    isOver = true
  })
  const failures: Record<string, number> = {}
  let served = 0
  let failed = 0
  let longestGap = 0
  let without = 0
  let lastGood = performance.now()
  const client = async (keepAlive: boolean): Promise<void> => {
    const agent = new Agent({ keepAlive, maxSockets: 1 })
    while (!isOver) {
      for (const request of requests) {
        const { status, error, headers, body, isReused } = await send(request, agent)
        const good = status === 200 && headers['access-control-allow-origin'] !== undefined
        const what = (): string =>
          `${isReused ? 'kept' : 'new'} connection, ${request.method ?? 'GET'}: ${error ?? `${status} ${excerpt(body)}`}`
        if (good) {
          served++
          const gap = (performance.now() - lastGood) / 1000
          if (gap > longestGap) longestGap = gap
          if (gap > 1) without += gap
          lastGood = performance.now()
        } else {
          failed++
          failures[what()] = (failures[what()] ?? 0) + 1
        }
        await wait(good ? 20 : 100)
      }
    }
    agent.destroy()
  }
  await Promise.all([true, false, true, false, true, false, true, false].map(client))
  return { served, failed, failures, longestGap, secondsWithout: without }
}

/** The words of an error body, without what is another one each time. */
const excerpt = (body: string): string =>
  /<Code>.*?<\/Code>(?:<Message>.*?<\/Message>)?/s.exec(Buffer.from(body, 'base64').toString())?.[0] ?? ''

async function slowPut({
  request,
  bytes,
  seconds,
}: Extract<Job, { kind: 'slow-put' }>): Promise<SlowOutcome> {
  const began = performance.now()
  const pieces = seconds * 4
  const { promise, resolve } = Promise.withResolvers<SlowOutcome>()
  const outcome = (status: number, error?: string): SlowOutcome => ({
    status,
    bytes: sent,
    seconds: (performance.now() - began) / 1000,
    sha256: hash.digest('hex'),
    ...(error === undefined ? {} : { error }),
  })
  const hash = createHash('sha256')
  let sent = 0
  const upload = startRequest(
    request.url,
    { method: 'PUT', agent: false, headers: { 'content-length': String(bytes), ...request.headers } },
    (response) => {
      response.resume().on('end', () => resolve(outcome(response.statusCode ?? 0)))
      response.on('error', (error) => resolve(outcome(0, error.message)))
    },
  )
  upload.on('error', (error) => resolve(outcome(0, error.message)))
  for (let index = 0; index < pieces && !upload.destroyed; index++) {
    const size = index === pieces - 1 ? bytes - sent : Math.floor(bytes / pieces)
    const piece = Buffer.alloc(size, index)
    hash.update(piece)
    sent += size
    upload.write(piece)
    await wait(250)
  }
  upload.end()
  return promise
}

/** Reads at a constant rate, so that all kernel buffers on the way stay full. */
function slowGet({ request, bytes, seconds }: Extract<Job, { kind: 'slow-get' }>): Promise<SlowOutcome> {
  return new Promise((resolve) => {
    const began = performance.now()
    const hash = createHash('sha256')
    let received = 0
    const outcome = (status: number, error?: string): SlowOutcome => ({
      status,
      bytes: received,
      seconds: (performance.now() - began) / 1000,
      sha256: hash.digest('hex'),
      ...(error === undefined ? {} : { error }),
    })
    const hangs = setTimeout(() => resolve(outcome(0, 'hangs')), (seconds + 60) * 1000)
    const done = (end: SlowOutcome): void => {
      clearTimeout(hangs)
      resolve(end)
    }
    const download = startRequest(
      request.url,
      { agent: false, headers: request.headers ?? {} },
      async (response) => {
        try {
          for await (const piece of response as AsyncIterable<Buffer>) {
            hash.update(piece)
            received += piece.length
            const ahead = (received / bytes) * seconds * 1000 - (performance.now() - began)
            if (ahead > 20) await wait(ahead)
          }
          done(outcome(response.statusCode ?? 0))
        } catch (error) {
          done(outcome(0, String(error)))
        }
      },
    )
    download.on('error', (error) => done(outcome(0, error.message)))
    download.end()
  })
}
