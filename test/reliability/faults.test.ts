import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { faultsVariable, noteFault, watchFaults } from './faults.ts'

/** Runs `source` as if it were the program. */
async function runAsProgram(source: string): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'faults-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await mkdir(join(folder, 'cmd'))
  const script = join(folder, 'cmd', 'main.ts')
  await writeFile(script, source)
  await once(
    spawn(process.execPath, ['--max-old-space-size=30', script, 'serve'], {
      stdio: 'ignore',
      timeout: 20_000,
    }),
    'exit',
  )
}

async function watched() {
  const { NODE_OPTIONS, [faultsVariable]: folder } = process.env
  const watching = await watchFaults()
  onTestFinished(async () => {
    await watching.close()
    restore('NODE_OPTIONS', NODE_OPTIONS)
    restore(faultsVariable, folder)
  })
  return watching
}

function restore(name: string, value: string | undefined): void {
  if (value === undefined) delete process.env[name]
  else process.env[name] = value
}

test.each([
  [
    'an uncaught exception',
    'setImmediate(() => { throw new TypeError("lost") })',
    /uncaughtException: TypeError: lost/,
  ],
  ['an unhandled rejection', 'void Promise.reject(new Error("late"))', /unhandledRejection: Error: late/],
  ['an end with a code of its own', 'process.exit(7)', /an end with 7/],
  [
    'a heap that is full',
    'const kept: unknown[] = []\nfor (;;) kept.push(Array.from({ length: 10_000 }, String))',
    /a fatal error/,
  ],
])('%s is found', async (_what, source, fault) => {
  const { faults } = await watched()
  await runAsProgram(source)
  const { processes, found } = await faults()
  expect(processes).toBe(1)
  expect(found).toContainEqual(expect.stringMatching(fault))
})

test.each([
  ['0', 'setTimeout(() => {}, 1)'],
  ['2, as where the program refuses to start', 'process.exitCode = 2'],
])('a process that ends with %s has no fault', async (_code, source) => {
  const { faults } = await watched()
  await runAsProgram(source)
  expect(await faults()).toEqual({ processes: 1, found: [] })
})

test('faults outside the process are found while a watch runs', async () => {
  const { faults } = await watched()
  noteFault(12, 'an end by SIGSEGV')
  expect(await faults()).toEqual({ processes: 0, found: ['an end by SIGSEGV'] })
})
