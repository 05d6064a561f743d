import type * as reader from '../rule-file/read.ts'
import { inThread, moduleBeside } from '../threads/threads.ts'

const call = inThread<typeof reader>(moduleBeside(import.meta.url, '../rule-file/read'))

/** Reads, validates, lints and tests a rule file in a worker thread, like `readRules`. */
export const readInThread = (...given: Parameters<typeof reader.readRuleFile>): Promise<reader.RuleReading> =>
  call('readRuleFile', ...given)
