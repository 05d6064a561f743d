/** The benchmark: `node test/bench/main.ts --help`. */
import { readFile, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { readMachine } from './machine.ts'
import { noiseOf, renderNoise } from './noise.ts'
import { type BenchOptions, help, readOptions, type SectionName } from './options.ts'
import { compareQuickly, renderCompared } from './quick.ts'
import { type ComparedRatio, parseRatios, printRatios } from './ratios.ts'
import { noiseMarks, type Run, renderRun, replaceMeasured, runMarks } from './results.ts'
import type { Bench, Section, SectionResult } from './section.ts'
import { decisions } from './sections/decisions.ts'
import { get } from './sections/get.ts'
import { growth } from './sections/growth.ts'
import { load } from './sections/load.ts'
import { memory } from './sections/memory.ts'
import { preflight } from './sections/preflight.ts'
import { scale } from './sections/scale.ts'
import { streams } from './sections/streams.ts'
import { workers } from './sections/workers.ts'
import { buildProgram, sidecarsOf } from './sidecar.ts'
import { openTestbed } from './testbed.ts'

const sections: Readonly<Record<SectionName, Section>> = {
  preflight,
  get,
  streams,
  decisions,
  scale,
  growth,
  load,
  workers,
  memory,
}

const read = readOptions(process.argv.slice(2))
switch (read.kind) {
  case 'help':
    process.stdout.write(help)
    break
  case 'issue':
    process.stderr.write(`error: ${read.issue}\n`)
    process.exitCode = 2
    break
  case 'options':
    process.exitCode = await run(read.options)
}

async function run(options: BenchOptions): Promise<0 | 1> {
  const machine = await readMachine()
  const needed = machine.missing.filter((tool) => tool === 'nginx' || tool === 'wrk')
  if (needed.length > 0) {
    process.stderr.write(`error: ${needed.join(' and ')} must be installed\n`)
    return 1
  }
  const started = performance.now()
  const testbed = await openTestbed()
  let isInterrupted = false
  const interrupt = (): void => {
    isInterrupted = true
    void testbed.close().then(() => process.exit(130))
  }
  process.once('SIGINT', interrupt)
  process.once('SIGTERM', interrupt)
  try {
    progress(options.program === undefined ? 'building' : '')
    const program = options.program === undefined ? await buildProgram(testbed) : resolve(options.program)
    const sidecars = sidecarsOf(testbed, program)
    const bench: Bench = { options, testbed, sidecars, programs: machine.programs, progress }
    if (options.noise !== undefined) return await measureNoise(bench, options.noise)
    if (options.quick) return await guard(bench)
    const results: SectionResult[] = []
    const failures: string[] = []
    for (const name of options.only)
      try {
        results.push(await sections[name](bench))
      } catch (error) {
        if (isInterrupted) throw error
        // A failed section must neither lose the results of the others nor leave processes that disturb them.
        await testbed.endAll()
        failures.push(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      }
    progress('')
    const whole: Run = {
      machine,
      argv: process.argv.slice(2),
      date: new Date().toISOString().slice(0, 10),
      minutes: (performance.now() - started) / 60_000,
      sections: results,
    }
    console.log(renderRun(whole))
    for (const failure of failures) console.error(`error: ${failure}`)
    if (failures.length > 0) return 1
    if (options.write) await record(whole)
    return 0
  } catch (error) {
    progress('')
    // An interrupt ends the servers, so the running section fails; that error is expected.
    if (!isInterrupted) console.error(error instanceof Error ? `error: ${error.message}` : error)
    return 1
  } finally {
    await testbed.close()
  }
}

/** 1 when a ratio is worse than recorded, or none is recorded to compare with. */
async function guard(bench: Bench): Promise<0 | 1> {
  const compared = await compareQuickly(bench, await recordedRatios())
  console.log(renderCompared(compared))
  const isCompared = compared.some(({ recorded }) => recorded !== undefined)
  return isCompared && compared.every(({ hasFallen }) => !hasFallen) ? 0 : 1
}

/** Runs the guard several times on the same code, so every alarm is a false one. */
async function measureNoise(bench: Bench, times: number): Promise<0> {
  const recorded = await recordedRatios()
  const runs: (readonly ComparedRatio[])[] = []
  while (runs.length < times) {
    const progress = (text: string): void => bench.progress(text && `run ${runs.length} of ${times}: ${text}`)
    runs.push(await compareQuickly({ ...bench, progress }, recorded))
  }
  const text = renderNoise(noiseOf(runs), new Date().toISOString().slice(0, 10))
  console.log(text)
  if (bench.options.write) await replaceInResults(noiseMarks, text)
  return 0
}

async function recordedRatios(): Promise<ReturnType<typeof parseRatios>> {
  const text = await readFile(place('ratios.json'), 'utf8').catch((error: unknown) => {
    throw new Error('nothing is recorded yet: run with --write first', { cause: error })
  })
  return parseRatios(text)
}

async function replaceInResults(marks: typeof runMarks, text: string): Promise<void> {
  const document = await readFile(place('RESULTS.md'), 'utf8')
  await writeFile(place('RESULTS.md'), replaceMeasured(document, text, marks))
}

async function record(run: Run): Promise<void> {
  await replaceInResults(runMarks, renderRun(run))
  const ratios = Object.assign({}, ...run.sections.map(({ ratios }) => ratios))
  await writeFile(place('ratios.json'), printRatios(ratios))
  for (const { plots = {} } of run.sections)
    for (const [file, svg] of Object.entries(plots)) await writeFile(place(file), svg)
}

function place(file: string): string {
  return join(import.meta.dirname, file)
}

/** One line, overwritten on a terminal. */
function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`)
  else if (text !== '') process.stderr.write(`${text}\n`)
}
