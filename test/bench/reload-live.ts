/**
 * How long after its rename a rule file decides, seen by a client: `node test/bench/reload-live.ts [times] [workers]`.
 * The watcher alone tells the program; other requests run meanwhile.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { Agent } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { folderWith, replace } from '../rules/directory.ts'
import { exchange } from '../serve/exchange.ts'
import { generationFile, generationOf, pageRequests } from '../serve/generations.ts'
import { endProgram, startProgram } from '../serve/program.ts'
import { startStore } from '../serve/store.ts'

const [times = 100, workers = 1] = process.argv.slice(2).map(Number)
const [preflight = {}] = pageRequests

const rules = await folderWith(await mkdtemp(join(tmpdir(), 'reload-live-')), {
  'site.yaml': generationFile(1),
})
const store = await startStore()
const program = await startProgram(store.url, rules, ['--workers', String(workers)])
const url = `${program.data}/site/object`

let isOver = false
const load = Array.from({ length: 4 }, async () => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  while (!isOver)
    for (const sent of pageRequests) {
      await exchange(url, { ...sent, agent })
      await pause(2)
    }
  agent.destroy()
})

const milliseconds: number[] = []
for (let generation = 2; generation <= times + 1; generation++) {
  const began = performance.now()
  await replace(rules, 'site.yaml', generationFile(generation))
  while (generationOf(await exchange(url, preflight)) !== generation) await pause(1)
  milliseconds.push(performance.now() - began)
  // At another moment between two of the program's own looks at the directory.
  await pause(Math.random() * 100)
}
isOver = true
await Promise.all(load)
await endProgram(program)
await store.close()
await rm(rules, { recursive: true })

milliseconds.sort((a, b) => a - b)
const at = (share: number): string => `${milliseconds[Math.ceil(share * times) - 1]?.toFixed(0)} ms`
console.log(
  `rename to effect, ${times} times, workers ${workers}: p50 ${at(0.5)}, p99 ${at(0.99)}, most ${at(1)}`,
)
