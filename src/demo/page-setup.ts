import type { DialectName } from '../cors/rule.ts'
import type { DemoBucket } from './example-data.ts'

/** Where the parts of the running demo are. Origins have no trailing slash. */
export interface PageSetup {
  /** How the sidecar words its answers. */
  readonly dialect: DialectName
  /** Every origin under which the page may be opened; the first is the one that is printed. */
  readonly pageOrigins: readonly string[]
  readonly sidecarOrigin: string
  readonly adminOrigin: string
  readonly storeOrigin: string
  /** The largest object that the store takes. */
  readonly maxObjectBytes: number
  readonly rulesFolder: string
  /** The rule files that the demo started with. */
  readonly examples: Readonly<Record<DemoBucket, string>>
}
