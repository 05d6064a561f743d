import type { Terminal } from './terminal.ts'

/** Prints the messages and returns the exit code of a usage error or unreadable input. */
export function complain(terminal: Terminal, ...messages: readonly string[]): 2 {
  for (const message of messages) terminal.err(`error: ${message}\n`)
  return 2
}
