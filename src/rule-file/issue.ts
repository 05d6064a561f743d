import { type FindingCode, type Rated, rated } from './lint/codes.ts'

/** Path of a value in a rule file: keys and indexes from the top, e.g. `['rules', 0, 'allowedMethods', 1]`. */
export type ValuePath = readonly (string | number)[]

/** The lists of a rule that a remedy can extend. */
export type ListField = 'allowedOrigins' | 'allowedMethods' | 'allowedHeaders' | 'exposeHeaders'

/**
 * A change that resolves a finding, as data, at the issue's path. It causes no new finding, and keeps matching what
 * the rule plainly meant. A finding without such a change has no remedy.
 */
export type Remedy =
  /** Replace the value with these. */
  | { readonly kind: 'replace'; readonly values: readonly string[] }
  /** Remove the value from its list. */
  | { readonly kind: 'remove' }
  /** Add these to a list of the rule that contains the path. */
  | { readonly kind: 'add'; readonly field: ListField; readonly values: readonly string[] }

export const replaceBy = (...values: readonly string[]): Remedy => ({ kind: 'replace', values })
export const removal: Remedy = { kind: 'remove' }

/**
 * One finding about a rule file, without a position. Code that has the text converts `path` to line and column.
 * `onKey` selects the position of the key instead of its value.
 */
export interface Issue extends Rated {
  /** What is wrong and what to write instead. */
  readonly message: string
  readonly path: ValuePath
  readonly onKey?: boolean
  readonly remedy?: Remedy
}

export const issue = (code: FindingCode, message: string, path: ValuePath, remedy?: Remedy): Issue => ({
  ...rated(code),
  message,
  path,
  ...(remedy === undefined ? {} : { remedy }),
})
