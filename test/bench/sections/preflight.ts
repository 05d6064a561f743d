import { request } from 'node:http'
import { objectPath, verifyPreflight } from '../answers.ts'
import {
  atMost,
  cheaperThan,
  infoKey,
  loadNote,
  measureRounds,
  ratiosTo,
  recorded,
  tableOf,
} from '../contest.ts'
import { endAll, startObjects, startPeers, startSidecars } from '../contestants.ts'
import { startNodePeer } from '../peers.ts'
import { preflightHeaders } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { wrkScript } from '../wrk-output.ts'

/** Servers that decide preflights, compared with a server that decides nothing. */
export async function preflight(bench: Bench): Promise<SectionResult> {
  const store = await startObjects(bench)
  const sidecars = await startSidecars(bench, store.port)
  const fixed = JSON.stringify(await preflightLines(sidecars[0]?.port ?? 0))
  const floor = { key: 'bare', title: 'bare node:http', knowsOrigins: false }
  const bare = { ...(await startNodePeer(bench.testbed, 'bare', [fixed])), ...floor }
  const contestants = [bare, ...sidecars, ...(await startPeers(bench, store.port))]
  for (const { title, port, knowsOrigins } of contestants)
    await verifyPreflight(title, port, { knowsOrigins })

  const results = await measureRounds(bench, contestants, wrkScript('OPTIONS', preflightHeaders))
  await endAll(bench, [store, ...contestants])
  const ratios = ratiosTo('bare', results)
  const budgets = [
    atMost('preflight: CPU per request / bare node:http', ratios.get(infoKey), 1.25),
    ...['caddy', 'fastify', 'express'].flatMap((peer) => cheaperThan('preflight', peer, results)),
  ]
  return {
    title: 'Preflight',
    notes: [
      'The bucket has 100 rules, of which the last matches. The bare server writes the very header lines that the sidecar answers with and decides nothing. The other peers know the same 100 origins and answer with the same kinds of headers; each was seen to answer the page and to refuse a stranger before it was measured.',
      loadNote(bench),
    ],
    tables: [tableOf(results, 'bare', 'CPU / bare')],
    budgets,
    ratios: recorded('preflight', 'bare', results),
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
