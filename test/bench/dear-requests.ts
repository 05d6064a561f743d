import { truncate } from 'node:fs/promises'
import { exchange } from '../serve/exchange.ts'
import { objectPath } from './answers.ts'
import { startStore } from './peers.ts'
import { hundredRules, preflightHeaders, writeRules } from './rule-sets.ts'
import type { Bench } from './section.ts'
import { ratiosOf } from './stats.ts'
import { measureLoad } from './wrk.ts'
import { wrkScript } from './wrk-output.ts'

const names = (length: number, name: (index: number) => string): string =>
  Array.from({ length }, (_, index) => name(index)).join(',')

const dear: readonly (readonly [name: string, headers: Readonly<Record<string, string>>])[] = [
  [
    '128 header names',
    { 'Access-Control-Request-Headers': names(128, (index) => `x-cos-${'y'.repeat(40)}${index}`) },
  ],
  ['15 KB of header names', { 'Access-Control-Request-Headers': names(1500, (index) => `x-cos-${index}`) }],
  ['15 KB of header names of one letter', { 'Access-Control-Request-Headers': names(7500, () => 'x') }],
  ['a header name of 15 KB', { 'Access-Control-Request-Headers': 'x'.repeat(15_000) }],
  ['15 KB of blanks', { 'Access-Control-Request-Headers': `a${' '.repeat(15_000)}b` }],
  ['an Origin of 15 KB', { Origin: `https://${'a'.repeat(15_000)}` }],
]

/** CPU of the most expensive preflights relative to a normal one, from parsing to the log line. */
export async function wholeRequests(
  bench: Bench,
): Promise<readonly { readonly name: string; readonly ratios: readonly number[] }[]> {
  const { testbed, sidecars, options, progress } = bench
  const store = await startStore(testbed, testbed.folder)
  const rules = await writeRules(testbed.path('rules'), 1, () => hundredRules)
  const sidecar = await sidecars.start({ upstreamPort: store.port, rules, logLevel: 'info' })
  const url = `http://127.0.0.1:${sidecar.port}${objectPath}`
  const costOf = async (headers: Readonly<Record<string, string>>): Promise<number> => {
    const script = wrkScript('OPTIONS', { ...preflightHeaders, ...headers })
    const load = { pid: sidecar.pid, url, script, seconds: Math.min(2, options.seconds) }
    const { log } = sidecar
    const { cpuNanosecondsPerRequest } = await measureLoad(testbed, { ...load, mayRefuse: true, log })
    await truncate(log)
    return cpuNanosecondsPerRequest
  }
  for (const [name, headers] of dear) {
    const { status } = await exchange(url, {
      method: 'OPTIONS',
      headers: { ...preflightHeaders, ...headers },
    })
    // A request that never reaches the decision, such as a 431, costs little and proves nothing.
    if (status !== 200 && status !== 403)
      throw new Error(`the preflight with ${name} is answered with ${status}`)
  }
  await costOf({})
  const normal: number[] = []
  const costs = new Map<string, number[]>(dear.map(([name]) => [name, []]))
  for (let round = 1; round <= Math.min(3, options.rounds); round++) {
    progress(`dear preflights, round ${round}`)
    normal.push(await costOf({}))
    for (const [name, headers] of dear) costs.get(name)?.push(await costOf(headers))
  }
  await Promise.all([sidecar.end(), store.end()])
  return [...costs].map(([name, rounds]) => ({ name, ratios: ratiosOf(rounds, normal) }))
}
