/** Figure 2: how long a change of the rules directory takes to reach a client. The program gets no signal. */

import { rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { folderWith, kubeletWrite, pointLink, replace } from '../rules/directory.ts'
import { currentGeneration, generationFile } from '../serve/generations.ts'
import type { Program } from '../serve/program.ts'
import type { Measured } from './figure.ts'
import { type Serving, type ServingOptions, whileServing } from './serving.ts'

const mostForRename = 1_000
const mostForLostEvents = 10_000

const files = (generation: number): Record<string, string> => ({ 'site.yaml': generationFile(generation) })

export async function measureTakesEffect(renames: number, swaps: number): Promise<Measured> {
  const renamed = await renamedFiles(renames)
  const others: string[] = []
  let slowest = 0
  for (const change of changes) {
    const milliseconds = await whileServing({ files: files(1), ...change }, (serving) =>
      eachOf(swaps, 2, (generation) => change.make(serving, generation), serving.program),
    )
    others.push(`${change.name} ${inSeconds(milliseconds.at(-1))}`)
    slowest = Math.max(slowest, milliseconds.at(-1) ?? Number.POSITIVE_INFINITY)
  }
  const p99 = quantile(renamed, 0.99)
  return {
    measured: `${renames} renames: p50 ${inSeconds(quantile(renamed, 0.5))}, p99 ${inSeconds(p99)}, slowest ${inSeconds(renamed.at(-1))}; ${swaps} of each, the slowest: ${others.join(', ')}`,
    held: p99 <= mostForRename && slowest <= mostForLostEvents,
  }
}

const renamedFiles = (times: number): Promise<readonly number[]> =>
  whileServing({ files: files(1) }, ({ program, rules }) =>
    eachOf(times, 2, (generation) => replace(rules, 'site.yaml', generationFile(generation)), program),
  )

/** Milliseconds from each change to its effect, ascending. */
async function eachOf(
  times: number,
  first: number,
  change: (generation: number) => Promise<unknown>,
  { data }: Program,
): Promise<readonly number[]> {
  const milliseconds: number[] = []
  for (let generation = first; generation < first + times; generation++) {
    const before = performance.now()
    const made = await change(generation)
    const began = typeof made === 'number' ? made : before
    while ((await currentGeneration(data, 'site')) !== generation) {
      if (performance.now() - began > 60_000) throw new Error(`generation ${generation} never took effect`)
      await pause(5)
    }
    milliseconds.push(performance.now() - began)
    // At varying moments between two of the program's own looks at the directory.
    await pause(Math.random() * 200)
  }
  return milliseconds.sort((a, b) => a - b)
}

interface Change extends Pick<ServingOptions, 'prepare'> {
  readonly name: string
  /** Resolves with `performance.now()` of the change, if that was later than its start. */
  readonly make: (serving: Serving, generation: number) => Promise<unknown>
}

/** Changes for which the file watcher gets no events, or wrong ones. */
const changes: readonly Change[] = [
  {
    name: 'ConfigMap swapped',
    async prepare(place, first) {
      const mount = await folderWith(join(place, 'rules'), {})
      await kubeletWrite(mount, first)
      return mount
    },
    make: ({ rules }, generation) => kubeletWrite(rules, files(generation)),
  },
  {
    name: 'linked directory swapped',
    async prepare(place, first) {
      await folderWith(join(place, 'v1'), first)
      await pointLink(join(place, 'rules'), 'v1')
      return join(place, 'rules')
    },
    async make({ place, rules }, generation) {
      await folderWith(join(place, `v${generation}`), files(generation))
      await pointLink(rules, `v${generation}`)
    },
  },
  {
    name: 'directory deleted and created again',
    async make({ rules }, generation) {
      await rm(rules, { recursive: true })
      await folderWith(rules, files(generation))
    },
  },
  {
    name: 'another directory moved in',
    async make({ place, rules }, generation) {
      await folderWith(join(place, 'next'), files(generation))
      await rename(rules, join(place, `old-${generation}`))
      await rename(join(place, 'next'), rules)
    },
  },
  {
    name: 'directory created long after it was deleted',
    async make({ rules }, generation) {
      await rm(rules, { recursive: true })
      // Longer than the interval between two rescans.
      await pause(12_000)
      const made = performance.now()
      await folderWith(rules, files(generation))
      return made
    },
  },
]

const quantile = (ascending: readonly number[], share: number): number =>
  ascending[Math.max(0, Math.ceil(share * ascending.length) - 1)] ?? Number.POSITIVE_INFINITY

const inSeconds = (milliseconds = Number.POSITIVE_INFINITY): string => `${(milliseconds / 1000).toFixed(2)} s`
