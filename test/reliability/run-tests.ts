/** A figure that a test of `npm test` or `npm run test:long` covers: runs it with larger counts from the environment. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { type Measurements, reportVariable } from './report.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export interface TestRun {
  readonly passed: number
  /** Title and first message line of each failed test, and errors outside of tests. */
  readonly failures: readonly string[]
  readonly measured: readonly Measurements[]
}

const reportShape = z.object({
  success: z.boolean(),
  numPassedTests: z.number(),
  testResults: z.array(
    z.object({
      message: z.string(),
      assertionResults: z.array(
        z.object({
          fullName: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).nullish(),
        }),
      ),
    }),
  ),
})
const measurementsShape = z.record(z.string(), z.number())

/**
 * Runs the tests in `files` (paths from the repository root) whose titles match `titles`. Rejects when the runner
 * fails or finds no test.
 */
export async function runTests(
  files: readonly string[],
  environment: Readonly<Record<string, number | string>> = {},
  titles = '',
): Promise<TestRun> {
  const folder = await mkdtemp(join(tmpdir(), 'reliability-tests-'))
  try {
    const [report, measured] = [join(folder, 'report.json'), join(folder, 'measured.jsonl')]
    const given = Object.entries(environment).map(([name, value]) => [name, String(value)])
    // Vitest finds the files of `npm run test:long` by their own configuration only.
    const config = files.some((file) => file.endsWith('.spec.ts')) ? ['--config', 'test/long.config.ts'] : []
    const argv = ['run', ...files, ...config, '--reporter=json', `--outputFile=${report}`]
    const child = spawn(
      process.execPath,
      [join(root, 'node_modules/vitest/vitest.mjs'), ...argv, ...(titles === '' ? [] : ['-t', titles])],
      {
        cwd: root,
        stdio: ['ignore', 'ignore', 'pipe'],
        env: { ...process.env, ...Object.fromEntries(given), [reportVariable]: measured },
      },
    )
    const [[code], errors] = await Promise.all([once(child, 'exit'), text(child.stderr)])
    const result = await readReport(report).catch(() => {
      throw new Error(`the tests could not be run: ${errors.slice(0, 500)}`)
    })
    const failures = result.testResults.flatMap(failuresOf)
    if (result.numPassedTests + failures.length === 0) throw new Error(`no test of ${files} has such a title`)
    if (code !== 0 && failures.length === 0)
      failures.push(`an error outside of any test: ${errors.slice(0, 500)}`)
    return { passed: result.numPassedTests, failures, measured: await readMeasurements(measured) }
  } finally {
    await rm(folder, { recursive: true })
  }
}

const readReport = async (file: string): Promise<z.infer<typeof reportShape>> =>
  reportShape.parse(JSON.parse(await readFile(file, 'utf8')))

function failuresOf(file: z.infer<typeof reportShape>['testResults'][number]): string[] {
  const failed = file.assertionResults
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, failureMessages }) => `${fullName}: ${failureMessages?.[0]?.split('\n')[0] ?? ''}`)
  return failed.length === 0 && file.message !== '' ? [file.message] : failed
}

async function readMeasurements(file: string): Promise<readonly Measurements[]> {
  const lines = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => measurementsShape.parse(JSON.parse(line)))
}

/**
 * The sum of the reported values of `name`. Throws when there are none, because a figure must not rest on nothing.
 */
export const sum = (run: TestRun, name: string): number =>
  valuesOf(run, name).reduce((total, value) => total + value, 0)

/** The largest reported value of `name`. */
export const most = (run: TestRun, name: string): number => Math.max(...valuesOf(run, name))

function valuesOf(run: TestRun, name: string): readonly number[] {
  const values = run.measured.flatMap((measurement) => measurement[name] ?? [])
  if (values.length === 0) throw new Error(`no test reported ${name}${failuresIn(run)}`)
  return values
}

/** Merges several runs. */
export const together = (runs: readonly TestRun[]): TestRun => ({
  passed: runs.reduce((total, { passed }) => total + passed, 0),
  failures: runs.flatMap(({ failures }) => failures),
  measured: runs.flatMap(({ measured }) => measured),
})

/** `, FAILED: …` when a test failed, for the end of a measurement. */
export const failuresIn = (run: TestRun): string =>
  run.failures.length === 0 ? '' : `; ${run.failures.length} FAILED: ${run.failures.slice(0, 3).join(' | ')}`
