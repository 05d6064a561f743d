import type { Tool } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Ratios } from './ratios.ts'
import type { Sidecars } from './sidecar.ts'
import type { Table } from './table.ts'
import type { Testbed } from './testbed.ts'

/** A budget of the design next to the measurement. */
export interface BudgetRow {
  readonly what: string
  readonly measured: string
  readonly budget: string
  readonly held: boolean
}

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
  /** Prints the current measurement to stderr. */
  readonly progress: (text: string) => void
}

/** Measures one section; rejects when a response is wrong or the load fails. */
export type Section = (bench: Bench) => Promise<SectionResult>
