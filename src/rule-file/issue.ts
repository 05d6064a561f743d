import type { Severity } from '../plan/finding.ts'

/** Where a value stands in a rule file: keys and indexes from the top, e.g. `['rules', 0, 'allowedMethods', 1]`. */
export type ValuePath = readonly (string | number)[]

/** The lists of a rule, to which a remedy can add. */
export type ListField = 'allowedOrigins' | 'allowedMethods' | 'allowedHeaders' | 'exposeHeaders'

/**
 * The change that takes a finding away, as data: at the issue's path, without a new finding, and what plainly matched
 * before still matches. A finding without such a change has no remedy.
 */
export type Remedy =
  /** Put these in place of the value. */
  | { readonly kind: 'replace'; readonly values: readonly string[] }
  /** Take the value out of its list. */
  | { readonly kind: 'remove' }
  /** Add these to a list of the rule that the path leads into. */
  | { readonly kind: 'add'; readonly field: ListField; readonly values: readonly string[] }

export const replaceBy = (...values: readonly string[]): Remedy => ({ kind: 'replace', values })
export const removal: Remedy = { kind: 'remove' }

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
  readonly remedy?: Remedy
}
