import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { Command, CommanderError } from 'commander'
import { onTestFinished } from 'vitest'
import type { Terminal } from '../../cmd/terminal.ts'

export interface Outcome {
  readonly out: string
  readonly err: string
  readonly code: number | undefined
}

/** A standard input that arrives in two chunks. */
export async function* pieces(text = ''): AsyncGenerator<Uint8Array, void> {
  const bytes = Buffer.from(text)
  yield bytes.subarray(0, bytes.length >> 1)
  yield bytes.subarray(bytes.length >> 1)
}

/** Runs one subcommand in `cwd` as the program does. */
export async function runCommand(
  add: (program: Command, terminal: Terminal) => void,
  args: readonly string[],
  { cwd = tmpdir(), colour = false, stdin = '' } = {},
): Promise<Outcome> {
  let out = ''
  let err = ''
  let code: number | undefined
  const terminal: Terminal = {
    out: (text) => {
      out += text
    },
    err: (text) => {
      err += text
    },
    setExitCode: (given) => {
      code = given
    },
    stdin: pieces(stdin),
    env: {},
    cwd,
    colour,
  }
  const program = new Command('cors-sidecar')
    .exitOverride()
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err })
  add(program, terminal)
  try {
    await program.parseAsync(args, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    code = error.exitCode === 0 ? 0 : 2
  }
  return { out, err, code }
}

/** A new folder with `files`, removed after the test. */
export function folderWith(files: Readonly<Record<string, string | Uint8Array>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'cors-sidecar-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), content)
  }
  return folder
}
