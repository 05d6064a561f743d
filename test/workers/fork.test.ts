import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = promisify(execFile)
const pathOf = (script: string): string => fileURLToPath(new URL(script, import.meta.url))

test('a worker that the system cannot start counts as ended, and affects no other', async () => {
  // Sets both limits, because Node raises the soft limit to the hard one.
  const shell = 'ulimit -n 64; exec "$0" "$@"'
  const { stdout } = await run('/bin/sh', ['-c', shell, process.execPath, pathOf('fork-without-files.ts')])
  expect(JSON.parse(stdout)).toEqual({
    pid: null,
    outputs: 0,
    end: { code: null, signal: null, reason: expect.stringMatching(/^spawn .*EMFILE$/) },
  })
})

test('a failed send to a worker neither ends it nor rejects, so the primary stays alive', async () => {
  const { stdout } = await run(process.execPath, [pathOf('fork-failed-send.ts')])
  expect(JSON.parse(stdout)).toEqual({ before: false, end: { code: null, signal: 'SIGKILL' } })
})
