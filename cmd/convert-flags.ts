import type { DialectName } from '../src/cors/rule.ts'
import type { FileFormat } from '../src/rule-file/names.ts'

export interface ConvertFlags {
  readonly to: FileFormat
  readonly dialect?: DialectName
  readonly from?: string
  readonly out?: string
}
