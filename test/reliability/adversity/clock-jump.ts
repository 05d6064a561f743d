/**
 * A clock that jumps by hours and years in both directions: requests, reloads, signatures, log and metrics keep
 * working.
 */

import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { sign } from '../../bucket-cors/sign.ts'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { describeFared, sendSteadily } from './client.ts'
import { apiFlags, liveMaxAge, timeUntil } from './rules-api.ts'
import { rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

const preload = fileURLToPath(new URL('preload-clock.ts', import.meta.url))
const hour = 3_600_000
const jumps = [hour, -hour, 24 * hour, -24 * hour, 10 * 365 * 24 * hour, -10 * 365 * 24 * hour, 0]
const mostReload = 2_000

/** `count`: how often the clock makes all its jumps. */
export function measure({ count }: { readonly count: number }): Promise<Measured> {
  return withRules(async (rules) => {
    const folder = await mkdtemp(join(tmpdir(), 'adversity-keys-'))
    const store = await startHttpStore(answerWithObject)
    const flags = [...(await apiFlags(folder)), '--idle-timeout', '2s', '--upstream-timeout', '2s']
    const nodeFlags = ['--import', preload]
    const sidecar = await startSidecar({ upstream: store.url, rules, flags, nodeFlags })
    const steady = sendSteadily(sidecar.data)
    try {
      const problems: string[] = []
      const reloads: number[] = []
      for (let jump = 0; jump < count * jumps.length; jump++) {
        const shift = jumps[jump % jumps.length] ?? 0
        await sidecar.tell(String(shift))
        await writeFile(join(rules, 'bucket.yaml'), rulesFor(10 + jump))
        const isReloaded = async (): Promise<boolean> => (await liveMaxAge(sidecar.data)) === 10 + jump
        reloads.push((await timeUntil(isReloaded, 4 * mostReload)) ?? Infinity)
        problems.push(...(await problemsAt(sidecar, shift)))
      }
      const fared = await steady.stop()
      const slowest = largest(reloads)
      const lines = (await sidecar.logged()).filter(({ time }) => Number.isNaN(Date.parse(String(time))))
      return {
        measured: `${reloads.length} jumps of up to 10 years: ${problems.length} problems${problems.length === 0 ? '' : ` (${problems.slice(0, 3).join('; ')})`}, ${lines.length} log lines without a time, changed rules live within ${slowest.toFixed(0)} ms, ${describeFared(fared)}`,
        held:
          problems.length === 0 &&
          lines.length === 0 &&
          slowest <= mostReload &&
          fared.failures.length === 0 &&
          sidecar.isAlive(),
      }
    } finally {
      await steady.stop()
      await sidecar.end()
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
}

/** Signatures use the current clock, and every admin endpoint keeps working. */
async function problemsAt({ data, admin }: Sidecar, shift: number): Promise<readonly string[]> {
  const problems: string[] = []
  const now = await readRulesSigned(data, Date.now() + shift)
  if (now !== 200) problems.push(`a signature of now: ${now}`)
  const other = await readRulesSigned(data, Date.now() + shift + hour)
  if (other !== 403) problems.push(`a signature of an hour ahead: ${other}`)
  for (const path of ['/metrics', '/healthz', '/-/overview', '/-/denials', '/-/rules']) {
    const { status } = await exchange(`${admin}${path}`)
    if (status !== 200) problems.push(`${path}: ${status}`)
  }
  return problems
}

async function readRulesSigned(data: string, at: number): Promise<number> {
  const unsigned = { method: 'GET', target: '/bucket?cors', host: new URL(data).host, bucket: 'bucket' }
  const { status } = await exchange(`${data}/bucket?cors`, { headers: sign('s3', unsigned, undefined, at) })
  return status
}
