/** Figure 3: a thousand buckets of twenty rules: start time, and how long a reload blocks the event loop. */

import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'
import { folderWith } from '../rules/directory.ts'
import { adminJson, metric } from '../serve/exchange.ts'
import type { Program } from '../serve/program.ts'
import type { Measured } from './figure.ts'
import { type Serving, whileServing } from './serving.ts'

const bucketCount = 1_000
const ruleCount = 20
const mostStart = 2
const mostBlock = 50

const rule = (bucket: number, version: number, index: number): string => `  - id: rule-${index}
    allowedOrigins: ["https://app-${bucket}-${index}.example.com", "https://*.team-${index}.example.org"]
    allowedMethods: [PUT, GET, POST, DELETE, HEAD]
    allowedHeaders: ["content-*", authorization, x-cos-security-token]
    exposeHeaders: [ETag, Content-Length, x-cos-request-id]
    maxAgeSeconds: ${version}
`
const fileOf = (bucket: number, version: number): string =>
  `rules:\n${Array.from({ length: ruleCount }, (_, index) => rule(bucket, version, index)).join('')}`

/** The longest block of the event loop, in milliseconds (see loop-probe.ts). */
interface Block {
  readonly cpu: number
  readonly clock: number
}

/** Seconds from process start until it serves. */
interface Start {
  readonly clock: number
  /** CPU time, a lower bound that does not depend on other processes. */
  readonly cpu: number
}

export async function measureLargeSet(starts: number, reloads: number): Promise<Measured> {
  const seen: Start[] = []
  while (seen.length < starts) seen.push(await whileLarge(async (_serving, start) => start))
  const blocks = await whileLarge(async ({ program, rules, place }) => {
    const probe = join(place, 'loop')
    // Longer than file times are distrusted, so all files are read again in the meantime.
    await pause(5_000)
    const during = (buckets: number) =>
      longestOf(program, probe, reloads, async (version) => {
        for (let bucket = 0; bucket < buckets; bucket++) await change(rules, bucket, version)
      })
    return { one: await during(1), all: await during(bucketCount) }
  })
  // The minimum, because noise can only make a start slower.
  const fastest = Math.min(...seen.map(({ clock }) => clock))
  const inWordsOf = ({ clock, cpu }: Start): string => `${clock.toFixed(2)} s (CPU ${cpu.toFixed(2)} s)`
  return {
    measured: `starts in ${seen.map(inWordsOf).join(', ')}, the fastest counts; longest block ${inWords(blocks.one)} in ${reloads} reloads of one file, ${inWords(blocks.all)} in ${reloads} of all ${bucketCount}`,
    held: fastest <= mostStart && Math.max(blocks.one.cpu, blocks.all.cpu) <= mostBlock,
  }
}

const inWords = ({ cpu, clock }: Block): string =>
  `${cpu.toFixed(0)} ms of CPU (${clock.toFixed(0)} ms of wall-clock time)`

function whileLarge<Result>(scenario: (serving: Serving, start: Start) => Promise<Result>): Promise<Result> {
  let began = Number.NaN
  const prepare = async (place: string): Promise<string> => {
    const rules = await folderWith(join(place, 'rules'), {})
    for (let bucket = 0; bucket < bucketCount; bucket++) await change(rules, bucket, 1)
    process.env.LOOP_PROBE = join(place, 'loop')
    began = performance.now()
    return rules
  }
  const probe = pathToFileURL(join(import.meta.dirname, 'loop-probe.ts'))
  return whileServing({ files: {}, prepare, nodeFlags: [`--import=${probe}`] }, async (serving) => {
    const clock = (performance.now() - began) / 1000
    const cpu = await metric(serving.program.admin, 'process_cpu_seconds_total')
    return scenario(serving, { clock, cpu: cpu ?? Number.NaN })
  })
}

async function change(rules: string, bucket: number, version: number): Promise<void> {
  await writeFile(join(rules, '.new'), fileOf(bucket, version))
  await rename(join(rules, '.new'), join(rules, `bucket-${bucket}.yaml`))
}

async function longestOf(
  program: Program,
  probe: string,
  times: number,
  change: (version: number) => Promise<void>,
): Promise<Block> {
  const blocks: Block[] = []
  for (let number = 0; number < times; number++) {
    const { generation } = await adminJson(program.admin, '/-/rules')
    await askProbe(program, probe)
    await change(100 + Number(generation))
    const reloaded = await adminJson(program.admin, '/-/reload', 'POST')
    if (reloaded.generation === generation) throw new Error('the reload took nothing')
    blocks.push(await askProbe(program, probe))
  }
  const longest = (of: keyof Block): number => Math.max(...blocks.map((block) => block[of]))
  return { cpu: longest('cpu'), clock: longest('clock') }
}

const blockShape = z.object({ cpu: z.number(), clock: z.number() })

async function askProbe(program: Program, probe: string): Promise<Block> {
  const reported = async (): Promise<readonly string[]> =>
    (await readFile(probe, 'utf8').catch(() => '')).split('\n').slice(0, -1)
  const before = (await reported()).length
  program.signal('SIGUSR2')
  for (;;) {
    const line = (await reported())[before]
    if (line !== undefined) return blockShape.parse(JSON.parse(line))
    await pause(5)
  }
}
