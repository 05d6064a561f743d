import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'
import { setTimeout as wait } from 'node:timers/promises'

/** A temporary folder and the processes of a run. {@link Testbed.close} removes all of them. */
export interface Testbed {
  readonly folder: string
  /** An unused name in the folder. */
  readonly path: (name: string) => string
  /** Starts a process that ends with the run at the latest. */
  readonly start: (command: string, argv: readonly string[], options?: SpawnOptions) => Running
  readonly endAll: () => Promise<void>
  /** Ends all processes and removes the folder. */
  readonly close: () => Promise<void>
}

export interface Running {
  readonly child: ChildProcess
  readonly pid: number
  readonly exited: Promise<number | null>
  readonly end: () => Promise<void>
}

export async function openTestbed(): Promise<Testbed> {
  const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-bench-'))
  const running = new Set<Running>()
  let names = 0
  const testbed: Testbed = {
    folder,
    path: (name) => join(folder, `${++names}-${name}`),
    start(command, argv, options = {}) {
      const child = spawn(command, argv, { cwd: folder, stdio: ['ignore', 'ignore', 'inherit'], ...options })
      const exited = new Promise<number | null>((resolve) => {
        child.on('exit', resolve)
        child.on('error', () => resolve(null))
      })
      const started: Running = { child, pid: child.pid ?? 0, exited, end: () => end(started) }
      running.add(started)
      void exited.then(() => running.delete(started))
      return started
    },
    async endAll() {
      await Promise.all([...running].map(end))
    },
    async close() {
      await testbed.endAll()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return testbed
}

/** SIGTERM first: a killed master leaves its workers behind. */
async function end({ child, exited }: Running): Promise<void> {
  child.kill('SIGTERM')
  const grace = new AbortController()
  const outOfPatience = wait(5_000, 'still there', { signal: grace.signal }).catch(() => 'aborted')
  if ((await Promise.race([exited, outOfPatience])) === 'still there') child.kill('SIGKILL')
  await exited
  grace.abort()
}

/** Runs a command to its end and returns its output; rejects with its stderr when it fails. */
export async function runToEnd(
  testbed: Testbed,
  command: string,
  argv: readonly string[],
  options: SpawnOptions = {},
): Promise<string> {
  const { child, exited } = testbed.start(command, argv, { stdio: ['ignore', 'pipe', 'pipe'], ...options })
  const printed = [child.stdout, child.stderr].map((stream) => (stream === null ? '' : text(stream)))
  const [code, out, err] = await Promise.all([exited, ...printed])
  if (code !== 0) throw new Error(`${command} ${argv.join(' ')} ended with ${code}:\n${out}${err}`)
  return out ?? ''
}

/** The first line of a process's stdout; later output is discarded. */
export async function firstLine({ child, exited }: Running): Promise<string> {
  if (child.stdout === null) throw new Error('stdout is not a pipe')
  const lines = createInterface(child.stdout)
  const line = once(lines, 'line').then(([line]) => String(line))
  const failed = exited.then((code) => {
    throw new Error(`${child.spawnargs.join(' ')} ended with ${code} before it was ready`)
  })
  try {
    return await Promise.race([line, failed])
  } finally {
    failed.catch(() => {})
  }
}

/** A port that was free a moment ago, for programs that cannot report the port they got. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('no port is free')
  return address.port
}

/** Resolves once connections are accepted; rejects when the process ends before, or after a minute. */
export async function accepting({ child, exited }: Running, port: number): Promise<void> {
  let code: number | null | undefined
  void exited.then((ended) => {
    code = ended
  })
  for (const deadline = performance.now() + 60_000; performance.now() < deadline; await wait(5)) {
    if (await accepts(port)) return
    if (code !== undefined) throw new Error(`${child.spawnargs.join(' ')} ended with ${code}`)
  }
  throw new Error(`${child.spawnfile} accepts no connections`)
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.on('error', () => resolve(false))
  })
}
