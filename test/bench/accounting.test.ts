import { expect, test } from 'vitest'
import { parseKilobytes, parseSchedstat } from './accounting.ts'

test('of schedstat the first number is the time on a CPU', () => {
  expect(parseSchedstat('108293835 10962392 603\n')).toBe(108_293_835)
})

test('a thread that has just gone used nothing more', () => {
  expect(parseSchedstat('')).toBe(0)
})

const status = 'Name:\tnode\nVmPeak:\t 999999 kB\nVmHWM:\t  133120 kB\nVmRSS:\t  120000 kB\n'

test('memory is read from the line of the very name', () => {
  expect(parseKilobytes(status, 'VmHWM')).toBe(133_120)
  expect(parseKilobytes(status, 'VmRSS')).toBe(120_000)
})

test('a process that tells no memory is an error, not one that needs none', () => {
  expect(() => parseKilobytes('', 'VmRSS')).toThrow('VmRSS')
})
