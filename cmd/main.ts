#!/usr/bin/env node
// Nothing of the program is imported statically: an unsafe Node must be told of before it loads, or fails to load, the rest.
import { styleText } from 'node:util'
import type { Signals } from './signals.ts'
import type { Terminal } from './terminal.ts'

const { nodeDefect } = await import('./node-version.ts')
const defect = nodeDefect(process.version)
if (defect !== undefined) {
  process.stderr.write(`error: ${defect}\n`)
  process.exit(2)
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
  env: process.env,
  cwd: process.cwd(),
  // styleText knows NO_COLOR and FORCE_COLOR, and whether stdout is a terminal.
  colour: styleText('bold', 'x', { stream: process.stdout }) !== 'x',
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
