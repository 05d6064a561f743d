import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * CPU time that a process, its threads and its children have used, in nanoseconds (schedstat, sched-stats.rst). The
 * clock ticks of /proc/PID/stat are 10 ms, too coarse for a short load. A thread that has ended is not counted any
 * more: none of those that are measured ends threads under load.
 */
export function cpuNanoseconds(pid: number): number {
  const threads = threadsOf(pid)
  const own = threads.map((thread) => parseSchedstat(readProc(`${thread}/schedstat`)))
  return sum([...own, ...childrenOf(threads).map(cpuNanoseconds)])
}

/** Bytes of memory that a process and its children had resident at their peak, since {@link forgetPeak}. */
export function peakResidentBytes(pid: number): number {
  return residentBytes(pid, 'VmHWM')
}

/** Bytes of memory that a process and its children have resident. */
export function residentNow(pid: number): number {
  return residentBytes(pid, 'VmRSS')
}

/** The peak begins anew (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  for (const child of childrenOf(threadsOf(pid))) forgetPeak(child)
}

function residentBytes(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const own = parseKilobytes(readProc(`/proc/${pid}/status`), field) * 1024
  return sum([own, ...childrenOf(threadsOf(pid)).map((child) => residentBytes(child, field))])
}

/** The first of three numbers: nanoseconds on a CPU. A thread that has just gone has none. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ')[0] ?? 0)
}

/** A field of /proc/PID/status, in kilobytes; throws when it is not there. */
export function parseKilobytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]
  if (found === undefined) throw new Error(`/proc tells no ${field}`)
  return Number(found)
}

const threadsOf = (pid: number): readonly string[] =>
  readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}`)

function childrenOf(threads: readonly string[]): readonly number[] {
  const listed = threads.map((thread) => readProc(`${thread}/children`))
  return listed.flatMap((list) => list.split(' ').filter((pid) => pid.trim() !== '')).map(Number)
}

/** Empty when the thread has gone meanwhile. */
function readProc(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
