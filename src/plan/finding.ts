import type { FindingCode, Severity } from '../rule-file/lint/codes.ts'

export type { Severity }

/** A finding about a rule file. Lines and columns count from 1; both are 1 when there is no position. */
export interface Finding {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly severity: Severity
  readonly code: FindingCode
  readonly message: string
}
