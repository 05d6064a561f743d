/** What a command may do to the world: print, end, and look at where it runs. `cmd/main.ts` gives it the real one. */
export interface Terminal {
  /** Results. The text is written as it is, without a line end of its own. */
  out(text: string): void
  /** Progress, summaries and complaints. */
  err(text: string): void
  /** Sets the exit code; it does not end the process. 0: done, 1: findings, 2: usage or unreadable. */
  exit(code: 0 | 1 | 2): void
  /** Read once, by a command that was given `-`. Absent: there is nothing to read. */
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Relative paths start here. */
  readonly cwd: string
  /** Whether stdout is a terminal, where a person reads. */
  readonly isInteractive?: boolean
  /** Whether results are coloured. */
  readonly colour: boolean
}
