/**
 * Loaded into the sidecar with `--import`: measures how long its event loop is blocked. On SIGUSR2 it writes one
 * line of JSON ({@link LongestBlock}) to descriptor 3 and starts over.
 */
import { writeSync } from 'node:fs'

/** The longest time between two turns of the event loop, in milliseconds. */
export interface LongestBlock {
  /** CPU of the main thread: the program's own work. */
  readonly cpu: number
  /** Wall clock: on a shared machine it includes other processes. */
  readonly clock: number
}

let longest: LongestBlock = { cpu: 0, clock: 0 }
let [cpuBefore, clockBefore] = now()

function look(): void {
  const [cpu, clock] = now()
  longest = {
    cpu: Math.max(longest.cpu, cpu - cpuBefore),
    clock: Math.max(longest.clock, clock - clockBefore),
  }
  cpuBefore = cpu
  clockBefore = clock
}

setInterval(look, 1).unref()

process.on('SIGUSR2', () => {
  // The signal may be handled before the timer that follows a block.
  look()
  writeSync(3, `${JSON.stringify(longest)}\n`)
  longest = { cpu: 0, clock: 0 }
})

function now(): readonly [cpu: number, clock: number] {
  const { user, system } = process.threadCpuUsage()
  return [(user + system) / 1000, performance.now()]
}
