/**
 * Loaded into every process that a reliability run starts (`--import`): writes down what befalls those that are the
 * program. It changes nothing that they do.
 */

import { openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { faultsVariable, programs, type Trace } from './faults.ts'

const folder = process.env[faultsVariable]
const script = process.argv[1] ?? ''

if (folder !== undefined && programs.some((program) => script.endsWith(program))) {
  // Open from the beginning: later there may be no descriptor to be had.
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
