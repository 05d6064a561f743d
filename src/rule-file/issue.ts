import type { Severity } from '../plan/finding.ts'

/** Where a value stands in a rule file: keys and indexes from the top, e.g. `['rules', 0, 'allowedMethods', 1]`. */
export type ValuePath = readonly (string | number)[]

/**
 * One finding about a rule file, still without a position: whoever has the text turns `path` into line and column.
 * `onKey` asks for the position of the key itself instead of its value.
 */
export interface Issue {
  readonly severity: Severity
  /** Stable, lower case with hyphens, e.g. `origin-has-path`. */
  readonly code: string
  /** What is wrong and what to write instead. */
  readonly message: string
  readonly path: ValuePath
  readonly onKey?: boolean
}
