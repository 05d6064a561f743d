/** The real program under adverse conditions: `serve` in its own process on free ports, and its resource use. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'
import { main } from '../../serve/program.ts'

export interface SidecarOptions {
  readonly upstream: string
  /** The rules directory. */
  readonly rules: string
  readonly flags?: readonly string[]
  /** Flags of Node, e.g. `--max-old-space-size=64`, or a module to preload. */
  readonly nodeFlags?: readonly string[]
  /** Its log file; default: a temporary one. */
  readonly log?: string
  /** cgroup folder to join before it starts. */
  readonly controlGroup?: string
  /** File descriptor limit at start (prlimit(1)). */
  readonly openFiles?: number
}

export interface Sidecar {
  readonly dataPort: number
  readonly adminPort: number
  readonly data: string
  readonly admin: string
  readonly pid: number
  /** Sends a message to the preloaded module. */
  tell(message: string): Promise<void>
  /** Whether it is still running. */
  isAlive(): boolean
  /** Lines of its log so far, parsed; throws when one is not JSON. */
  logged(): Promise<readonly Readonly<Record<string, unknown>>[]>
  /** What it wrote to stderr; complete once it has ended. */
  end(): Promise<string>
}

/** Starts `serve` and resolves when it serves. Rejects with its stderr when it exits instead. */
export async function startSidecar(options: SidecarOptions): Promise<Sidecar> {
  const { upstream, rules, flags = [], nodeFlags = [], openFiles, controlGroup } = options
  const folder = await mkdtemp(join(tmpdir(), 'adversity-log-'))
  const log = options.log ?? join(folder, 'log')
  const ports = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const limit = openFiles === undefined ? [] : ['prlimit', `--nofile=${openFiles}`]
  const [command = '', ...rest] = [
    ...(controlGroup === undefined ? [] : ['sh', '-c', joinGroup, controlGroup]),
    ...limit,
    ...[process.execPath, ...nodeFlags, main, 'serve'],
    ...['--upstream', upstream, '--rules', rules, ...ports, ...flags],
  ]
  const output = openSync(log, 'a')
  const child = spawn(command, rest, { stdio: ['ignore', output, 'pipe', 'ipc'] })
  closeSync(output)
  if (child.stderr === null) throw new Error('stderr is not piped')
  const said = text(child.stderr)
  const ended = once(child, 'exit')
  const logged = (): Promise<Readonly<Record<string, unknown>>[]> => readLog(log)
  const end = async (): Promise<string> => {
    child.kill('SIGKILL')
    await ended
    await rm(folder, { recursive: true })
    return said
  }
  const serving = await whenServing(child, logged, said).catch(async (error: unknown) => {
    await end()
    throw error
  })
  const dataPort = Number(serving['server.port'])
  const adminPort = Number(serving['admin.port'])
  return {
    dataPort,
    adminPort,
    data: `http://127.0.0.1:${dataPort}`,
    admin: `http://127.0.0.1:${adminPort}`,
    pid: child.pid ?? 0,
    tell: (message) =>
      new Promise((resolve, reject) => {
        child.once('message', () => resolve())
        child.send(message, (error) => error && reject(error))
      }),
    isAlive: () => child.exitCode === null && child.signalCode === null,
    logged,
    end,
  }
}

/** `exec` keeps the process id of the shell. */
const joinGroup = 'echo $$ > "$0/cgroup.procs" && exec "$@"'

async function whenServing(
  child: ChildProcess,
  logged: Sidecar['logged'],
  said: Promise<string>,
): Promise<Readonly<Record<string, unknown>>> {
  for (;;) {
    const line = (await logged()).find(({ msg }) => msg === 'serving')
    if (line !== undefined) return line
    if (child.exitCode !== null) throw new Error(`it ended before it served: ${await said}`)
    await wait(50)
  }
}

/** Complete lines only; the last may still be written. */
async function readLog(log: string): Promise<Readonly<Record<string, unknown>>[]> {
  const lines = (await readFile(log, 'utf8')).split('\n').slice(0, -1)
  return lines.map((line) => JSON.parse(line))
}

const megabyte = 1024 * 1024

/** VmRSS in MB (proc_pid_status(5)). */
export async function residentMegabytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  return (Number(/^VmRSS:\s+([0-9]+) kB$/m.exec(status)?.[1]) * 1024) / megabyte
}

/** Runs `act` with a temporary rules directory that contains `bucket.yaml`. */
export async function withRules<Result>(act: (rules: string) => Promise<Result>): Promise<Result> {
  const rules = await mkdtemp(join(tmpdir(), 'adversity-rules-'))
  try {
    await writeFile(join(rules, 'bucket.yaml'), rulesFor(1))
    return await act(rules)
  } finally {
    await rm(rules, { recursive: true, force: true })
  }
}

/** The origin that every rule file of these scenarios allows. */
export const origin = 'https://app.example'

/** A rule file that is identified by the `maxAge` of its preflights. */
export const rulesFor = (maxAge: number): string => `rules:
  - allowedOrigins: ["${origin}"]
    allowedMethods: [GET, HEAD, PUT, POST]
    allowedHeaders: ["*"]
    exposeHeaders: [ETag]
    maxAgeSeconds: ${maxAge}
`
