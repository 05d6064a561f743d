#!/usr/bin/env node
// No static imports, because an unsafe Node must be reported before the rest loads, or fails to load.
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

// The compile cache is beside the built program, because anyone who can write there can replace the program anyway. Where
// that folder is read-only, as in the image, there is no cache.
if (import.meta.url.endsWith('.js')) {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache(`${import.meta.dirname}/../.compiled`)
}

// With this variable set, http-proxy-3 sends requests with fetch(), which re-encodes paths that signatures cover.
delete process.env.FORCE_FETCH_PATH

process.stdout.on('error', endQuietly)
process.stderr.on('error', endQuietly)

const terminal: Terminal = {
  out: (text) => void process.stdout.write(text),
  err: (text) => void process.stderr.write(text),
  setExitCode(code) {
    process.exitCode = code
  },
  // Not file descriptor 0: Node makes a pipe there non-blocking, and reads fail with EAGAIN while its writer
  // pauses.
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
  // Not 1, the code of an uncaught exception, which here means "findings" or "denied".
  process.exitCode = 2
  console.error(error)
}
// Exits explicitly: an open connection must not keep a finished command alive.
await Promise.all([flushed(process.stdout), flushed(process.stderr)])
process.exit()

/** FORCE_COLOR overrides NO_COLOR, as in Node itself. An empty variable counts as unset (https://no-color.org). */
function wantsColour(
  { FORCE_COLOR: force = '', NO_COLOR: no = '' }: NodeJS.ProcessEnv,
  byTerminal: boolean,
): boolean {
  if (force !== '') return force !== '0' && force !== 'false'
  return no === '' && byTerminal
}

function flushed(stream: NodeJS.WriteStream): Promise<void> {
  return new Promise((resolve) => {
    // On a full disk even an empty write fails.
    if (stream.writableLength === 0) resolve()
    else stream.write('', () => resolve())
  })
}

/** Not an error: the reader (such as `| head`) has seen enough, and the command keeps its own exit code. */
function endQuietly(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
}
