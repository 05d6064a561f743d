import { request } from 'node:http'
import { objectPath, verifyPreflight } from '../answers.ts'
import { atMost } from '../budgets.ts'
import {
  bothTables,
  cheaperThanPeers,
  costOf,
  infoKey,
  loadNote,
  logNote,
  measureRounds,
  ratiosTo,
  recorded,
  silentKey,
} from '../contest.ts'
import { endAll, startObjects, startPeers, startSidecars } from '../contestants.ts'
import { microseconds } from '../figures.ts'
import { startNodePeer } from '../peers.ts'
import { preflightHeaders } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { medianOf } from '../stats.ts'
import { wrkScript } from '../wrk-output.ts'

/** Servers that decide preflights, compared with a server that decides nothing. */
export async function preflight(bench: Bench): Promise<SectionResult> {
  const store = await startObjects(bench)
  const sidecars = await startSidecars(bench, store.port)
  const fixed = JSON.stringify(await preflightLines(sidecars[0]?.port ?? 0))
  const floor = { key: 'bare', title: 'bare node:http, no log', table: 'both', knowsOrigins: false } as const
  const bare = { ...(await startNodePeer(bench.testbed, 'bare', [fixed])), ...floor }
  const contestants = [bare, ...sidecars, ...(await startPeers(bench, store.port, () => true))]
  for (const { title, port, knowsOrigins } of contestants)
    await verifyPreflight(title, port, { knowsOrigins })

  const results = await measureRounds(bench, contestants, wrkScript('OPTIONS', preflightHeaders))
  await endAll(bench, [store, ...contestants])
  const ratios = ratiosTo('bare', results)
  const [log, silent] = [infoKey, silentKey].map((key) => ratios.get(key))
  const cost = microseconds(costOf(infoKey, results) ?? Number.NaN)
  return {
    title: 'Preflight',
    notes: [
      "The bucket has 100 rules, of which the last matches. The bare server writes the very header lines that the sidecar answers with and decides nothing. The other peers know the same 100 origins and answer with the same kinds of headers; before measuring, the benchmark checks that each allows the page's origin and refuses an unknown one. versitygw is the store itself: its preflights need no proxy.",
      loadNote(bench),
      logNote('the bare one'),
    ],
    tables: bothTables(results, 'bare', 'CPU / bare'),
    budgets: [
      atMost('preflight, silent: CPU per request / bare node:http', silent, 1.15, {
        goal: 1.1,
        remedy:
          "the cost above the bare server is the decision (1.4 µs), the request's id and times, and its metrics; of these only the id could be made later, when it is read",
      }),
      atMost('preflight, with the log: CPU per request / bare node:http without one', log, 1.35, {
        remedy: 'the log line: making it, and its bytes through the kernel to the disk',
      }),
      ...cheaperThanPeers('preflight', results),
    ],
    ratios: recorded('preflight', 'bare', results),
    summary: {
      costs: [
        `A preflight takes ${cost} of CPU, its log line included: ${medianOf(log ?? []).toFixed(2)} times a \`node:http\` server that decides and logs nothing, ${medianOf(silent ?? []).toFixed(2)} times with the log level silent.`,
      ],
    },
  }
}

/** The header lines of the sidecar's response, without those that Node adds itself. */
function preflightLines(port: number): Promise<readonly string[]> {
  return new Promise((resolve, reject) => {
    const asked = request({
      port,
      host: '127.0.0.1',
      path: objectPath,
      method: 'OPTIONS',
      agent: false,
      headers: preflightHeaders,
    })
    asked.on('error', reject)
    asked.on('response', ({ rawHeaders }) => {
      asked.destroy()
      const own = new Set(['date', 'connection', 'keep-alive'])
      resolve(rawHeaders.filter((_, at) => !own.has((rawHeaders[at - (at % 2)] ?? '').toLowerCase())))
    })
    asked.end()
  })
}
