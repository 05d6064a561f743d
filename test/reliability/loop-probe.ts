/**
 * Loaded into the program (`--import`): the longest block of its event loop, in milliseconds of the thread's CPU
 * and of the wall clock, which on a shared machine includes other processes. On SIGUSR2 appends both to the file
 * named by `LOOP_PROBE` and starts over.
 */

import { appendFileSync } from 'node:fs'

const cpuNow = (): number => {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1000
}

const file = process.env.LOOP_PROBE
if (file !== undefined) {
  let longest = { cpu: 0, clock: 0 }
  let before = { cpu: cpuNow(), clock: performance.now() }
  const look = (): void => {
    const now = { cpu: cpuNow(), clock: performance.now() }
    longest = {
      cpu: Math.max(longest.cpu, now.cpu - before.cpu),
      clock: Math.max(longest.clock, now.clock - before.clock),
    }
    before = now
  }
  setInterval(look, 1).unref()
  process.on('SIGUSR2', () => {
    look()
    appendFileSync(file, `${JSON.stringify(longest)}\n`)
    longest = { cpu: 0, clock: 0 }
  })
}
