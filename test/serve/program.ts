import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter, once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { noteFault } from '../reliability/faults.ts'

export type LogLine = Readonly<Record<string, unknown>>

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly err: string
}

/** The program as its users run it: `serve` on free ports of 127.0.0.1. */
export interface Program {
  readonly data: string
  readonly admin: string
  readonly pid: number
  /** Everything written to stdout so far. */
  readonly out: () => readonly string[]
  /** The first log line for which `matches` holds, from the beginning or from line `from`. */
  readonly logged: (matches: (line: LogLine) => boolean, from?: number) => Promise<LogLine>
  readonly signal: (signal: NodeJS.Signals) => void
  /** Stops reading its output. */
  readonly abandonOutput: () => void
  readonly ended: Promise<Ended>
}

export const main = fileURLToPath(new URL('../../cmd/main.ts', import.meta.url))

export interface Started {
  readonly child: ChildProcess
  readonly out: readonly string[]
  readonly lines: EventEmitter
  readonly ended: Promise<Ended>
}

export interface SpawnOptions {
  readonly uid?: number
  /** Flags of Node, e.g. `--max-old-space-size=64`. */
  readonly nodeFlags?: readonly string[]
  /** Gets every line of output. With it, `out` keeps only the first hundred, so that a long run does not fill memory. */
  readonly observe?: (line: string) => void
}

/** Starts the program with `argv` without waiting until it serves, so that it may also fail. */
export function spawnProgram(argv: readonly string[], options: SpawnOptions = {}): Started {
  const { nodeFlags = [], observe, ...user } = options
  const child = spawn(process.execPath, [...nodeFlags, main, ...argv], {
    stdio: ['ignore', 'pipe', 'pipe'],
    ...user,
  })
  const out: string[] = []
  const lines = new EventEmitter().setMaxListeners(0)
  createInterface(child.stdout).on('line', (line) => {
    observe?.(line)
    if (observe === undefined || out.length < 100) out.push(line)
    if (line.includes('"exception.type"')) noteFault(child.pid ?? 0, line)
    lines.emit('line')
  })
  child.on('exit', (_code, signal) => {
    if (signal !== null && !child.killed) noteFault(child.pid ?? 0, `an end by ${signal}`)
  })
  const ended = Promise.all([once(child, 'exit'), text(child.stderr), once(child.stdout, 'close')]).then(
    ([[code, signal], err]): Ended => ({ code, signal, err }),
  )
  void ended.then(() => lines.emit('line'))
  return { child, out, lines, ended }
}

/** Starts `serve` and resolves when it serves. */
export async function startProgram(
  upstream: string,
  rules: string,
  more: readonly string[] = [],
  options: SpawnOptions = {},
): Promise<Program> {
  const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const argv = ['serve', '--upstream', upstream, '--rules', rules, ...ports, ...more]
  const { child, out, lines, ended } = spawnProgram(argv, options)
  let isOver = false
  void ended.then(() => {
    isOver = true
  })
  const logged: Program['logged'] = async (matches, from = 0) => {
    for (let next = from; ; ) {
      for (; next < out.length; next++) {
        const line: LogLine = JSON.parse(out[next] ?? '')
        if (matches(line)) return line
      }
      if (isOver)
        throw new Error(`the program ended without the line:\n${out.join('\n')}\n${(await ended).err}`)
      await once(lines, 'line')
    }
  }
  const serving = await logged(({ msg }) => msg === 'serving')
  return {
    data: `http://127.0.0.1:${serving['server.port']}`,
    admin: `http://127.0.0.1:${serving['admin.port']}`,
    pid: child.pid ?? 0,
    out: () => out,
    logged,
    signal: (signal) => void child.kill(signal),
    abandonOutput: () => void child.stdout?.destroy(),
    ended,
  }
}

/** Ends what a test started, even after a failure. */
export async function endProgram({ ended, signal }: Program): Promise<void> {
  signal('SIGKILL')
  await ended
}
