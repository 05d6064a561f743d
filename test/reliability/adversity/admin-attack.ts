/** An attacker who sends anything to the admin port, which answers /metrics to everybody. */

import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { exchange, preflight } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { openConnections } from './client.ts'
import { origin, residentMegabytes, rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

const buckets = 150
const scrape = 'GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n'

/** Each attack uses its own connections and reads no response. */
const attacks: readonly ((socket: Socket) => void)[] = [
  // A packet of 64 KB.
  (socket) => socket.write(scrape.repeat(1_985)),
  // As many as are served.
  (socket) => socket.write(scrape.repeat(60)),
  (socket) => socket.write(`GET /metrics HTTP/1.1\r\nHost: x\r\nX: ${'%&'.repeat(7_000)}\r\n\r\n`),
  (socket) =>
    socket.write(`POST /-/sign-in HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n${'%'.repeat(7_000)}`),
]

/** How much slower the data port's 99th percentile may get, in milliseconds. */
const mostDelay = 50
const mostMegabytes = 96

/** `count`: rounds of the attack, a quarter of a second each. */
export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    for (let bucket = 0; bucket < buckets; bucket++)
      await writeFile(join(rules, `bucket-${bucket}.yaml`), rulesFor(bucket))
    const store = await startHttpStore(answerWithObject)
    // The heap limit in the manifests.
    const nodeFlags = ['--max-old-space-size=192']
    const sidecar = await startSidecar({ upstream: store.url, rules, nodeFlags })
    try {
      return await attack(sidecar, count)
    } finally {
      await sidecar.end()
      await store.close()
    }
  })
}

async function attack(sidecar: Sidecar, rounds: number): Promise<Measured> {
  await useEveryBucket(sidecar)
  const idle = p99(await preflightTimes(sidecar, wait(3_000)))
  const before = await residentMegabytes(sidecar.pid)
  const sockets: Socket[] = []
  const failures: string[] = []
  let peak = before
  const attacked = (async (): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      for (const socket of await openConnections(sidecar.adminPort, 8)) {
        sockets.push(socket.pause())
        attacks[round % attacks.length]?.(socket)
      }
      await wait(250)
      const probe = await exchange(`${sidecar.admin}/healthz`).catch((error: unknown) => String(error))
      if (typeof probe === 'string' || probe.status !== 200) failures.push('a probe was not answered')
      if (sidecar.isAlive()) peak = Math.max(peak, await residentMegabytes(sidecar.pid))
    }
  })()
  const times = await preflightTimes(sidecar, attacked).catch((error: unknown) => {
    failures.push(String(error))
    return [Number.POSITIVE_INFINITY]
  })
  for (const socket of sockets) socket.destroy()
  const slow = p99(times)
  const alive = sidecar.isAlive()
  return {
    measured: `${sockets.length} hostile connections, ${times.length} preflights meanwhile: p99 ${slow.toFixed(1)} ms (idle ${idle.toFixed(1)} ms), slowest ${Math.max(...times).toFixed(0)} ms; resident set ${before.toFixed(0)} MB, then ${peak.toFixed(0)} MB at most; ${failures.length} failures${failures.length === 0 ? '' : ` (${[...new Set(failures)].join('; ')})`}${alive ? '' : '; the process died'}`,
    held: alive && failures.length === 0 && slow <= idle + mostDelay && peak - before <= mostMegabytes,
  }
}

/** Gives the metrics a series for every bucket. */
async function useEveryBucket({ data }: Sidecar): Promise<void> {
  for (let bucket = 0; bucket < buckets; bucket++)
    for (const from of [origin, 'https://evil.example'])
      await exchange(`${data}/bucket-${bucket}/object`, preflight(from))
}

/** Times of preflights, one after the other with pauses of 5 ms, until `over` resolves. In milliseconds. */
async function preflightTimes({ data }: Sidecar, over: Promise<unknown>): Promise<readonly number[]> {
  const agent = new Agent({ keepAlive: true })
  const times: number[] = []
  let isOver = false
  const ended = over.finally(() => {
    isOver = true
  })
  while (!isOver) {
    const started = performance.now()
    await exchange(`${data}/bucket-1/object`, { ...preflight(origin), agent })
    times.push(performance.now() - started)
    await wait(5)
  }
  await ended
  agent.destroy()
  return times
}

const p99 = (times: readonly number[]): number =>
  times.toSorted((one, other) => one - other)[Math.floor(times.length * 0.99)] ?? Number.NaN
