import type { Tool } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Ratios } from './ratios.ts'
import type { Sidecars } from './sidecar.ts'
import type { Table } from './table.ts'
import type { Testbed } from './testbed.ts'

/** A promise of the design beside what was measured. */
export interface BudgetRow {
  readonly what: string
  readonly measured: string
  readonly budget: string
  readonly held: boolean
}

/** What one part of a run came to. */
export interface SectionResult {
  readonly title: string
  /** How it was measured, in sentences. */
  readonly notes: readonly string[]
  readonly tables: readonly Table[]
  readonly budgets: readonly BudgetRow[]
  readonly ratios: Ratios
  /** SVG documents by file name. */
  readonly plots?: Readonly<Record<string, string>>
}

export interface Bench {
  readonly options: BenchOptions
  readonly testbed: Testbed
  readonly sidecars: Sidecars
  /** Programs that are not installed. */
  readonly missing: readonly Tool[]
  /** Says what is being measured, on stderr. */
  readonly progress: (text: string) => void
}

/** Measures one part; rejects when something answers wrongly or fails under the load. */
export type Section = (bench: Bench) => Promise<SectionResult>
