import { existsSync } from 'node:fs'
import { z } from 'zod'
import { table } from '../markdown.ts'
import { code, page } from './markdown.ts'

const source = new URL('../../src/doctor/codes.ts', import.meta.url)

const shape = z.object({
  problemTexts: z.record(z.string(), z.object({ meaning: z.string(), remedy: z.string() })),
})

/** Undefined in a program without `doctor`. */
export async function doctorCodesPage(): Promise<string | undefined> {
  if (!existsSync(source)) return undefined
  const { problemTexts } = shape.parse(await import(source.href))
  const rows = Object.entries(problemTexts)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, { meaning, remedy }]) => [`<a id="${name}"></a>${code(name)}`, meaning, remedy])
  return page(
    'Doctor codes',
    'The problems that `cors-sidecar doctor` reports. For each problem, `doctor` also names the hop where it has to be fixed. `cors-sidecar doctor --explain CODE` prints one of these texts.',
    table(['code', 'meaning', 'remedy'], rows),
    'The sentences of the browsers that lead here: [CORS errors and what they mean](../cors-errors.md).',
  )
}
