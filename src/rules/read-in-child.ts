import { inChild, moduleBeside } from '../children/children.ts'
import type * as reader from '../rule-file/read.ts'

const call = inChild<typeof reader>(moduleBeside(import.meta.url, '../rule-file/read'))

/** Reads, validates, lints and tests a rule file in a child process, like `readRules`. */
export const readInChild = (...given: Parameters<typeof reader.readRuleFile>): Promise<reader.RuleReading> =>
  call('readRuleFile', ...given)
