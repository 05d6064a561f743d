/**
 * Loaded (`--import`) into every process of a reliability run. Records faults of the program without changing its
 * behaviour.
 */

import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { faultsVariable, programs, type Trace } from './faults.ts'

const folder = process.env[faultsVariable]
const script = process.argv[1] ?? ''

if (folder !== undefined && programs.some((program) => script.endsWith(program))) {
  // Opened at start, because later there may be no descriptor left.
  const file = openSync(join(folder, `${process.pid}.jsonl`), 'a')
  const write = (trace: Trace): void => {
    writeSync(file, `${JSON.stringify(trace)}\n`)
  }
  write({ kind: 'start', argv: process.argv.slice(2, 3) })
  process.on('uncaughtExceptionMonitor', (error, origin) => {
    write({ kind: 'fault', what: `${origin}: ${error instanceof Error ? error.stack : String(error)}` })
  })
  process.on('exit', (code) => write({ kind: 'exit', code }))
}
