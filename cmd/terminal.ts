/**
 * A command's access to its process: output, exit code, stdin and environment. `cmd/main.ts` passes the real one; tests
 * pass their own.
 */
export interface Terminal {
  /** Writes results. The text is written as it is, without an added line end. */
  out(text: string): void
  /** Writes progress, summaries and errors. */
  err(text: string): void
  /** Sets the exit code without ending the process. 0: success, 1: a negative result (findings, denied, changes), 2: usage error or unreadable input. */
  setExitCode(code: 0 | 1 | 2): void
  /** Read once, for the argument `-`. Absent: there is no input. */
  readonly stdin?: AsyncIterable<Uint8Array>
  readonly env: Readonly<Record<string, string | undefined>>
  /** Base of relative paths. */
  readonly cwd: string
  readonly isInteractive?: boolean
  readonly colour: boolean
}
