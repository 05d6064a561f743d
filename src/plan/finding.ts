import { type FindingCode, type Rated, rated } from '../rule-file/lint/codes.ts'

/** A finding about a rule file. Lines and columns count from 1; both are 1 when there is no position. */
export interface Finding extends Rated {
  readonly file: string
  readonly line: number
  readonly column: number
  readonly message: string
}

/** Without `place`, the finding is about the whole file. */
export const findingAbout = (
  file: string,
  code: FindingCode,
  message: string,
  place: Pick<Finding, 'line' | 'column'> = { line: 1, column: 1 },
): Finding => ({ file, line: place.line, column: place.column, ...rated(code), message })
