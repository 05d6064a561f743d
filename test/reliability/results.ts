import { arch, availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { programVersion } from '../../src/version.ts'
import { cell, type Marks, replaceMarked } from '../markdown.ts'
import type { Figure } from './figure.ts'

export interface Outcome {
  readonly figure: Figure
  readonly measured: string
  readonly verdict: 'held' | 'MISSED' | 'NOT RUN'
  readonly seconds: number
}

export interface Run {
  /** The arguments after `npm run test:reliability --`. */
  readonly argv: readonly string[]
  readonly minutes: number
  readonly numbered: readonly Outcome[]
  readonly besides: readonly Outcome[]
}

export const outcomeLine = ({ figure, verdict, seconds, measured }: Outcome): string =>
  `${figure.name.padEnd(2)} ${verdict.padEnd(7)} ${seconds.toFixed(0).padStart(4)} s  ${measured}`

/** A complete run as Markdown, also readable on a terminal. */
export function renderRun({ argv, minutes, numbered, besides }: Run): string {
  const words = argv.map((word) => (word.includes(' ') ? `'${word}'` : word))
  const command = ['npm run test:reliability', ...(words.length === 0 ? [] : ['--', ...words])].join(' ')
  const machine = `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()} ${arch()}`
  const versions = `cors-sidecar ${programVersion()}, Node ${process.versions.node}, V8 ${process.versions.v8}`
  const outcomes = [...numbered, ...besides]
  const missed = outcomes.filter(({ verdict }) => verdict !== 'held').map(({ figure }) => figure.name)
  const verdict =
    missed.length === 0
      ? `All ${outcomes.length} promises were held.`
      : `${outcomes.length - missed.length} of ${outcomes.length} promises were held; not: ${missed.join('; ')}.`
  return [
    verdict,
    `${new Date().toISOString().slice(0, 10)}, ${minutes.toFixed(0)} minutes of \`${command}\`: ${machine}; ${versions}.`,
    ...(numbered.length > 0 ? [table(numbered)] : []),
    ...(besides.length > 0 ? ['Besides:', table(besides)] : []),
  ].join('\n\n')
}

function table(outcomes: readonly Outcome[]): string {
  const rows = outcomes.map(({ figure, measured, verdict, seconds }) => [
    figure.name,
    figure.promise,
    measured,
    verdict,
    seconds.toFixed(0),
  ])
  return [['#', 'promise', 'measured', '', 'seconds'], ['---', '---', '---', '---', '---:'], ...rows]
    .map((cells) => `| ${cells.map(cell).join(' | ')} |`)
    .join('\n')
}

const marks: Marks = {
  begin: '<!-- measured by npm run test:reliability: from here -->',
  end: '<!-- measured by npm run test:reliability: to here -->',
}

export const replaceMeasured = (document: string, measured: string): string =>
  replaceMarked(document, marks, measured)
