/** A rules directory that is temporarily not writable: API calls fail, the old rules stay, requests are served. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { describeFared, sendSteadily } from './client.ts'
import { apiFlags, liveMaxAge, putRules, timeUntil } from './rules-api.ts'
import { rulesFor, type Sidecar, startSidecar } from './sidecar.ts'
import { type SmallDisk, withSmallDisk } from './small-disk.ts'
import { answerWithObject, startHttpStore } from './store.ts'

/** How long until a change works again, in milliseconds. */
const mostRecovery = 5_000

/** One outage: the API's response, whether the old rules stayed, and how long the recovery took. */
interface Round {
  readonly refused: number
  readonly kept: boolean
  readonly recovery: number | undefined
}

export async function rulesOnBadDisk(kind: 'ENOSPC' | 'EROFS', rounds: number): Promise<Measured> {
  return withSmallDisk(async (disk) => {
    await writeFile(join(disk.path, 'bucket.yaml'), rulesFor(1))
    const folder = await mkdtemp(join(tmpdir(), 'adversity-keys-'))
    const store = await startHttpStore(answerWithObject)
    const flags = await apiFlags(folder)
    const sidecar = await startSidecar({ upstream: store.url, rules: disk.path, flags })
    const steady = sendSteadily(sidecar.data)
    try {
      const came: Round[] = []
      for (let round = 1; round <= rounds; round++) came.push(await oneRound(kind, disk, sidecar, round * 10))
      return judge(kind, came, await steady.stop(), sidecar.isAlive())
    } finally {
      await steady.stop()
      await sidecar.end()
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
}

async function oneRound(
  kind: 'ENOSPC' | 'EROFS',
  disk: SmallDisk,
  { data }: Sidecar,
  maxAge: number,
): Promise<Round> {
  if ((await putRules(data, maxAge)) !== 200) throw new Error('the healthy disk takes no rules')
  if (kind === 'ENOSPC') await disk.fill()
  else await disk.setReadOnly(true)
  const refused = await putRules(data, maxAge + 1)
  const kept = (await liveMaxAge(data)) === maxAge
  if (kind === 'ENOSPC') await disk.free()
  else await disk.setReadOnly(false)
  const recovery = await timeUntil(
    async () => (await putRules(data, maxAge + 2)) === 200 && (await liveMaxAge(data)) === maxAge + 2,
    2 * mostRecovery,
  )
  return { refused, kept, recovery }
}

function judge(
  kind: string,
  rounds: readonly Round[],
  fared: Parameters<typeof describeFared>[0],
  alive: boolean,
): Measured {
  const refusals = rounds.filter(({ refused }) => refused === 500 || refused === 503).length
  const kept = rounds.filter((round) => round.kept).length
  const recovered = rounds.filter(({ recovery = Infinity }) => recovery <= mostRecovery)
  const slowest = largest(recovered.map(({ recovery = 0 }) => recovery))
  return {
    measured: `${kind}: ${refusals} of ${rounds.length} changes refused with 500 or 503, old rules kept ${kept} times, ${recovered.length} recoveries within 5 s (slowest ${slowest.toFixed(0)} ms), ${describeFared(fared)}`,
    held:
      alive &&
      fared.failures.length === 0 &&
      [refusals, kept, recovered.length].every((times) => times === rounds.length),
  }
}
