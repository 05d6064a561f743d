/** Figure 4: puts every bad rule file of the collection in place of a good one while the program serves. */

import { readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { readRules } from '../../src/rule-file/read.ts'
import { replace } from '../rules/directory.ts'
import { adminJson } from '../serve/exchange.ts'
import { currentGeneration, generationFile } from '../serve/generations.ts'
import type { Measured } from './figure.ts'
import { type Serving, whileServing } from './serving.ts'

const collection = new URL('../fixtures/bad-rules/', import.meta.url)
const mostToRead = 200
const otherCount = 20

const indexShape = z.array(
  z.object({
    file: z.string(),
    verdict: z.enum(['reject', 'warn', 'accept', 'ignore']),
    code: z.string(),
    line: z.number().nullable(),
  }),
)
type Row = z.infer<typeof indexShape>[number]

const reloadShape = z.object({
  errors: z.array(z.object({ file: z.string(), line: z.number(), code: z.string() })),
})

export async function measureBadFiles(): Promise<Measured> {
  const rows = indexShape.parse(JSON.parse(await readFile(new URL('index.json', collection), 'utf8')))
  const bad = rows.filter(({ verdict }) => verdict === 'reject')
  const others = Array.from({ length: otherCount }, (_, index) => `other-${index}`)
  const good = generationFile(1)
  const files = Object.fromEntries(['bad', ...others].map((bucket) => [`${bucket}.yaml`, good]))
  return whileServing({ files }, async (serving) => {
    const problems: string[] = []
    let slowest = 0
    for (const row of bad) {
      const bytes = await readFile(fileURLToPath(new URL(row.file, collection)))
      slowest = Math.max(slowest, millisecondsToRead(row.file, bytes))
      problems.push(...(await putInPlace(serving, row, bytes, others)).map((what) => `${row.file}: ${what}`))
    }
    return {
      measured: `${bad.length} files: ${problems.length} not reported with code and line, or not harmless${problems
        .slice(0, 3)
        .map((problem) => ` (${problem})`)
        .join(
          '',
        )}; ${otherCount} other buckets requested after each; slowest read in ${slowest.toFixed(0)} ms`,
      held: bad.length > 0 && problems.length === 0 && slowest <= mostToRead,
    }
  })
}

function millisecondsToRead(file: string, bytes: Uint8Array): number {
  const began = performance.now()
  readRules(file, bytes, 'cos')
  return performance.now() - began
}

/**
 * Replaces the file of the bucket `bad` by `bytes`, and then by a good one again. Returns the violated promises.
 */
async function putInPlace(
  { program, rules }: Serving,
  row: Row,
  bytes: Uint8Array,
  others: readonly string[],
): Promise<readonly string[]> {
  const name = `bad${row.file.slice(row.file.lastIndexOf('.'))}`
  await writeFile(join(rules, '.new'), bytes)
  // In one step: with both files present for a moment, both would be refused.
  if (name === 'bad.yaml') await rename(join(rules, '.new'), join(rules, name))
  else await Promise.all([rename(join(rules, '.new'), join(rules, name)), rm(join(rules, 'bad.yaml'))])
  const problems: string[] = []
  const found = await errorsOf(program.admin, name)
  if (!found.some(({ code, line }) => code === row.code && (row.line === null || line === row.line)))
    problems.push(`reported as ${found.map(({ code, line }) => `${line}: ${code}`).join(', ') || 'nothing'}`)
  for (const bucket of ['bad', ...others]) {
    const generation = await currentGeneration(program.data, bucket)
    if (generation !== 1) problems.push(`the bucket ${bucket} is served with ${generation}`)
  }
  await replace(rules, 'bad.yaml', generationFile(1))
  if (name !== 'bad.yaml') await rm(join(rules, name))
  const left = await errorsOf(program.admin, 'bad.yaml', 0)
  if (left.length > 0) problems.push('the good file that followed is refused')
  return problems
}

/** Reloads until `file` has as many errors as `wanted`; a file without a final line break takes longer. */
async function errorsOf(
  admin: string,
  file: string,
  wanted = 1,
): Promise<z.infer<typeof reloadShape>['errors']> {
  for (let attempt = 0; ; attempt++) {
    const { errors } = reloadShape.parse(await adminJson(admin, '/-/reload', 'POST'))
    const own = errors.filter((error) => error.file === file)
    if (own.length >= wanted === wanted > 0 || attempt === 10) return own
  }
}
