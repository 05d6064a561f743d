import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { folderWith, replace } from '../rules/directory.ts'
import { adminJson, exchange, metric } from './exchange.ts'
import { currentGeneration, generationFile, generationOf, pageRequests } from './generations.ts'
import { endProgram, type Program, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

const reloads = process.env.NIGHTLY === '1' ? 10_000 : 200

let rules = ''
let store: TestStore
let program: Program

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'reload-load-')), { 'site.yaml': generationFile(1) })
  store = await startStore()
  program = await startProgram(store.url, rules)
})

afterAll(async () => {
  await endProgram(program)
  await store.close()
  await rm(rules, { recursive: true })
})

interface Client {
  readonly answered: number
  readonly problems: readonly string[]
}

/** Sends one request after the other until told to stop. */
async function client(agent: Agent | false, isOver: () => boolean): Promise<Client> {
  const problems: string[] = []
  let answered = 0
  let latest = 0
  while (!isOver()) {
    for (const sent of pageRequests) {
      // Not as fast as can be: the machine is shared, and what matters is that requests are under way at every moment.
      await pause(5)
      const seen = await exchange(`${program.data}/site/object`, { ...sent, agent }).then(
        generationOf,
        String,
      )
      if (typeof seen === 'string') problems.push(`a failed or mixed answer: ${seen}`)
      else if (seen < latest) problems.push(`generation ${seen} after ${latest}`)
      else {
        latest = seen
        answered++
      }
    }
  }
  return { answered, problems }
}

test(`${reloads} reloads fail no request, mix no generations in an answer, and never go back`, {
  timeout: reloads * 1000,
}, async () => {
  const agents = Array.from({ length: 4 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  let isOver = false
  const clients = [...agents, false as const, false as const].map((agent) => client(agent, () => isOver))
  const generations: unknown[] = []
  for (let next = 2; next <= reloads + 1; next++) {
    await replace(rules, 'site.yaml', generationFile(next))
    await adminJson(program.admin, '/-/reload', 'POST')
    generations.push(await currentGeneration(program.data, 'site'))
  }
  isOver = true
  const done = await Promise.all(clients)
  for (const agent of agents) agent.destroy()

  expect(done.flatMap(({ problems }) => problems)).toEqual([])
  expect(generations).toEqual(Array.from({ length: reloads }, (_, index) => index + 2))
  // Many requests met each reload, or nothing was shown.
  expect(done.reduce((sum, { answered }) => sum + answered, 0)).toBeGreaterThan(reloads * 10)
  expect(await metric(program.admin, 'cors_sidecar_rules_generation')).toBe(reloads + 1)
  expect(await metric(program.admin, 'cors_sidecar_rules_reloads_total{result="failed"}')).toBe(0)
})
