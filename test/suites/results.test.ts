import { expect, test } from 'vitest'
import { isHeld, type Outcome, renderRun } from './results.ts'
import type { Suite } from './suite.ts'

const suite: Suite = {
  name: 'client | store',
  least: 2,
  versions: async () => '',
  run: async () => ({ direct: new Map(), through: new Map() }),
}
const compared = (why: string | undefined, tests: readonly string[] = ['a', 'b']): Outcome => ({
  kind: 'compared',
  suite,
  versions: 'client 1, store 2',
  compared: {
    direct: new Map(tests.map((name) => [name, 'ok'])),
    through: new Map(tests.map((name) => [name, name === 'b' ? '502' : 'ok'])),
  },
  differences: [{ test: 'b', direct: 'ok', through: '502', why }],
  seconds: 1,
})
const notTested: Outcome = { kind: 'not tested', suite, why: 'litmus is not installed' }

test('a run passes if every difference has a reason', () => {
  expect(isHeld(compared('by design'))).toBe(true)
  expect(isHeld(compared(undefined))).toBe(false)
  expect(isHeld(notTested)).toBe(true)
})

test('a suite in which too few tests pass directly fails, because it compares almost nothing', () => {
  expect(isHeld(compared('by design', ['b']))).toBe(false)
})

test('the table names suites, versions, counts, differences and reasons', () => {
  const text = renderRun([compared('by | design'), notTested, compared(undefined)], 'cors-sidecar 1')
  expect(text).toContain('cors-sidecar 1.')
  expect(text).toContain('| client \\| store | client 1, store 2 | 2 ok | 1 ok, 1 other | 1 |')
  expect(text).toContain('| client \\| store | NOT TESTED: litmus is not installed |  |  |  |')
  expect(text).toContain('| client \\| store | `b` | by \\| design |')
  expect(text).toContain('| client \\| store | `b` | NONE: a defect |')
})
