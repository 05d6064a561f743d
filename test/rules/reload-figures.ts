/**
 * Measures the loading of rule files: `node test/rules/reload-figures.ts [FILES [RULES]]`. Not a test, because the
 * output depends on the machine.
 */
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { createRulesStore } from '../../src/rules/store.ts'
import { watchRules } from '../../src/rules/watch.ts'

const [fileCount = 1_000, ruleCount = 20] = process.argv.slice(2).map(Number)
const changeCount = 20

const rule = (bucket: number, version: number, index: number): string => `  - id: rule-${index}
    allowedOrigins: ["https://app-${bucket}-${index}.example.com", "https://*.team-${index}.example.org"]
    allowedMethods: [PUT, GET, POST, DELETE, HEAD]
    allowedHeaders: ["content-*", authorization, x-cos-security-token]
    exposeHeaders: [ETag, Content-Length, x-cos-request-id]
    maxAgeSeconds: ${version}
`
const text = (bucket: number, version: number): string =>
  `rules:\n${Array.from({ length: ruleCount }, (_, index) => rule(bucket, version, index)).join('')}`

const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-figures-'))
for (let bucket = 0; bucket < fileCount; bucket++)
  await writeFile(join(folder, `bucket-${bucket}.yaml`), text(bucket, 600))

/**
 * The longest block of the event loop, in milliseconds of this thread's CPU, because wall-clock time includes other
 * processes. The timer also keeps the process alive, which neither a watch nor its timers do.
 */
let longestBlock = 0
let cpuBefore = 0
const ticking = setInterval(() => {
  const { user, system } = process.threadCpuUsage()
  longestBlock = Math.max(longestBlock, (user + system) / 1000 - cpuBefore)
  cpuBefore = (user + system) / 1000
}, 1)

async function measured(what: string, action: () => Promise<unknown>): Promise<void> {
  await wait(20)
  longestBlock = 0
  const cpu = process.cpuUsage()
  const started = performance.now()
  await action()
  const milliseconds = performance.now() - started
  const { user, system } = process.cpuUsage(cpu)
  // A block is only noticed after it.
  await wait(20)
  const figures = [milliseconds, (user + system) / 1000, longestBlock].map((figure) => figure.toFixed(1))
  console.log(
    `${what.padEnd(36)} ${figures[0]} ms, CPU ${figures[1]} ms, longest block ${figures[2]} ms of CPU`,
  )
}

console.log(
  `${fileCount} files of ${ruleCount} rules (${text(0, 600).length} bytes each), Node ${process.version}`,
)
const store = createRulesStore({ directory: folder, dialect: 'cos' })
await measured('first load', () => store.reload('start'))
await wait(4_000)
await measured('rescan, times not relied on yet', () => store.reload('rescan'))
await measured('rescan', () => store.reload('rescan'))
await measured('rescan', () => store.reload('rescan'))

async function replace(bucket: number, version: number): Promise<void> {
  await writeFile(join(folder, '.new'), text(bucket, version))
  await rename(join(folder, '.new'), join(folder, `bucket-${bucket}.yaml`))
}

await replace(0, 601)
await measured('reload of one changed file', () => store.reload('request'))
for (let bucket = 0; bucket < fileCount; bucket++) await replace(bucket, 602)
await measured('reload of all files changed', () => store.reload('request'))

const watch = await new Promise<ReturnType<typeof watchRules>>((resolve) => {
  const opened = watchRules(folder, (hint) => {
    resolve(opened)
    void store.reload(hint)
  })
})
await wait(1_000)
const latencies: number[] = []
await measured(`${changeCount} renames, watched`, async () => {
  for (let version = 1_000; version < 1_000 + changeCount; version++) {
    const bucket = (version * 7) % fileCount
    const live = new Promise<void>((resolve) => {
      const unsubscribe = store.subscribe(({ snapshot }) => {
        if (snapshot.buckets.get(`bucket-${bucket}`)?.rules[0]?.rule.maxAgeSeconds !== version) return
        unsubscribe()
        resolve()
      })
    })
    const renamed = performance.now()
    await replace(bucket, version)
    await live
    latencies.push(performance.now() - renamed)
    await wait(Math.random() * 300)
  }
})
latencies.sort((a, b) => a - b)
const [median, worst] = [latencies[changeCount >> 1], latencies.at(-1)]
console.log(`rename to live: median ${median?.toFixed(0)} ms, slowest ${worst?.toFixed(0)} ms`)
console.log(`resident memory ${(process.memoryUsage().rss / 1e6).toFixed(0)} MB`)
clearInterval(ticking)
await watch.close()
await rm(folder, { recursive: true })
