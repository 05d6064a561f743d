import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'

const run = (...argv: readonly string[]) =>
  spawnSync(process.execPath, [join(import.meta.dirname, 'main.ts'), ...argv], { encoding: 'utf8' })

test('a figure is measured with the real program, printed and tabulated', { timeout: 120_000 }, () => {
  const { status, stdout, stderr } = run('--only', '17')
  // One case is skipped where another user cannot run the program.
  expect(stdout).toMatch(/^17 held +\d+ s {2}(?:19 of 19|20 of 20) cases$/m)
  expect(stdout).toMatch(
    /^\| 17 \| with bad rule files the sidecar starts, .* \| (?:19 of 19|20 of 20) cases \| held \| \d+ \|$/m,
  )
  expect([status, stderr]).toEqual([0, ''])
})

test('an unknown figure is reported, and nothing is measured', () => {
  const { status, stdout, stderr } = run('--only', '17,99')
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain('there is no figure 99')
})
