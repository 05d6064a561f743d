/** An error keeps the file from being loaded; a warning fails `check --strict`. */
export type Severity = 'error' | 'warning' | 'info'

/** A finding about a rule file. Lines and columns count from 1; both are 1 when there is no position. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly severity: Severity
  readonly code: string
  readonly message: string
}
