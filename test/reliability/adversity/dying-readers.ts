/** Rule files are read in child processes. Here these die while they read, as when the system is out of memory. */

import { writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { childrenOf } from '../../bench/accounting.ts'
import { replace } from '../../rules/directory.ts'
import type { Measured } from '../figure.ts'
import { describeFared, sendSteadily } from './client.ts'
import { liveMaxAge, timeUntil } from './rules-api.ts'
import { rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

interface Options {
  /** Changed files, each of whose readers is killed. */
  readonly count: number
}

/** How long after a change a reader is waited for, in milliseconds; above that of a look at the directory. */
const patience = 6_000
/** A reader needs about this long to start and read, in milliseconds. */
const longestReading = 200
const mostRecovery = 10_000

/** Some 50 KB, so that reading takes a while. */
const slowRules = (maxAge: number): string =>
  rulesFor(maxAge) +
  Array.from({ length: 80 }, (_, rule) => {
    const origins = Array.from({ length: 12 }, (__, index) => `"https://app-${index}.team-${rule}.example"`)
    return `  - {allowedOrigins: [${origins.join(', ')}], allowedMethods: [GET]}\n`
  }).join('')

export function dyingReaders({ count }: Options): Promise<Measured> {
  return withRules(async (rules) => {
    await writeFile(join(rules, 'bucket.yaml'), slowRules(1))
    const store = await startHttpStore(answerWithObject)
    const sidecar = await startSidecar({ upstream: store.url, rules })
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    try {
      const steady = sendSteadily(sidecar.data)
      let killed = 0
      let backwards = 0
      let latest = 1
      const look = async (): Promise<void> => {
        const seen = await liveMaxAge(sidecar.data, agent)
        if (seen === undefined || seen < latest) backwards++
        else latest = seen
      }
      for (let round = 1; round <= count; round++) {
        await replace(rules, 'bucket.yaml', slowRules(1 + round))
        const until = performance.now() + 2 * longestReading
        if (await killReader(sidecar)) killed++
        // The same file is read again in another process, which dies as well in every third round.
        if (round % 3 === 0 && (await killReader(sidecar))) killed++
        await look()
        await wait(Math.max(0, until - performance.now()))
      }
      const last = count + 2
      await replace(rules, 'bucket.yaml', slowRules(last))
      const recovery = await timeUntil(
        async () => (await liveMaxAge(sidecar.data, agent)) === last,
        mostRecovery,
      )
      await look()
      const fared = await steady.stop()
      return {
        measured: `${count} changed files, ${killed} processes killed as they started or read, ${latest === last ? 'the last' : 'NOT the last'} of them live after ${recovery?.toFixed(0) ?? `more than ${mostRecovery}`} ms; ${backwards} times no rules or older ones than before; ${describeFared(fared)}${sidecar.isAlive() ? '' : '; the program died'}`,
        held:
          sidecar.isAlive() &&
          killed >= count / 2 &&
          recovery !== undefined &&
          backwards === 0 &&
          fared.sent > 0 &&
          fared.failures.length === 0,
      }
    } finally {
      agent.destroy()
      await sidecar.end()
      await store.close()
    }
  })
}

/** Kills a child process of the sidecar at a random moment of its work; `false` when there was none to kill. */
async function killReader({ pid }: Sidecar): Promise<boolean> {
  const reader = await firstReader(pid)
  if (reader === undefined) return false
  await wait(Math.random() * longestReading)
  try {
    return process.kill(reader, 'SIGKILL')
  } catch {
    // It ended meanwhile.
    return false
  }
}

async function firstReader(pid: number): Promise<number | undefined> {
  for (const until = performance.now() + patience; performance.now() < until; await wait(5)) {
    const [reader] = childrenOf(pid)
    if (reader !== undefined) return reader
  }
  return undefined
}
