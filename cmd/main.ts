#!/usr/bin/env node
// No static imports: an unsafe Node is reported before it loads, or fails to load, the rest.
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

const { nodeDefect, servesHttp } = await import('./node-version.ts')
const defect = nodeDefect(process.version)
if (defect !== undefined && servesHttp(process.argv.slice(2))) {
  process.stderr.write(`error: ${defect}; this Node cannot serve\n`)
  process.exit(2)
}
if (defect !== undefined) {
  process.stderr.write(`warning: ${defect}; serve and demo refuse to start\n`)
  const { addMissing } = await import('./old-node.ts')
  addMissing()
}

// With it set, http-proxy-3 sends requests by fetch(), which re-encodes what their signatures cover.
delete process.env.FORCE_FETCH_PATH

process.stdout.on('error', endQuietly)
process.stderr.on('error', endQuietly)

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  exit(code) {
    process.exitCode = code
  },
  // Not file descriptor 0: Node makes a pipe there non-blocking, and reads of it fail with EAGAIN while its writer pauses.
  get stdin() {
    return process.stdin
  },
  env: process.env,
  cwd: process.cwd(),
  isInteractive: process.stdout.isTTY === true,
  colour: wantsColour(process.env, process.stdout.isTTY === true && process.stdout.hasColors()),
}

const signals: Signals = {
  onTerminate(listener) {
    process.on('SIGTERM', listener)
    process.on('SIGINT', listener)
  },
  onReload(listener) {
    process.on('SIGHUP', listener)
  },
  onExit(listener) {
    process.on('exit', listener)
  },
}

try {
  const { run } = await import('./program.ts')
  await run(process.argv.slice(2), terminal, signals)
} catch (error) {
  // Not the 1 of an uncaught exception, which would read as "findings" or "denied".
  process.exitCode = 2
  console.error(error)
}
// A command that is done must not be kept alive by what it left open, a connection that never ends for one.
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit()

/** FORCE_COLOR wins over NO_COLOR, as in Node itself; an empty variable counts as not set (https://no-color.org). */
function wantsColour(
  { FORCE_COLOR: force = '', NO_COLOR: no = '' }: NodeJS.ProcessEnv,
  byTerminal: boolean,
): boolean {
  if (force !== '') return force !== '0' && force !== 'false'
  return no === '' && byTerminal
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // Not even nothing can be written to a full disk.
    if (stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}

/** A reader that has seen enough (`| head`) is no failure; the command ends with its own code. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
