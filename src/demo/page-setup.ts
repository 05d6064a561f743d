import type { DialectName } from '../cors/rule.ts'
import type { DemoBucket } from './example-data.ts'

/** Addresses of the running demo. Origins have no trailing slash. */
export interface PageSetup {
  readonly dialect: DialectName
  /** Origins that serve the page; the demo prints the first one. */
  readonly pageOrigins: readonly string[]
  readonly sidecarOrigin: string
  readonly adminOrigin: string
  readonly storeOrigin: string
  /** Limit of the store for one object. */
  readonly maxObjectBytes: number
  readonly rulesFolder: string
  /** The rule files that the demo started with. */
  readonly examples: Readonly<Record<DemoBucket, string>>
}
