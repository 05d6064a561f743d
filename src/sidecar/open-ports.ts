import type { AddressInfo } from 'node:net'
import type { createAdmin } from '../admin/admin.ts'
import type { Candidates } from '../compare/candidates.ts'
import type { Log } from '../log/log.ts'
import type { ReloadCause, ReloadResult } from '../rules/reload-result.ts'
import type { RulesStore } from '../rules/store.ts'
import type { Settings } from '../settings/settings.ts'
import type { Lifecycle } from './lifecycle.ts'
import { listening } from './start-problem.ts'
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

interface Parts {
  readonly settings: Settings
  readonly log: Log
  readonly store: RulesStore
  readonly candidates: Candidates | undefined
  readonly lifecycle: Lifecycle
  readonly admin: ReturnType<typeof createAdmin>
  /** The data port: of this process, or of its workers. */
  readonly data: { listen(): Promise<AddressInfo>; drain(timeout: number): Promise<void> }
  reload(cause: ReloadCause): Promise<ReloadResult>
  /** Reloads after a change in the directory of the live rules. */
  watched(cause: ReloadCause): Promise<ReloadResult>
}

/** Opens the admin port, then the data port, and watches the rules from then on. */
export async function openPorts(parts: Parts): Promise<Sidecar> {
  const { settings, log, store, candidates, lifecycle, admin, data, reload, watched } = parts
  const adminAddress = await listening('--admin', settings.admin, () => admin.listen(settings.admin))
  const dataAddress = await data.listen().catch(async (error: unknown) => {
    await admin.close()
    throw error
  })
  const watch = watchDirectory(settings.rules, log, store, (hint) => void watched(hint))
  lifecycle.ready()
  void candidates?.start()

  const drain = async (timeout: number): Promise<void> => {
    lifecycle.draining()
    await Promise.all([watch.close(), candidates?.close()])
    await data.drain(timeout)
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
