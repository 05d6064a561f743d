/** Runs client suites against real stores, directly and through the sidecar: `npm run test:suites -- --help`. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { programVersion } from '../../src/version.ts'
import { replaceMarked } from '../markdown.ts'
import { differencesOf, okCount, tally } from './compare.ts'
import { reasons } from './reasons.ts'
import { isHeld, marks, type Outcome, renderRun } from './results.ts'
import { type Compared, NotTested, type Suite } from './suite.ts'
import { suites } from './suites.ts'

const help = `npm run test:suites -- [--only WORD] [--write] [--show]

Runs every client suite before its store, directly and through the sidecar, and compares them test by test.
Ends with 1 when a test differs and test/suites/reasons.ts does not say why.

  --only WORD   the suites that have the word in their names
  --write       writes the table to test/transparency/RESULTS.md
  --show        prints every outcome
  --list        names every suite
`

const resultsFile = join(import.meta.dirname, '../transparency/RESULTS.md')

process.exitCode = await run(process.argv.slice(2))

async function run(argv: readonly string[]): Promise<0 | 1 | 2> {
  const options = readOptions(argv)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  const { only = '', show } = options
  if (options.help || options.list) {
    console.log(options.help ? help : suites.map(({ name }) => name).join('\n'))
    return 0
  }
  const chosen = suites.filter(({ name }) => name.toLowerCase().includes(only.toLowerCase()))
  if (chosen.length === 0) {
    console.error(`--only ${only}: no suite has this word in its name; --list names them`)
    return 2
  }
  const outcomes = await runAll(chosen, show)
  const text = renderRun(outcomes, `cors-sidecar ${programVersion()}, Node ${process.versions.node}`)
  console.log(`\n${text}\n`)
  if (options.write)
    await writeFile(resultsFile, replaceMarked(await readFile(resultsFile, 'utf8'), marks, text))
  return conclude(outcomes)
}

function readOptions(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean', default: false },
        list: { type: 'boolean', default: false },
        write: { type: 'boolean', default: false },
        show: { type: 'boolean', default: false },
        only: { type: 'string' },
      },
    })
    return values.write && values.only !== undefined
      ? '--write and --only cannot be used together: the suites left out would be missing from the file'
      : values
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help}`
  }
}

/** Two at once, because a suite also waits: all of them took 354 s instead of 465 on two cores. */
async function runAll(chosen: readonly Suite[], show: boolean): Promise<readonly Outcome[]> {
  const outcomes = new Map<Suite, Outcome>()
  const left = chosen.values()
  const runEach = async (): Promise<void> => {
    for (const suite of left) {
      const outcome = await runOne(suite)
      report(outcome, show)
      outcomes.set(suite, outcome)
    }
  }
  await Promise.all([runEach(), runEach()])
  return chosen.flatMap((suite) => outcomes.get(suite) ?? [])
}

async function runOne(suite: Suite): Promise<Outcome> {
  const began = performance.now()
  try {
    const versions = await suite.versions()
    const compared = await settle(suite, await suite.run())
    const differences = differencesOf(suite.name, compared, reasons)
    const seconds = Math.round((performance.now() - began) / 1000)
    return { kind: 'compared', suite, versions, compared, differences, seconds }
  } catch (error) {
    if (error instanceof NotTested) return { kind: 'not tested', suite, why: error.message }
    throw error
  }
}

/** Repeats tests with an unexplained difference, if the suite supports that. */
async function settle(suite: Suite, compared: Compared): Promise<Compared> {
  const odd = differencesOf(suite.name, compared, reasons).filter(({ why }) => why === undefined)
  if (suite.again === undefined || odd.length === 0) return compared
  const tests = odd.map(({ test }) => test)
  console.log(`${suite.name}: run again, because they differ: ${tests.join(', ')}`)
  const { direct, through } = await suite.again(tests)
  return {
    direct: new Map([...compared.direct, ...direct]),
    through: new Map([...compared.through, ...through]),
  }
}

function report(outcome: Outcome, show: boolean): void {
  if (outcome.kind === 'not tested') {
    console.log(`NOT TESTED: ${outcome.suite.name}: ${outcome.why}`)
    return
  }
  const { suite, versions, compared, differences, seconds } = outcome
  console.log(`${suite.name} (${versions}), ${seconds} s`)
  console.log(`  direct ${tally(compared.direct)}; through ${tally(compared.through)}`)
  if (okCount(compared.direct) < suite.least)
    console.log(`  FAILED: directly at least ${suite.least} tests must be ok, or next to nothing is compared`)
  if (show) for (const [test, text] of compared.direct) console.log(`  ${test}: ${text}`)
  for (const { test, direct, through, why } of differences) {
    console.log(
      `  ${why === undefined ? 'DIFFERS' : 'differs'} ${test}${why === undefined ? '' : `: ${why}`}`,
    )
    console.log(`    direct:  ${direct}\n    through: ${through}`)
  }
}

function conclude(outcomes: readonly Outcome[]): 0 | 1 {
  const compared = outcomes.filter((outcome) => outcome.kind === 'compared')
  const failed = outcomes.filter((outcome) => !isHeld(outcome)).length
  console.log(
    `${outcomes.length - failed - (outcomes.length - compared.length)} passed, ${failed} failed, ${outcomes.length - compared.length} skipped`,
  )
  return failed === 0 ? 0 : 1
}
