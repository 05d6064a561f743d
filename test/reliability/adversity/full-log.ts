/**
 * A log on a full disk: requests continue, memory is bounded, and complete lines appear again once there is space.
 */

import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { describeFared, sendSteadily } from './client.ts'
import { timeUntil } from './rules-api.ts'
import { residentMegabytes, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { withSmallDisk } from './small-disk.ts'
import { answerWithObject, startHttpStore } from './store.ts'

const mostRecovery = 5_000
/** At most 16 MB of log wait in memory. */
const mostGrowth = 64

export async function logOnFullDisk(rounds: number): Promise<Measured> {
  return withSmallDisk((disk) =>
    withRules(async (rules) => {
      const store = await startHttpStore(answerWithObject)
      const log = join(disk.path, 'log')
      const sidecar = await startSidecar({ upstream: store.url, rules, log })
      const steady = sendSteadily(sidecar.data, undefined, 10)
      try {
        await wait(500)
        const before = await residentMegabytes(sidecar.pid)
        const recoveries: (number | undefined)[] = []
        for (let round = 0; round < rounds; round++) {
          await disk.fill()
          // Anything already on its way has reached the disk by then.
          await wait(1_000)
          const atEnd = (await sidecar.logged()).length
          await wait(2_000)
          const written = (await sidecar.logged()).length
          if (written > atEnd) throw new Error('the disk was not full: the log went on')
          await disk.free()
          recoveries.push(
            await timeUntil(async () => (await countWhole(sidecar)) > written, 2 * mostRecovery),
          )
        }
        const growth = (await residentMegabytes(sidecar.pid)) - before
        return judge(recoveries, growth, await steady.stop(), sidecar.isAlive())
      } finally {
        await steady.stop()
        await sidecar.end()
        await store.close()
      }
    }),
  )
}

/** Throws when a line is incomplete. */
const countWhole = async ({ logged }: Sidecar): Promise<number> => (await logged()).length

function judge(
  recoveries: readonly (number | undefined)[],
  growth: number,
  fared: Parameters<typeof describeFared>[0],
  alive: boolean,
): Measured {
  const recovered = recoveries.filter((recovery = Infinity) => recovery <= mostRecovery)
  const slowest = largest(recovered.map((recovery = 0) => recovery))
  return {
    measured: `log on a full disk: ${recovered.length} of ${recoveries.length} times the log continued within 5 s with every line complete (slowest ${slowest.toFixed(0)} ms), memory grew by ${growth.toFixed(0)} MB, ${describeFared(fared)}`,
    held:
      alive && recovered.length === recoveries.length && growth <= mostGrowth && fared.failures.length === 0,
  }
}
