import { spawn } from 'node:child_process'

export interface CommandOptions {
  readonly input?: string
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string | undefined>>
  /** Killed after this long. */
  readonly seconds?: number
}

/** Resolves with the stdout of a program. Rejects with the last lines of its output when it fails. */
export async function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<string> {
  const { input = '', cwd, env, seconds = 300 } = options
  const child = spawn(program, args, {
    cwd,
    env: env ?? process.env,
    timeout: seconds * 1000,
    killSignal: 'SIGKILL',
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece
  })
  // A program that exits before it has read all input is judged by its exit code.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  const { promise, resolve, reject } = Promise.withResolvers<number | string>()
  child.once('error', reject)
  child.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  const code = await promise
  if (code === 0) return stdout
  const said = `${stderr}${stdout}`.trim().split('\n').slice(-4).join(' / ')
  throw new Error(`${program} ${args.slice(0, 6).join(' ')}: ended with ${code}: ${said}`)
}
