import type { Programs } from './machine.ts'
import type { BenchOptions } from './options.ts'
import type { Ratios } from './ratios.ts'
import type { Sidecars } from './sidecar.ts'
import type { Table } from './table.ts'
import type { Testbed } from './testbed.ts'

/** A budget next to the measurement. */
export interface BudgetRow {
  readonly what: string
  readonly measured: string
  readonly budget: string
  readonly held: boolean
  /** How much of the budget is left: 0.1 is 10 %. Not for counts that must be 0. */
  readonly margin?: number
  /** A stricter value that is aimed for, but not promised, and whether this run reached it. */
  readonly goal?: { readonly text: string; readonly reached: boolean }
  /** What would close the gap; printed when the budget is missed. */
  readonly remedy?: string
}

/** Sentences for people, before any table; the figures are of this run. */
export interface Summary {
  /** What to expect from the program. */
  readonly expect?: readonly string[]
  /** What it costs. */
  readonly costs?: readonly string[]
  /** Where it stops. */
  readonly stops?: readonly string[]
}

export interface SectionResult {
  readonly title: string
  /** How it was measured, in sentences. */
  readonly notes: readonly string[]
  readonly tables: readonly Table[]
  readonly budgets: readonly BudgetRow[]
  readonly ratios: Ratios
  readonly summary?: Summary
  /** SVG documents by file name. */
  readonly plots?: Readonly<Record<string, string>>
}

export interface Bench {
  readonly options: BenchOptions
  readonly testbed: Testbed
  readonly sidecars: Sidecars
  readonly programs: Programs
  /** Prints the current measurement to stderr. */
  readonly progress: (text: string) => void
}

/** Measures one section; rejects when a response is wrong or the load fails. */
export type Section = (bench: Bench) => Promise<SectionResult>
