/** Whether any process of the program, in any figure, had an uncaught exception or ended unexpectedly. */

import { appendFileSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { z } from 'zod'

/** Names the folder that the processes write to. */
export const faultsVariable = 'RELIABILITY_FAULTS'

/** Path suffixes of the scripts that are the program, or serve as part of it. */
export const programs = ['/cmd/main.ts', '/test/bucket-cors/serve.ts'] as const

const traceShape = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('start'), argv: z.array(z.string()) }),
  z.object({ kind: z.literal('fault'), what: z.string() }),
  z.object({ kind: z.literal('exit'), code: z.number() }),
])
export type Trace = z.infer<typeof traceShape>

export interface Faults {
  /** Processes of the program that were started. */
  readonly processes: number
  /** Uncaught exceptions, unhandled rejections, logged faults, and exit codes that indicate a fault. */
  readonly found: readonly string[]
}

/** Watches every process that starts from now on. */
export async function watchFaults(): Promise<{
  readonly faults: () => Promise<Faults>
  readonly close: () => Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'reliability-faults-'))
  const probe = pathToFileURL(join(import.meta.dirname, 'fault-probe.ts'))
  process.env[faultsVariable] = folder
  // V8 leaves a report when it aborts a process, usually for lack of memory.
  process.env.NODE_OPTIONS = `${process.env.NODE_OPTIONS ?? ''} --import=${probe} --report-on-fatalerror --report-directory=${folder}`
  return { faults: () => readFaults(folder), close: () => rm(folder, { recursive: true }) }
}

/** Records a fault that is visible from outside the process, if a run is watching. */
export function noteFault(pid: number, what: string): void {
  const folder = process.env[faultsVariable]
  if (folder === undefined) return
  const trace: Trace = { kind: 'fault', what }
  appendFileSync(join(folder, `${pid}.jsonl`), `${JSON.stringify(trace)}\n`)
}

async function readFaults(folder: string): Promise<Faults> {
  const names = await readdir(folder)
  const found = names.filter((name) => name.startsWith('report.')).map((name) => `a fatal error: ${name}`)
  let processes = 0
  for (const name of names.filter((name) => name.endsWith('.jsonl'))) {
    const lines = (await readFile(join(folder, name), 'utf8')).trimEnd().split('\n')
    for (const trace of lines.map((line) => traceShape.parse(JSON.parse(line)))) {
      if (trace.kind === 'start') processes++
      if (trace.kind === 'fault') found.push(trace.what)
      if (trace.kind === 'exit' && !expectedCodes.includes(trace.code))
        found.push(`an end with ${trace.code}`)
    }
  }
  return { processes, found }
}

/** 2: the program refused to start, as some tests intend. */
const expectedCodes: readonly number[] = [0, 2]
