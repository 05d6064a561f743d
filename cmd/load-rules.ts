import { resolve } from 'node:path'
import type { DialectName } from '../src/cors/rule.ts'
import type { Snapshot } from '../src/plan/snapshot.ts'
import { createRulesStore } from '../src/rules/store.ts'
import { quote } from '../src/settings/value.ts'
import { findingText } from './findings-text.ts'
import type { Terminal } from './terminal.ts'

/** A one-off command does not wait for files that are being written. */
const atOnce = { file: 0, incomplete: 0, emptied: 0 }

/**
 * The rules of a directory as `serve` would load them. When they cannot be read, or a file has an error, prints that
 * to stderr and returns `undefined`.
 */
export async function loadRules(
  rules: string,
  dialect: DialectName,
  terminal: Terminal,
): Promise<Snapshot | undefined> {
  const directory = resolve(terminal.cwd, rules)
  const { failure, snapshot } = await createRulesStore({ directory, dialect, debounce: atOnce }).reload(
    'start',
  )
  if (failure !== undefined) {
    terminal.err(`error: --rules: ${quote(rules)}: ${failure}\n`)
    return undefined
  }
  const errors = snapshot.files
    .flatMap(({ findings }) => findings)
    .filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return snapshot
  for (const finding of errors) terminal.err(findingText(finding, undefined, false))
  terminal.err(`error: --rules: ${quote(rules)}: fix the rule files with errors first\n`)
  return undefined
}
