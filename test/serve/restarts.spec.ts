import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, createServer, request as startRequest } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { messageOf } from '../../src/text/system-error.ts'
import { report } from '../reliability/report.ts'
import { folderWith } from '../rules/directory.ts'
import { exchange } from './exchange.ts'
import { generationFile } from './generations.ts'
import { endProgram, type Program, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

const restarts = Number(process.env.RESTARTS ?? 2)
/** How long a load balancer takes to notice that a process is ending. */
const noticeMilliseconds = 1_000
const clients = 16

let rules = ''
let store: TestStore

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'restarts-')), { 'site.yaml': generationFile(1) })
  store = await startStore()
})

afterAll(async () => {
  await store.close()
  await rm(rules, { recursive: true })
})

/** Passes requests in turn to the processes that it knows, over kept or new connections. Never retries. */
async function startBalancer(keepAlive: boolean) {
  const agent = new Agent({ keepAlive })
  let targets: readonly string[] = []
  let turn = 0
  const server = createServer((request, response) => {
    const target = targets[turn++ % targets.length]
    const { method, headers, url } = request
    const outgoing = startRequest(`${target}${url}`, {
      agent,
      method,
      headers: { ...headers, connection: 'keep-alive' },
    })
    outgoing.on('response', (answer) => {
      const { connection: _, ...lines } = answer.headers
      answer.on('error', () => response.destroy())
      answer.pipe(response.writeHead(answer.statusCode ?? 0, lines))
    })
    outgoing.on('error', (error) =>
      response.headersSent ? response.destroy() : response.writeHead(599).end(String(error)),
    )
    request.pipe(outgoing)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
    agent.destroy()
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    use(programs: readonly Program[]) {
      targets = programs.map(({ data }) => data)
    },
  }
}

/** Sends one request after the other until `isOver`, including uploads. Returns the failures. */
async function load(url: string, isOver: () => boolean, counts: { sent: number }): Promise<string[]> {
  const agent = new Agent({ keepAlive: true })
  const failures: string[] = []
  while (!isOver()) {
    const isUpload = counts.sent++ % 4 === 0
    const sent = isUpload ? { method: 'PUT', body: 'x'.repeat(1_000), agent } : { agent }
    try {
      const { status, body } = await exchange(`${url}/site/object`, sent)
      if (status !== 200) failures.push(`${status} ${body}`)
    } catch (error) {
      failures.push(messageOf(error))
    }
    await wait(Math.random() * 10)
  }
  agent.destroy()
  return failures
}

test.each([
  ['keeps its connections', true],
  ['opens one for each request', false],
])(
  'restarts under load lose no request behind a balancer that %s',
  {
    timeout: 60_000 + restarts * 20_000,
  },
  async (_, keepAlive) => {
    const serve = async (): Promise<Program> => {
      const program = await startProgram(store.url, rules)
      onTestFinished(() => endProgram(program))
      return program
    }
    const balancer = await startBalancer(keepAlive)
    let current = await serve()
    balancer.use([current])
    let isOver = false
    const counts = { sent: 0 }
    const loads = Array.from({ length: clients }, () => load(balancer.url, () => isOver, counts))
    for (let i = 0; i < restarts; i++) {
      const next = await serve()
      balancer.use([current, next])
      await wait(300)
      current.signal('SIGTERM')
      await wait(noticeMilliseconds)
      balancer.use([next])
      expect(await current.ended).toMatchObject({ code: 0, signal: null })
      current = next
    }
    isOver = true
    const failures = (await Promise.all(loads)).flat()
    report({ restarts, requests: counts.sent, failed: failures.length })
    expect(failures).toEqual([])
  },
)
