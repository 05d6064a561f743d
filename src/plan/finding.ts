/** How much a finding weighs: an error keeps the file from being loaded, a warning counts with `--strict`. */
export type Severity = 'error' | 'warning' | 'info'

/** A finding about a rule file, with its place. Lines and columns count from 1; without a place both are 1. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly severity: Severity
  readonly code: string
  readonly message: string
}
