import { readdirSync, readFileSync, writeFileSync } from 'node:fs'

/**
 * CPU time used by a process, its threads and its children, in nanoseconds (schedstat, sched-stats.rst). The clock
 * ticks in /proc/PID/stat are 10 ms, too coarse for a short load. Threads that have ended do not count, but no
 * measured program ends threads under load. Throws when the process has ended, and where the kernel lacks
 * CONFIG_SCHED_INFO or CONFIG_PROC_CHILDREN.
 */
export function cpuNanoseconds(pid: number): number {
  const own = readThreads(pid, 'schedstat').map(parseSchedstat)
  return sum([...own, ...childrenOf(pid).map(cpuNanoseconds)])
}

/** Peak resident memory of a process and its children since {@link forgetPeak}, in bytes. */
export function peakResidentBytes(pid: number): number {
  return residentBytes(pid, 'VmHWM')
}

/** Resident memory of a process and its children, in bytes. */
export function residentNow(pid: number): number {
  return residentBytes(pid, 'VmRSS')
}

/** Resets the peak (proc(5), clear_refs). */
export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, '5')
  for (const child of childrenOf(pid)) forgetPeak(child)
}

function residentBytes(pid: number, field: 'VmHWM' | 'VmRSS'): number {
  const own = parseKilobytes(readFileSync(`/proc/${pid}/status`, 'utf8'), field) * 1024
  return sum([own, ...childrenOf(pid).map((child) => residentBytes(child, field))])
}

/** The first of three numbers: nanoseconds on a CPU. A thread that has just ended has none. */
export function parseSchedstat(text: string): number {
  return Number(text.split(' ')[0] ?? 0)
}

/** A field of /proc/PID/status in kilobytes; throws when it is missing. */
export function parseKilobytes(status: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]
  if (found === undefined) throw new Error(`/proc has no ${field}`)
  return Number(found)
}

/** Process ids of the children of a process. */
export function childrenOf(pid: number): readonly number[] {
  const listed = readThreads(pid, 'children')
  return listed.flatMap((list) => list.split(' ').filter((child) => child.trim() !== '')).map(Number)
}

/** The file of each thread; empty for a thread that has just ended. The first thread's must exist. */
function readThreads(pid: number, file: string): readonly string[] {
  const threads = readdirSync(`/proc/${pid}/task`)
  return threads.map((thread) => {
    try {
      return readFileSync(`/proc/${pid}/task/${thread}/${file}`, 'utf8')
    } catch (error) {
      if (thread === String(pid)) throw error
      return ''
    }
  })
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0)
