import { objectBytes, verifyGet } from '../answers.ts'
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
import { origin } from '../rule-sets.ts'
import type { Bench, SectionResult } from '../section.ts'
import { wrkScript } from '../wrk-output.ts'

/** Forwarders of small objects, compared with stock http-proxy-3. */
export async function get(bench: Bench): Promise<SectionResult> {
  const store = await startObjects(bench)
  const stock = {
    ...(await startNodePeer(bench.testbed, 'stock', [String(store.port)])),
    key: 'stock',
    title: 'http-proxy-3, keep-alive agent, no CORS',
    knowsOrigins: false,
  }
  const sidecars = await startSidecars(bench, store.port)
  const contestants = [stock, ...sidecars, ...(await startPeers(bench, store.port))]
  for (const { title, port, knowsOrigins } of contestants) await verifyGet(title, port, { knowsOrigins })

  const results = await measureRounds(bench, contestants, wrkScript('GET', { Origin: origin }))
  await endAll(bench, [store, ...contestants])
  const isShort = results.some(({ measured }) =>
    measured.some(({ bytes, requests }) => bytes < requests * objectBytes),
  )
  if (isShort) throw new Error('an object was not whole')
  const ratios = ratiosTo('stock', results)
  const budgets = [
    atMost('1 KB GET: CPU per request / stock http-proxy-3', ratios.get(infoKey), 0.6),
    ...['caddy', 'fastify'].flatMap((peer) => cheaperThan('1 KB GET', peer, results)),
  ]
  return {
    title: 'GET of 1 KB',
    notes: [
      'The store is nginx with one worker, the same for everybody; the request carries an Origin, and all but stock http-proxy-3 add the CORS headers of the same 100 origins, and none for a stranger. nginx passes on without buffering.',
      loadNote(bench),
    ],
    tables: [tableOf(results, 'stock', 'CPU / stock')],
    budgets,
    ratios: recorded('get', 'stock', results),
  }
}
