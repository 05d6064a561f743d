import { parseArgs } from 'node:util'
import type { Figure } from './figure.ts'

export const help = `npm run test:reliability -- [--nightly] [--only NAMES] [--write]

Measures every promise of reliability with the real program on this machine, and prints all of them in one table.
Ends with 1 when one is not held.

  --nightly       the counts of the promises, instead of smaller ones that take minutes; figure 16 runs for the time
                  that is left, not for its hour
  --minutes 60    how long the nightly run takes, if its figures need no longer (they need about half an hour)
  --only NAMES    these figures alone: their names, separated by commas; may be repeated, for a name with a comma
  --write         writes the table to test/reliability/RESULTS.md
  --list          names every figure and its promise

Examples:
  npm run test:reliability -- --only 3,5
  npm run test:reliability -- --only 3 --only 'stalled readers, in 384 MiB'
  npm run test:reliability -- --nightly --minutes 35 --write
`

const usualMinutes = 60

/** The options, or what is wrong with them. */
export function readOptions(argv: readonly string[]) {
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        help: { type: 'boolean' },
        list: { type: 'boolean' },
        nightly: { type: 'boolean' },
        minutes: { type: 'string' },
        only: { type: 'string', multiple: true },
        write: { type: 'boolean' },
      },
    })
    const minutes = Number(values.minutes ?? usualMinutes)
    if (!(minutes >= 1)) return `--minutes ${values.minutes}: write a number of 1 or more`
    return values.write === true && values.only !== undefined
      ? '--write wants all figures: what --only leaves out would be missing from the file'
      : { ...values, minutes }
  } catch (error) {
    return `${error instanceof Error ? error.message : String(error)}\n\n${help}`
  }
}

interface Chosen<Item> {
  readonly chosen: readonly Item[]
  readonly unknown: readonly string[]
}

/** The figures that the values of `--only` name; all without one. A value that is a name is one, commas included. */
export function choose<Item extends Pick<Figure, 'name'>>(
  figures: readonly Item[],
  only: readonly string[] | undefined,
): Chosen<Item> {
  if (only === undefined) return { chosen: figures, unknown: [] }
  const known = new Set(figures.map(({ name }) => name))
  const names = new Set(only.flatMap((value) => (known.has(value) ? [value] : value.split(',').map(trimmed))))
  return {
    chosen: figures.filter(({ name }) => names.has(name)),
    unknown: [...names].filter((name) => !known.has(name)),
  }
}

const trimmed = (name: string): string => name.trim()
