import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { report } from '../reliability/report.ts'
import { folderWith, replace } from '../rules/directory.ts'
import { adminJson, exchange, metric } from './exchange.ts'
import { currentGeneration, generationFile, generationOf, pageRequests } from './generations.ts'
import { endProgram, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

const reloadsAtMost = Number(process.env.RELOADS ?? 200)

let rules = ''
let store: TestStore

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'reload-load-')), {})
  store = await startStore()
})

afterAll(async () => {
  await store.close()
  await rm(rules, { recursive: true })
})

interface Load {
  /** `false`: a new connection for each request. */
  readonly agent: Agent | false
  /** A single process answers all of them. */
  readonly isOrdered: boolean
  readonly isOver: () => boolean
}

interface Met {
  readonly answered: number
  readonly problems: readonly string[]
}

/** Sends one request after the other until `isOver`. */
async function client(data: string, { agent, isOrdered, isOver }: Load): Promise<Met> {
  const problems: string[] = []
  let answered = 0
  let latest = 0
  while (!isOver()) {
    for (const sent of pageRequests) {
      // Not at full speed, because the machine is shared; it is enough that requests are always running.
      await pause(5)
      const seen = await exchange(`${data}/site/object`, { ...sent, agent }).then(generationOf, String)
      if (typeof seen === 'string') problems.push(`a failed or mixed answer: ${seen}`)
      else if (isOrdered && seen < latest) problems.push(`generation ${seen} after ${latest}`)
      else {
        latest = seen
        answered++
      }
    }
  }
  return { answered, problems }
}

test.each([
  [reloadsAtMost, 1],
  [Math.ceil(reloadsAtMost / 5), 2],
])(
  '%i reloads with workers: %i fail no request, mix no generations in an answer, and never go back',
  { timeout: 50_000 + 1_000 * reloadsAtMost },
  async (reloads, workers) => {
    await replace(rules, 'site.yaml', generationFile(1))
    const program = await startProgram(store.url, rules, ['--workers', String(workers)])
    onTestFinished(() => endProgram(program))
    const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
    let isOver = false
    const clients = [...agents, false as const, false as const].map((agent) =>
      client(program.data, { agent, isOrdered: agent !== false || workers === 1, isOver: () => isOver }),
    )
    const generations: unknown[] = []
    for (let next = 2; next <= reloads + 1; next++) {
      await replace(rules, 'site.yaml', generationFile(next))
      await adminJson(program.admin, '/-/reload', 'POST')
      generations.push(await currentGeneration(program.data, 'site'))
    }
    isOver = true
    const done = await Promise.all(clients)
    for (const agent of agents) agent.destroy()
    const answered = done.reduce((sum, { answered }) => sum + answered, 0)
    const problems = done.flatMap(({ problems }) => problems)
    report({ reloads: generations.length, answered, problems: problems.length })

    expect(problems).toEqual([])
    expect(generations).toEqual(Array.from({ length: reloads }, (_, index) => index + 2))
    // Many requests must have met each reload, or nothing was proved.
    expect(answered).toBeGreaterThan(reloads * 10)
    expect(await metric(program.admin, 'cors_sidecar_rules_generation')).toBe(reloads + 1)
    expect(await metric(program.admin, 'cors_sidecar_rules_reloads_total{result="failed"}')).toBe(0)
    expect((await metric(program.admin, 'cors_sidecar_worker_restarts_total')) ?? 0).toBe(0)
  },
)
