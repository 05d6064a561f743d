import { inChild, loadInChild, moduleBeside } from '../children/children.ts'
import type * as reader from '../rule-file/read.ts'

const module = moduleBeside(import.meta.url, '../rule-file/read')
const call = inChild<typeof reader>(module)

/** Starts the first child early, because it takes as long to load as the program itself. */
export const startReader = (): void => loadInChild(module)

/** Reads, validates, lints and tests a rule file in a child process, like `readRules`. */
export const readInChild = (...given: Parameters<typeof reader.readRuleFile>): Promise<reader.RuleReading> =>
  call('readRuleFile', ...given)
