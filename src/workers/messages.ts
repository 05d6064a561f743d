import type { AddressInfo } from 'node:net'
import type { MetricsMessage } from '../metrics/registry.ts'
import type { ReloadCause, ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import type { RulesPart } from './replica.ts'
import type { WorkerStats } from './stats.ts'

export type ToWorker =
  /** Answers `ready`; the rules follow. */
  | { readonly kind: 'start'; readonly settings: Settings }
  | RulesPart
  /** Answers `reload`. */
  | { readonly kind: 'reloaded'; readonly id: number; readonly result: Omit<ReloadResult, 'snapshot'> }
  | { readonly kind: 'reload-candidates'; readonly cause: ReloadCause }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'ping'; readonly id: number }
  /** Milliseconds for running requests. */
  | { readonly kind: 'drain'; readonly timeout: number }

export type ToPrimary =
  /** The worker now receives messages. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'serving'; readonly address: AddressInfo }
  /** The worker cannot start, and exits. */
  | { readonly kind: 'problem'; readonly lines: readonly string[] }
  /** The worker has applied this generation of the rules. */
  | { readonly kind: 'applied'; readonly generation: number }
  /** The bucket CORS API has changed a file. */
  | { readonly kind: 'reload'; readonly id: number }
  /** Answers `metrics`. */
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: MetricsMessage }
  | { readonly kind: 'stats'; readonly stats: StatsNow }
  /** Answers `ping`. */
  | { readonly kind: 'pong'; readonly id: number }

/** Parts that have not changed since the last message are omitted. */
type StatsNow = Pick<WorkerStats, 'totals' | 'store'> & {
  readonly denials?: WorkerStats['denials']
  readonly candidates?: Pick<WorkerStats['candidates'], 'totals'> & {
    readonly top: WorkerStats['candidates']['top'] | undefined
  }
}

/** Libraries may send messages of their own over this channel. */
export const isMessage = (value: unknown): value is { readonly kind: unknown } =>
  typeof value === 'object' && value !== null && 'kind' in value
