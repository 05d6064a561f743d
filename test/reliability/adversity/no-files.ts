/**
 * No file descriptors left (EMFILE): established connections are served, rules stay, the process survives, and
 * missed changes are applied later. New connections cannot be accepted without a descriptor.
 */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { promisify } from 'node:util'
import { exchange } from '../../serve/exchange.ts'
import type { Measured } from '../figure.ts'
import { largest } from './batches.ts'
import { apiFlags, liveMaxAge, putRules, timeUntil } from './rules-api.ts'
import { rulesFor, type Sidecar, startSidecar, withRules } from './sidecar.ts'
import { answerWithObject, startHttpStore } from './store.ts'

const run = promisify(execFile)
const mostRecovery = 5_000
/** Longer than the rescan interval of the rules directory. */
const hardship = 5_200

interface Round {
  readonly served: number
  readonly failed: number
  readonly refused: number
  readonly kept: boolean
  readonly recovery: number | undefined
}

export function withoutFiles(rounds: number): Promise<Measured> {
  return withRules(async (rules) => {
    const folder = await mkdtemp(join(tmpdir(), 'adversity-keys-'))
    const store = await startHttpStore(answerWithObject)
    const sidecar = await startSidecar({ upstream: store.url, rules, flags: await apiFlags(folder) })
    try {
      const came: Round[] = []
      for (let round = 1; round <= rounds; round++) came.push(await oneRound(sidecar, rules, round * 10))
      return judge(came, sidecar.isAlive())
    } finally {
      await sidecar.end()
      await store.close()
      await rm(folder, { recursive: true })
    }
  })
}

/** Open descriptors stay open. With a limit of 3, the standard streams, nothing else can be opened. */
async function limitFiles({ pid }: Sidecar, most: number): Promise<void> {
  await run('prlimit', ['--pid', String(pid), `--nofile=${most}:`])
}

async function oneRound(sidecar: Sidecar, rules: string, maxAge: number): Promise<Round> {
  const { data } = sidecar
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  try {
    if ((await putRules(data, maxAge, agent)) !== 200) throw new Error('no rules can be put')
    await exchange(`${data}/bucket/object`, { agent })
    await limitFiles(sidecar, 3)
    const refused = await putRules(data, maxAge + 1, agent).catch(() => 0)
    const kept = (await liveMaxAge(data, agent).catch(() => undefined)) === maxAge
    // The rules change while the directory cannot be read.
    await writeFile(join(rules, 'bucket.yaml'), rulesFor(maxAge + 2))
    const { served, failed } = await serveOn(data, agent)
    await limitFiles(sidecar, 20_000)
    const recovery = await timeUntil(async () => (await liveMaxAge(data)) === maxAge + 2, 3 * mostRecovery)
    return { refused, kept, served, failed, recovery }
  } finally {
    agent.destroy()
  }
}

/** Requests on the established connection, and how many failed. */
async function serveOn(data: string, agent: Agent): Promise<{ served: number; failed: number }> {
  let served = 0
  let failed = 0
  for (const started = performance.now(); performance.now() - started < hardship; await wait(20)) {
    const status = await exchange(`${data}/bucket/object`, { agent }).then(
      ({ status }) => status,
      () => 0,
    )
    if (status === 200) served++
    else failed++
  }
  return { served, failed }
}

function judge(rounds: readonly Round[], alive: boolean): Measured {
  const served = rounds.reduce((sum, round) => sum + round.served, 0)
  const failed = rounds.reduce((sum, round) => sum + round.failed, 0)
  const refusals = rounds.filter(({ refused }) => refused === 500 || refused === 503).length
  const kept = rounds.filter((round) => round.kept).length
  const recovered = rounds.filter(({ recovery = Infinity }) => recovery <= mostRecovery)
  const slowest = largest(rounds.map(({ recovery = Infinity }) => recovery))
  return {
    measured: `EMFILE: ${served + failed} requests on open connections, ${failed} failed, ${refusals} of ${rounds.length} changes refused with 500 or 503, old rules kept ${kept} times, ${recovered.length} recoveries within 5 s (slowest ${slowest.toFixed(0)} ms)${alive ? '' : '; the process died'}`,
    held:
      alive && failed === 0 && [refusals, kept, recovered.length].every((times) => times === rounds.length),
  }
}
