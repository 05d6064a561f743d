import { createLog } from '../log/log.ts'
import type { OnExit } from '../log/output.ts'
import { createStoreWatch } from '../log/store-watch.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { createDenials } from '../requests/denials.ts'
import { createStoreHealth } from '../requests/store-health.ts'
import type { ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { type DataPath, openDataPath, setupOf } from '../sidecar/data-path.ts'
import { storeOf } from '../sidecar/endpoint.ts'
import { openCandidates } from '../sidecar/open-candidates.ts'
import { StartProblem } from '../sidecar/start-problem.ts'
import { programVersion } from '../version.ts'
import type { Channel } from './channel.ts'
import type { ToWorker } from './messages.ts'
import { createReplica, type RulesPart } from './replica.ts'
import { createThrottle } from './throttle.ts'

/**
 * Serves the data port as one of several processes, controlled by the primary at the other end of `channel`.
 * Resolves with 0 after a drain, and with 2 when a setting is unusable, which the primary reports.
 */
export function runWorker(channel: Channel, onExit: OnExit): Promise<0 | 2> {
  const over = Promise.withResolvers<0 | 2>()
  let worker: Worker | undefined
  channel.listen((message) => {
    if (message.kind === 'start') worker = createWorker(message.settings, channel, onExit, over)
    else worker?.obey(message)
  })
  channel.onLost(() => {
    if (worker === undefined) over.resolve(2)
    else worker.obey({ kind: 'drain', timeout: 0 })
  })
  channel.send({ kind: 'ready' })
  return over.promise
}

type Order = Exclude<ToWorker, { readonly kind: 'start' }>

interface Worker {
  obey(order: Order): void
}

function createWorker(
  settings: Settings,
  channel: Channel,
  onExit: OnExit,
  over: PromiseWithResolvers<0 | 2>,
): Worker {
  // All workers together may warn of as many denials as a single process.
  const denialsPerMinute = Math.max(2, Math.floor(100 / settings.workers))
  const log = createLog({ level: settings.logLevel, denialsPerMinute, onExit })
  const failed = (error: unknown): void => log.error('an operation failed because of a bug', { error })
  const watchStore = createStoreWatch(log, storeOf(settings))
  const metrics = createMetrics({ version: programVersion() })
  const denials = createDenials()
  const store = createStoreHealth()
  const replica = createReplica(settings.dialect)
  const setup = setupOf(settings)
  const candidates = openCandidates(settings, { setup, live: replica.current, log, failed }, metrics)
  const reload = askForReload(channel)
  const throttle = createThrottle(report)
  let dataPath: Promise<DataPath> | undefined
  let sentDenials = 0
  let sentDifferent = 0

  function report(): void {
    const total = denials.total()
    const compared = candidates?.totals()
    channel.send({
      kind: 'stats',
      stats: {
        totals: metrics.decisionTotals(),
        store: store.current(),
        // Long lists are sent only when they have changed.
        ...(total === sentDenials
          ? {}
          : { denials: { total, recent: denials.recent(), top: denials.top() } }),
        ...(compared === undefined || candidates === undefined
          ? {}
          : {
              candidates: {
                totals: compared,
                top: compared.different === sentDifferent ? undefined : candidates.top(),
              },
            }),
      },
    })
    sentDenials = total
    sentDifferent = compared?.different ?? 0
  }

  async function open(): Promise<DataPath> {
    const opened = await openDataPath(settings, {
      rules: replica.current,
      reload: async () => ({ ...(await reload.ask()), snapshot: replica.current() }),
      log,
      metrics,
      failed,
      finished(exchange) {
        metrics.finished(exchange)
        log.request(exchange)
        watchStore(exchange)
        denials.add(exchange)
        candidates?.compare(exchange)
        const showsStore = store.finished(exchange)
        if (showsStore || exchange.plan.judgement.decision !== undefined) throttle.changed()
      },
    })
    channel.send({ kind: 'serving', address: await opened.listen() })
    void candidates?.start()
    return opened
  }

  function take(part: RulesPart): void {
    if (!replica.take(part)) return
    const snapshot = replica.current()
    const successful = snapshot.files.every(({ state }) => state === 'ok')
    metrics.reload({ result: 'applied', successful, snapshot }, Date.now())
    channel.send({ kind: 'applied', generation: part.generation })
    if (dataPath !== undefined) return
    dataPath = open()
    dataPath.catch((error: unknown) => {
      if (!(error instanceof StartProblem)) return over.reject(error)
      channel.send({ kind: 'problem', lines: error.lines })
      over.resolve(2)
    })
  }

  async function drain(timeout: number): Promise<void> {
    const opened = await dataPath
    await Promise.all([opened?.drain(timeout), candidates?.close()])
    throttle.stop()
    await log.close()
    over.resolve(0)
  }

  return {
    obey(order) {
      switch (order.kind) {
        case 'rules':
          take(order)
          return
        case 'reloaded':
          reload.answered(order.id, order.result)
          return
        case 'reload-candidates':
          void candidates?.reload(order.cause)
          return
        case 'metrics':
          metrics
            .message()
            .then((message) => channel.send({ kind: 'metrics', id: order.id, metrics: message }), failed)
          return
        case 'ping':
          channel.send({ kind: 'pong', id: order.id })
          return
        case 'drain':
          drain(order.timeout).catch(over.reject)
          return
      }
    },
  }
}

type Reloaded = Omit<ReloadResult, 'snapshot'>

/** Makes the primary reload the directory. It answers when every worker serves the result. */
function askForReload(channel: Channel): {
  ask(): Promise<Reloaded>
  answered(id: number, result: Reloaded): void
} {
  const asked = new Map<number, (result: Reloaded) => void>()
  let count = 0
  return {
    ask: () =>
      new Promise((resolve) => {
        asked.set(++count, resolve)
        channel.send({ kind: 'reload', id: count })
      }),
    answered(id, result) {
      asked.get(id)?.(result)
      asked.delete(id)
    },
  }
}
