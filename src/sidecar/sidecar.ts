import type { AddressInfo } from 'node:net'
import { createAdmin } from '../admin/admin.ts'
import { createLog, type Log } from '../log/log.ts'
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
import { openRules } from './open-rules.ts'
import { openStore } from './open-store.ts'
import { listening, requireToken } from './start-problem.ts'
import { watchDirectory } from './watch-directory.ts'

/** A running sidecar: both ports accept connections, and the rules are loaded and watched. */
export interface Sidecar {
  readonly dataAddress: AddressInfo
  readonly adminAddress: AddressInfo
  readonly log: Log
  /** Number of rule files loaded at start. */
  readonly ruleFiles: number
  reload(cause: ReloadCause): Promise<ReloadResult>
  /** Turns `/readyz` to 503, lets running requests finish within `drainTimeout`, then closes everything. */
  drain(): Promise<void>
  close(): Promise<void>
}

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
  const failed = (error: unknown): void => log.error('a request failed because of a bug', { error })
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
  const adminAddress = await listening('--admin', settings.admin, () => admin.listen(settings.admin))
  try {
    dataAddress = await dataPath.listen()
  } catch (error) {
    await admin.close()
    throw error
  }
  const watch = watchDirectory(settings.rules, log, store, (hint) => void store.reload(hint))
  lifecycle.ready()
  void candidates?.start()

  const drain = async (timeout: number): Promise<void> => {
    lifecycle.draining()
    await Promise.all([watch.close(), candidates?.close()])
    await dataPath.drain(timeout)
    lifecycle.drained()
    await admin.close()
  }
  return {
    dataAddress,
    adminAddress,
    log,
    ruleFiles: store.current().files.length,
    reload,
    drain: () => drain(settings.drainTimeout),
    close: () => drain(0),
  }
}
