/** Measures the reliability promises: `npm run test:reliability -- --help`. */

import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { besides } from './besides.ts'
import { watchFaults } from './faults.ts'
import { type Figure, NotRun, type Scale } from './figure.ts'
import { figuresWith } from './figures.ts'
import { choose, help, readOptions } from './options.ts'
import { type Outcome, outcomeLine, renderRun, replaceMeasured } from './results.ts'

const resultsFile = join(import.meta.dirname, 'RESULTS.md')
/** Time reserved at the end of the run for the report of the figures that run throughout. */
const lastSeconds = 90
const ordinarySeconds = 60
/** A figure that takes this much longer than its allotted time hangs. */
const mostSeconds = 3_600

// Abandoned figures may still hold connections and processes.
process.exit(await run(process.argv.slice(2)))

async function run(argv: readonly string[]): Promise<0 | 1 | 2> {
  const options = readOptions(argv)
  if (typeof options === 'string') {
    console.error(options)
    return 2
  }
  if (options.help === true) {
    console.log(help)
    return 0
  }
  const watched = await watchFaults()
  try {
    const numbered = figuresWith(watched.faults)
    const figures = [...numbered, ...besides]
    if (options.list === true) {
      for (const { name, promise } of figures) console.log(`${name.padEnd(20)} ${promise}`)
      return 0
    }
    const { chosen, unknown } = choose(figures, options.only)
    if (unknown.length > 0) {
      console.error(`--only: there is no figure ${unknown.join(', ')}; --list names them`)
      return 2
    }
    const scale: Scale = options.nightly === true ? 'nightly' : 'ordinary'
    const began = performance.now()
    const outcomes = await measureAll(chosen, scale, options.minutes)
    const of = (some: readonly Figure[]): Outcome[] =>
      some.flatMap((figure) => outcomes.find((outcome) => outcome.figure === figure) ?? [])
    const minutes = (performance.now() - began) / 60_000
    const text = renderRun({ argv, minutes, numbered: of(numbered), besides: of(besides) })
    console.log(`\n${text}`)
    if (options.write === true)
      await writeFile(resultsFile, replaceMeasured(await readFile(resultsFile, 'utf8'), text))
    return outcomes.every(({ verdict }) => verdict === 'held') ? 0 : 1
  } finally {
    await watched.close()
  }
}

async function measureAll(
  figures: readonly Figure[],
  scale: Scale,
  minutes: number,
): Promise<readonly Outcome[]> {
  const began = performance.now()
  const at = (when: Figure['when']): readonly Figure[] => figures.filter((figure) => figure.when === when)
  const outcomes = await oneAfterTheOther(at('alone'), scale, 0)
  const elapsed = (performance.now() - began) / 1000
  const left = 60 * minutes - lastSeconds - elapsed
  const seconds = scale === 'nightly' ? Math.max(ordinarySeconds, left) : ordinarySeconds
  const throughout = at('throughout').map((figure) => oneAfterTheOther([figure], scale, Math.floor(seconds)))
  outcomes.push(...(await oneAfterTheOther(at('beside'), scale, 0)))
  outcomes.push(...(await Promise.all(throughout)).flat())
  outcomes.push(...(await oneAfterTheOther(at('last'), scale, 0)))
  return outcomes
}

async function oneAfterTheOther(
  figures: readonly Figure[],
  scale: Scale,
  seconds: number,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const figure of figures) {
    const outcome = await measureOne(figure, scale, seconds)
    console.log(outcomeLine(outcome))
    outcomes.push(outcome)
  }
  return outcomes
}

/** A figure that could not be measured counts as not held. */
async function measureOne(figure: Figure, scale: Scale, seconds: number): Promise<Outcome> {
  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  try {
    const { measured, held } = await Promise.race([
      figure.measure(scale, seconds),
      hang(seconds + mostSeconds),
    ])
    return { figure, measured, verdict: held ? 'held' : 'MISSED', seconds: elapsed() }
  } catch (error) {
    const measured = error instanceof Error ? error.message : String(error)
    return { figure, measured, verdict: error instanceof NotRun ? 'NOT RUN' : 'MISSED', seconds: elapsed() }
  }
}

async function hang(seconds: number): Promise<never> {
  await wait(1_000 * seconds, undefined, { ref: false })
  throw new Error(`given up after ${seconds} s`)
}
