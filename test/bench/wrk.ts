import { writeFile } from 'node:fs/promises'
import { expectLines } from './access-log.ts'
import { cpuNanoseconds, forgetPeak, peakResidentBytes } from './accounting.ts'
import { runToEnd, type Testbed } from './testbed.ts'
import { type Load, parseWrk } from './wrk-output.ts'

/** A load and what it cost the process that answered it. */
export interface Measured extends Load {
  readonly cpuNanosecondsPerRequest: number
  readonly peakResidentBytes: number
}

export interface WrkLoad {
  readonly pid: number
  readonly url: string
  /** Lua, of `wrkScript`. */
  readonly script: string
  readonly seconds: number
  readonly connections?: number
  /** Answers of 400 and above are what is asked for. */
  readonly mayRefuse?: boolean
  /** Log that gets a line for each request, emptied before: what is written of it after the load counts too. */
  readonly log?: string | undefined
}

/**
 * Loads a server with one thread of wrk, 16 connections unless told otherwise. Rejects when an answer is an error or
 * a connection breaks off, or when the log has no line for one: a server that fails is not fast.
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
