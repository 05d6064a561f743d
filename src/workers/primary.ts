import type { AddressInfo } from 'node:net'
import { createAdmin } from '../admin/admin.ts'
import type { CandidatesShown } from '../admin/candidates-view.ts'
import { createLog } from '../log/log.ts'
import { type OnExit, standardOutput } from '../log/output.ts'
import { textLines } from '../log/text-lines.ts'
import type { Family } from '../metrics/family.ts'
import { createMetrics, type Metrics } from '../metrics/metrics.ts'
import { familiesOf, type MetricsMessage, mergeMetrics } from '../metrics/registry.ts'
import type { Denials } from '../requests/denials.ts'
import { mergeStoreHealth } from '../requests/store-health.ts'
import type { ReloadCause, ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { setupOf } from '../sidecar/data-path.ts'
import { endpointOf } from '../sidecar/endpoint.ts'
import { createLifecycle } from '../sidecar/lifecycle.ts'
import { openCandidates } from '../sidecar/open-candidates.ts'
import { openPorts } from '../sidecar/open-ports.ts'
import { openRules } from '../sidecar/open-rules.ts'
import { openStore } from '../sidecar/open-store.ts'
import type { Sidecar } from '../sidecar/sidecar.ts'
import { requireToken, StartProblem } from '../sidecar/start-problem.ts'
import { programVersion } from '../version.ts'
import { canFork, forkWorker } from './fork.ts'
import { createMember, type Member } from './member.ts'
import { createPool, type Pool } from './pool.ts'
import { readWholeLines } from './whole-lines.ts'

const notApplied = 'a worker is stuck and does not apply the rules'

/**
 * Runs the sidecar as several processes. `settings.workers` of them serve the data port. This one reads the rules
 * and answers on the admin port for all of them. Rejects with {@link StartProblem} when a setting is unusable.
 */
export async function startWorkers(settings: Settings, onExit?: OnExit): Promise<Sidecar> {
  if (!canFork())
    throw new StartProblem([
      '--workers: this process is already a worker of another program: set --workers to 1',
    ])
  await requireToken(settings.adminTokenFile)
  const version = programVersion()
  const plain = standardOutput(onExit)
  const output = settings.logFormat === 'text' ? textLines(plain) : plain
  const log = createLog({ level: settings.logLevel, destination: output })
  const failed = (error: unknown): void => log.error('an operation failed because of a bug', { error })
  const own = createMetrics({ version })
  const setup = setupOf(settings)
  const store = await openRules(settings, log, own)
  const candidates = openCandidates(settings, { setup, live: store.current, log, failed }, own)

  const reloadLive = async (cause: ReloadCause): Promise<ReloadResult> => {
    const result = await store.reload(cause)
    if (await pool.bring(result.snapshot)) return result
    log.error(notApplied, { generation: result.snapshot.generation })
    return { ...result, result: 'failed', failure: notApplied }
  }
  const reload = (cause: ReloadCause): Promise<ReloadResult> => {
    // Not awaited: the live rules must reload even if the candidate directory is unusable.
    void candidates?.reload(cause)
    if (candidates !== undefined) pool.reloadCandidates(cause)
    return reloadLive(cause)
  }
  const create = (): Member =>
    createMember(
      forkWorker((stream) => readWholeLines(stream, (lines) => output.write(lines))),
      {
        settings,
        rules: store.current,
        reload: () => reloadLive('bucket-cors'),
        onHung: (pid) => log.error('a worker does not respond and is killed', { 'process.pid': pid }),
      },
    )
  const pool = createPool({ count: settings.workers, create, log })

  const lifecycle = createLifecycle()
  let dataAddress: AddressInfo | undefined
  const admin = createAdmin({
    rules: store.current,
    reload: async () => (await reload('request')).result,
    setup,
    directory: settings.rules,
    endpoint: () => endpointOf(settings, dataAddress),
    metrics: metricsOfAll(own, pool),
    denials: denialsOfAll(pool),
    candidates: candidates && candidatesOfAll(candidates, pool),
    store: openStore(settings, (own) => mergeStoreHealth(own, pool.stats().store)).shown,
    log,
    health: {
      ...lifecycle.health,
      ready: () => lifecycle.health.ready() && pool.serving() > 0,
    },
    tokenFile: settings.adminTokenFile,
    version,
  })
  return openPorts({
    settings,
    log,
    store,
    candidates,
    lifecycle,
    admin,
    reload,
    watched: reloadLive,
    data: {
      listen: async () => {
        dataAddress = await pool.start()
        return dataAddress
      },
      drain: pool.drain,
    },
  })
}

/** Families about the rules directory. Those of the workers are dropped, because only this process reads it. */
const ownFamilies = new Set([
  'cors_sidecar_rules_reloads_total',
  'cors_sidecar_rules_last_reload_successful',
  'cors_sidecar_rules_last_reload_success_timestamp_seconds',
  'cors_sidecar_rule_files',
])

function metricsOfAll(own: Metrics, pool: Pool): Metrics {
  own.register(() => restartFamily(pool))
  own.register(() => servingFamily(pool))
  const message = async (): Promise<MetricsMessage> => {
    const others = (await pool.metrics()).map((metrics) =>
      metrics.filter(({ name }) => !ownFamilies.has(name)),
    )
    return mergeMetrics([await own.message(), ...others])
  }
  return {
    ...own,
    message,
    families: async () => familiesOf(await message()),
    decisionTotals: () => pool.stats().totals,
  }
}

const restartFamily = (pool: Pool): Family => ({
  name: 'cors_sidecar_worker_restarts_total',
  help: 'Workers that ended unexpectedly and were replaced.',
  type: 'counter',
  aggregator: 'sum',
  samples: [{ suffix: '', labels: {}, value: pool.restarts() }],
})

const servingFamily = (pool: Pool): Family => ({
  name: 'cors_sidecar_workers',
  help: 'Workers that serve the data port.',
  type: 'gauge',
  aggregator: 'max',
  samples: [{ suffix: '', labels: {}, value: pool.serving() }],
})

/** This process decides no requests, so it has no denials of its own. */
const denialsOfAll = (pool: Pool): Denials => ({
  add: () => {},
  total: () => pool.stats().denials.total,
  recent: () => pool.stats().denials.recent,
  top: () => pool.stats().denials.top,
})

const candidatesOfAll = (shown: CandidatesShown, pool: Pool): CandidatesShown => ({
  ...shown,
  totals: () => pool.stats().candidates.totals,
  top: () => pool.stats().candidates.top,
})
