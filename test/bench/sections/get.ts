import { objectBytes, verifyGet } from '../answers.ts'
import { atMost } from '../budgets.ts'
import {
  bothTables,
  cheaperThanPeers,
  costOf,
  infoKey,
  inTable,
  loadNote,
  logNote,
  measureRounds,
  peakOf,
  type Result,
  ratiosBetween,
  ratiosTo,
  recorded,
  silentKey,
} from '../contest.ts'
import { endAll, startObjects, startPeers, startSidecars } from '../contestants.ts'
import { microseconds } from '../figures.ts'
import { startNodePeer } from '../peers.ts'
import { barPlot } from '../plot.ts'
import { origin } from '../rule-sets.ts'
import type { Bench, BudgetRow, SectionResult } from '../section.ts'
import { medianOf } from '../stats.ts'
import { wrkScript } from '../wrk-output.ts'

/** Forwarders of small objects, compared with stock http-proxy-3. */
export async function get(bench: Bench): Promise<SectionResult> {
  const store = await startObjects(bench)
  const stock = {
    ...(await startNodePeer(bench.testbed, 'stock', [String(store.port)])),
    key: 'stock',
    title: 'http-proxy-3, keep-alive agent, no CORS, no log',
    table: 'both',
    knowsOrigins: false,
  } as const
  const sidecars = await startSidecars(bench, store.port)
  // versitygw is a store itself.
  const peers = await startPeers(bench, store.port, (name) => name !== 'versitygw')
  const contestants = [stock, ...sidecars, ...peers]
  for (const { title, port, knowsOrigins } of contestants) await verifyGet(title, port, { knowsOrigins })

  const results = await measureRounds(bench, contestants, wrkScript('GET', { Origin: origin }))
  await endAll(bench, [store, ...contestants])
  const isShort = results.some(({ measured }) =>
    measured.some(({ bytes, requests }) => bytes < requests * objectBytes),
  )
  if (isShort) throw new Error('an object was not whole')
  const ratios = ratiosTo('stock', results)
  const log = ratios.get(infoKey)
  const cost = microseconds(costOf(infoKey, results) ?? Number.NaN)
  return {
    title: 'GET of 1 KB',
    notes: [
      'The store is nginx with one worker, the same for all; the request carries an Origin, and all but stock http-proxy-3 add the CORS headers of the same 100 origins, and none for a stranger. nginx passes on without buffering.',
      loadNote(bench),
      logNote('stock http-proxy-3'),
    ],
    tables: bothTables(results, 'stock', 'CPU / stock'),
    budgets: [
      atMost('1 KB GET, with the log: CPU per request / stock http-proxy-3 without one', log, 0.65, {
        goal: 0.6,
        remedy:
          "undici makes an object of the store's header lines that the sidecar does not read (1.5 µs); a handler that gets the raw lines alone would save it",
      }),
      ...besideNginx(results),
      ...cheaperThanPeers('1 KB GET', results),
    ],
    ratios: recorded('get', 'stock', results),
    summary: {
      costs: [
        `A GET of 1 KB takes ${cost} of CPU, its log line included: ${medianOf(log ?? []).toFixed(2)} times stock http-proxy-3, which does less.`,
      ],
    },
    ...(bench.options.quick ? {} : { plots: { 'memory.svg': memoryPlot(results) } }),
  }
}

const besideNginx = (results: readonly Result[]): readonly BudgetRow[] =>
  [
    ['with the log', infoKey, 'nginx'],
    ['silent', silentKey, 'nginx, silent'],
  ].flatMap(([how = '', own = '', other = '']) => {
    const ratios = ratiosBetween(own, other, results)
    if (ratios === undefined) return []
    const remedy =
      'of a GET, two thirds are the two requests that Node parses and the two writes to sockets; a parser outside of JavaScript would halve the rest'
    return [atMost(`1 KB GET, ${how}: CPU per request / nginx`, ratios, 3, { remedy })]
  })

const memoryPlot = (results: readonly Result[]): string => {
  const shown = inTable(results, 'log')
  const inMegabytes = (bytes: number): number => Math.round(bytes / 2 ** 20)
  return barPlot({
    title: 'Memory at rest and under load',
    unit: 'MB',
    names: shown.map(({ title }) => title),
    series: [
      { name: 'at rest', values: shown.map(({ restingBytes = 0 }) => inMegabytes(restingBytes)) },
      { name: 'at most under GETs of 1 KB', values: shown.map((result) => inMegabytes(peakOf(result))) },
    ],
  })
}
