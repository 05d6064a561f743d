/** A heap of 64 MB: 1,000 buckets, a reload every second, streams both ways and 200 connections. */

import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { origin, residentMegabytes, rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { startHttpStore } from './store.ts'

const buckets = 1_000
const connections = 200
const large = Buffer.alloc(8 * 1024 * 1024, 'large')
const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const wanted = digest(large)

/** `count`: duration in seconds. */
export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    for (let bucket = 0; bucket < buckets; bucket++)
      await writeFile(join(rules, `bucket-${bucket}.yaml`), rulesFor(bucket))
    const store = await startHttpStore((request, response) => {
      const hash = createHash('sha256')
      request.on('data', (piece) => hash.update(piece))
      request.on('end', () =>
        request.method === 'PUT' ? response.end(hash.digest('hex')) : response.end(sizeOf(request.url)),
      )
    })
    const nodeFlags = ['--max-old-space-size=64']
    const sidecar = await startSidecar({ upstream: store.url, rules, nodeFlags })
    const agent = new Agent({ keepAlive: true, maxSockets: connections })
    try {
      const until = performance.now() + count * 1_000
      const samples: number[] = []
      const [small, streams, reloads] = await Promise.all([
        repeat(connections, until, (index) => sendSmall(sidecar, agent, index)),
        repeat(4, until, (index) => stream(sidecar, index)),
        repeat(1, until, async (turn) => {
          samples.push(await residentMegabytes(sidecar.pid))
          return reload(sidecar, rules, turn)
        }),
      ])
      return judge({ small, streams, reloads }, largest(samples), sidecar.isAlive())
    } finally {
      agent.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}

const sizeOf = (url = ''): Buffer | string => (url.endsWith('/large') ? large : 'small')

/** What went wrong; `undefined` when nothing did. */
type Outcome = string | undefined

/** Runs `atOnce` loops of `act` until the time is over. */
async function repeat(
  atOnce: number,
  until: number,
  act: (turn: number) => Promise<Outcome>,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = []
  let turn = 0
  const work = async (): Promise<void> => {
    while (performance.now() < until)
      outcomes.push(await act(turn++).catch((error: unknown) => String(error)))
  }
  await Promise.all(Array.from({ length: atOnce }, work))
  return outcomes
}

async function sendSmall({ data }: Sidecar, agent: Agent, turn: number): Promise<Outcome> {
  const url = `${data}/bucket-${turn % buckets}/small`
  const { status, headers } = await exchange(url, { headers: { Origin: origin }, agent })
  // The point is 200 connections, not the maximum request rate.
  await wait(100)
  return status === 200 && headers['access-control-allow-origin'] === origin ? undefined : `small: ${status}`
}

async function stream({ data }: Sidecar, turn: number): Promise<Outcome> {
  const url = `${data}/bucket-${turn % buckets}/large`
  const isUpload = turn % 2 === 0
  const { status, body } = await exchange(url, isUpload ? { method: 'PUT', body: large } : {})
  const hash = isUpload ? body.toString() : digest(body)
  return status === 200 && hash === wanted ? undefined : `stream: ${status}`
}

async function reload({ admin }: Sidecar, rules: string, turn: number): Promise<Outcome> {
  await writeFile(join(rules, `bucket-${turn % buckets}.yaml`), rulesFor(5_000 + turn))
  const { status } = await exchange(`${admin}/-/reload`, { method: 'POST' })
  await wait(1_000)
  return status === 200 ? undefined : `reload: ${status}`
}

function judge(
  outcomes: Readonly<Record<'small' | 'streams' | 'reloads', readonly Outcome[]>>,
  peak: number,
  alive: boolean,
): Measured {
  const { small, streams, reloads } = outcomes
  const failed = [...small, ...streams, ...reloads].filter((outcome) => outcome !== undefined)
  const words = failed.length === 0 ? '' : ` (${[...new Set(failed)].slice(0, 3).join('; ')})`
  return {
    measured: `${buckets} buckets, ${connections} connections: ${small.length} small requests, ${streams.length} streams of 8 MB with equal SHA-256, ${reloads.length} reloads, ${failed.length} failed${words}, resident set ${peak.toFixed(0)} MB at most${alive ? '' : '; the process died'}`,
    held: alive && failed.length === 0 && [small, streams, reloads].every(({ length }) => length > 0),
  }
}
