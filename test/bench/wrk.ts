import { writeFile } from 'node:fs/promises'
import { expectLines } from './access-log.ts'
import { cpuNanoseconds, forgetPeak, peakResidentBytes } from './accounting.ts'
import { runToEnd, type Testbed } from './testbed.ts'
import { type Load, parseWrk } from './wrk-output.ts'

/** A load, and what it cost the process that answered it. */
export interface Measured extends Load {
  readonly cpuNanosecondsPerRequest: number
  readonly peakResidentBytes: number
}

export interface WrkLoad {
  readonly pid: number
  readonly url: string
  /** Lua, from `wrkScript`. */
  readonly script: string
  readonly seconds: number
  readonly connections?: number
  /** Responses of 400 and above are expected. */
  readonly mayRefuse?: boolean
  /** A log with one line per request, emptied before the load. Lines written after the load count as well. */
  readonly log?: string | undefined
}

/**
 * Loads a server with one thread of wrk and 16 connections by default. Rejects when a response is an error (unless
 * `mayRefuse`), a connection breaks, or the log lacks a line, because the speed of a failing server means nothing.
 */
export async function measureLoad(testbed: Testbed, load: WrkLoad): Promise<Measured> {
  const { pid, url, script, seconds, connections = 16, mayRefuse = false, log } = load
  const file = testbed.path('load.lua')
  await writeFile(file, script)
  forgetPeak(pid)
  const before = cpuNanoseconds(pid)
  const argv = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', file, url]
  const seen = parseWrk(await runToEnd(testbed, 'wrk', argv))
  const failed = seen.socketErrors + (mayRefuse ? 0 : seen.refusals)
  if (failed > 0) throw new Error(`${url}: ${failed} of ${seen.requests} requests failed`)
  if (log !== undefined) await expectLines(log, seen.requests)
  const cpu = cpuNanoseconds(pid) - before
  return {
    ...seen,
    cpuNanosecondsPerRequest: cpu / seen.requests,
    peakResidentBytes: peakResidentBytes(pid),
  }
}
