import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { cpuNanoseconds, parseKilobytes, parseSchedstat, residentNow } from './accounting.ts'

test('the first number of schedstat is read as CPU time', () => {
  expect(parseSchedstat('108293835 10962392 603\n')).toBe(108_293_835)
})

test('a thread that has ended adds no CPU time', () => {
  expect(parseSchedstat('')).toBe(0)
})

const status = 'Name:\tnode\nVmPeak:\t 999999 kB\nVmHWM:\t  133120 kB\nVmRSS:\t  120000 kB\n'

test('memory is read from the line with exactly that name', () => {
  expect(parseKilobytes(status, 'VmHWM')).toBe(133_120)
  expect(parseKilobytes(status, 'VmRSS')).toBe(120_000)
})

test('missing memory figures are an error, not zero', () => {
  expect(() => parseKilobytes('', 'VmRSS')).toThrow('VmRSS')
})

const isLinux = process.platform === 'linux'

/** Uses 50 ms of CPU, prints a line, then idles. */
const busy = `while (process.cpuUsage().user < 50_000);
console.log('done')
setInterval(() => {}, 1_000)`

test.runIf(isLinux)('CPU and memory of a process are those of its children too', async () => {
  const shell = spawn('sh', ['-c', '"$@" & wait', 'sh', process.execPath, '-e', busy], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  const pid = shell.pid ?? 0
  onTestFinished(() => void process.kill(-pid))
  await once(shell.stdout, 'data')
  expect(cpuNanoseconds(pid)).toBeGreaterThanOrEqual(50_000_000)
  expect(residentNow(pid)).toBeGreaterThan(16 * 1024 * 1024)
})

test.runIf(isLinux)('a process that has ended is an error, not one that used nothing', async () => {
  const ended = spawn('true')
  await once(ended, 'exit')
  expect(() => cpuNanoseconds(ended.pid ?? 0)).toThrow('ENOENT')
})
