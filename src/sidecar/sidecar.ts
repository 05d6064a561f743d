import type { AddressInfo } from 'node:net'
import { createAdmin } from '../admin/admin.ts'
import { createLog } from '../log/log.ts'
import { type OnExit, standardOutput } from '../log/output.ts'
import { createStoreWatch } from '../log/store-watch.ts'
import { textLines } from '../log/text-lines.ts'
import { createMetrics } from '../metrics/metrics.ts'
import { createDenials } from '../requests/denials.ts'
import type { ReloadCause, ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import { programVersion } from '../version.ts'
import { openDataPath, setupOf } from './data-path.ts'
import { endpointOf, storeOf } from './endpoint.ts'
import { createLifecycle } from './lifecycle.ts'
import { openCandidates } from './open-candidates.ts'
import { openPorts, type Sidecar } from './open-ports.ts'
import { openRules } from './open-rules.ts'
import { openStore } from './open-store.ts'
import { requireToken } from './start-problem.ts'

export type { Sidecar } from './open-ports.ts'

/** Starts all parts in this process. Rejects with `StartProblem` when a setting is unusable. */
export async function startSidecar(settings: Settings, onExit?: OnExit): Promise<Sidecar> {
  await requireToken(settings.adminTokenFile)
  const version = programVersion()
  const output = standardOutput(onExit)
  const destination = settings.logFormat === 'text' ? textLines(output) : output
  const log = createLog({ level: settings.logLevel, destination })
  const watchStore = createStoreWatch(log, storeOf(settings))
  const metrics = createMetrics({ version })
  const denials = createDenials()
  const setup = setupOf(settings)
  const failed = (error: unknown): void => log.error('an operation failed because of a bug', { error })
  const upstream = openStore(settings)
  const store = await openRules(settings, log, metrics)
  const candidates = openCandidates(settings, { setup, live: store.current, log, failed }, metrics)
  const dataPath = await openDataPath(settings, {
    rules: store.current,
    reload: () => store.reload('bucket-cors'),
    log,
    metrics,
    failed,
    finished(exchange) {
      metrics.finished(exchange)
      log.request(exchange)
      watchStore(exchange)
      denials.add(exchange)
      candidates?.compare(exchange)
      upstream.health.finished(exchange)
    },
  })
  const reload = (cause: ReloadCause): Promise<ReloadResult> => {
    // Not awaited: the live rules must reload even if the candidate directory is unusable.
    void candidates?.reload(cause)
    return store.reload(cause)
  }
  const lifecycle = createLifecycle()
  let dataAddress: AddressInfo | undefined
  const admin = createAdmin({
    rules: store.current,
    reload: async () => (await reload('request')).result,
    setup,
    directory: settings.rules,
    endpoint: () => endpointOf(settings, dataAddress),
    metrics,
    denials,
    candidates,
    store: upstream.shown,
    log,
    health: lifecycle.health,
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
    watched: store.reload,
    data: {
      listen: async () => {
        dataAddress = await dataPath.listen()
        return dataAddress
      },
      drain: dataPath.drain,
    },
  })
}
