import type { AddressInfo } from 'node:net'
import type { MetricsMessage } from '../metrics/registry.ts'
import type { ReloadResult } from '../rules/reload-result.ts'
import type { Settings } from '../settings/settings.ts'
import type { RulesPart } from './replica.ts'
import type { WorkerStats } from './stats.ts'

/** What the primary says to a worker. */
export type ToWorker =
  /** Follows `ready`; the rules follow this. */
  | { readonly kind: 'start'; readonly settings: Settings }
  | RulesPart
  /** Answers `reload`. */
  | { readonly kind: 'reloaded'; readonly id: number; readonly result: Omit<ReloadResult, 'snapshot'> }
  | { readonly kind: 'metrics'; readonly id: number }
  | { readonly kind: 'ping'; readonly id: number }
  /** Milliseconds for what is under way. */
  | { readonly kind: 'drain'; readonly timeout: number }

/** What a worker says to the primary. */
export type ToPrimary =
  /** It listens to messages from now on. */
  | { readonly kind: 'ready' }
  | { readonly kind: 'serving'; readonly address: AddressInfo }
  /** It cannot start, and ends. */
  | { readonly kind: 'problem'; readonly lines: readonly string[] }
  /** The rules of this generation decide from now on. */
  | { readonly kind: 'taken'; readonly generation: number }
  /** The bucket CORS API has written. */
  | { readonly kind: 'reload'; readonly id: number }
  /** Answers `metrics`. */
  | { readonly kind: 'metrics'; readonly id: number; readonly metrics: MetricsMessage }
  | { readonly kind: 'stats'; readonly stats: StatsNow }
  /** Answers `ping`. */
  | { readonly kind: 'pong'; readonly id: number }

/** Parts that have not changed since they were last sent are left out. */
type StatsNow = Pick<WorkerStats, 'totals'> & {
  readonly denials?: WorkerStats['denials']
  readonly candidates?: Pick<WorkerStats['candidates'], 'totals'> & {
    readonly top: WorkerStats['candidates']['top'] | undefined
  }
}

/** Libraries may send messages of their own over the same channel. */
export const isMessage = (value: unknown): value is { readonly kind: unknown } =>
  typeof value === 'object' && value !== null && 'kind' in value
