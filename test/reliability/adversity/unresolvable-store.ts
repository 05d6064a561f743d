/** A store whose name cannot be resolved, from the start or temporarily, or whose resolver never answers. */

import { setTimeout as wait } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { inBatches, largest } from './batches.ts'
import { judgeHealthy } from './client.ts'
import { timeUntil } from './rules-api.ts'
import { origin, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

const preload = fileURLToPath(new URL('preload-names.ts', import.meta.url))
const upstreamTimeout = 1_000
const mostRecovery = 1_000

/** What the resolver does, and the status that a page must be able to read. */
const troubles = [
  { mode: 'fail', status: 502 },
  { mode: 'hang', status: 504 },
  { mode: 'fail', status: 502 },
] as const

export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    const store = await startHttpStore(answerWithObject)
    const sidecar = await startSidecar({
      upstream: `http://store.invalid:${store.port}`,
      rules,
      flags: ['--upstream-timeout', `${upstreamTimeout}ms`],
      nodeFlags: ['--import', preload],
    })
    try {
      const wrong: string[] = []
      const recoveries: number[] = []
      for (const { mode, status } of troubles) {
        await sidecar.tell(mode)
        wrong.push(...(await refusedWith(sidecar, status, count)))
        await sidecar.tell('resolve')
        recoveries.push((await timeUntil(() => isServed(sidecar), 10_000)) ?? Infinity)
        // A kept connection needs no lookup, so the next case begins when none is left.
        await wait(5_000)
      }
      const slowest = largest(recoveries)
      return {
        measured: `${3 * count} requests while the name did not resolve, ${wrong.length} wrong answers${wrong.length === 0 ? '' : ` (${[...new Set(wrong)].slice(0, 3).join('; ')})`}; served again ${slowest.toFixed(0)} ms after it did at the latest`,
        held: wrong.length === 0 && slowest <= mostRecovery && sidecar.isAlive(),
      }
    } finally {
      await sidecar.end()
      await store.close()
    }
  })
}

const headers = { Origin: origin }

async function isServed({ data }: Sidecar): Promise<boolean> {
  const answer = await exchange(`${data}/bucket/object`, { headers })
  return judgeHealthy(answer, 'object') === undefined
}

/** The problems of those of `count` requests that were not refused with `status` and the CORS headers. */
async function refusedWith({ data }: Sidecar, wanted: number, count: number): Promise<readonly string[]> {
  const answers = await inBatches(count, 20, (index) =>
    exchange(
      `${data}/bucket/object`,
      index % 2 === 0 ? { headers } : { method: 'PUT', headers, body: 'x' },
    ).then(
      (answer) =>
        answer.status === wanted && answer.headers['access-control-allow-origin'] === origin
          ? undefined
          : `${answer.status}`,
      String,
    ),
  )
  return answers.filter((problem) => problem !== undefined)
}
