import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import { Readable } from 'node:stream'
import { cpuNanoseconds } from './accounting.ts'
import type { LongestBlock } from './event-loop-probe.ts'
import type { Bench } from './section.ts'
import type { Running } from './testbed.ts'

export interface TimedSidecar {
  readonly program: Running
  /** From process start until it serves. */
  readonly milliseconds: number
  /** CPU of the process and its children until then. */
  readonly cpuMilliseconds: number
  readonly port: number
  readonly adminPort: number
}

/** A sidecar with a probe of its event loop, which makes its start slower. */
export interface WatchedSidecar extends TimedSidecar {
  /** Since the last call. */
  readonly longestBlock: () => Promise<LongestBlock>
}

/** Starts one as people do. No store is needed, because it only answers preflights. */
export async function startTimed(
  { testbed, sidecars }: Bench,
  rules: string,
  nodeFlags: readonly string[] = [],
): Promise<TimedSidecar> {
  const free = ['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0']
  const argv = [sidecars.program, 'serve', '--upstream', 'http://127.0.0.1:9', '--rules', rules, ...free]
  const started = performance.now()
  const program = testbed.start(process.execPath, [...nodeFlags, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit', 'pipe'],
  })
  const { child, exited } = program
  const ports = await servingPorts(linesOf(child.stdout), exited)
  const milliseconds = performance.now() - started
  const cpuMilliseconds = cpuNanoseconds(program.pid) / 1e6
  child.stdout?.resume()
  return { program, milliseconds, cpuMilliseconds, ...ports }
}

export async function startWatched(bench: Bench, rules: string): Promise<WatchedSidecar> {
  const probe = join(import.meta.dirname, 'event-loop-probe.ts')
  const timed = await startTimed(bench, rules, ['--import', probe])
  const { child, exited } = timed.program
  const reports = linesOf(child.stdio[3])
  const longestBlock = async (): Promise<LongestBlock> => {
    const reported = once(reports, 'line')
    child.kill('SIGUSR2')
    const ended = exited.then((code) => Promise.reject(new Error(`the sidecar ended with ${code}`)))
    return JSON.parse(String((await Promise.race([reported, ended]))[0]))
  }
  return { ...timed, longestBlock }
}

function linesOf(stream: unknown): Interface {
  if (!(stream instanceof Readable)) throw new Error('no pipe was made')
  return createInterface(stream)
}

function servingPorts(
  lines: Interface,
  exited: Promise<unknown>,
): Promise<Pick<TimedSidecar, 'port' | 'adminPort'>> {
  return new Promise((resolve, reject) => {
    lines.on('line', (line) => {
      if (!line.includes('"msg":"serving"')) return
      const { 'server.port': port, 'admin.port': adminPort } = JSON.parse(line)
      resolve({ port: Number(port), adminPort: Number(adminPort) })
    })
    void exited.then(() => reject(new Error('the sidecar ended before it served')))
  })
}
