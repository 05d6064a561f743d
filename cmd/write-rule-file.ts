import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { schemaLine, schemaPath } from '../src/rule-file/names.ts'

/** The schema as `cors-sidecar schema` prints it. */
export async function schemaText(): Promise<string> {
  // Here alone: zod is not for the program that serves.
  const { ruleFileSchema } = await import('../src/rule-file/parse.ts')
  return `${JSON.stringify(ruleFileSchema(), null, 2)}\n`
}

/**
 * Writes a YAML rule file with the line by which editors find its schema, and the schema where that line leads.
 * Rejects with EEXIST where a file of that name exists: a rule file is never replaced.
 */
export async function writeNewRuleFile(folder: string, name: string, text: string): Promise<void> {
  const schema = join(folder, schemaPath)
  await mkdir(dirname(schema), { recursive: true })
  await writeFile(join(folder, name), schemaLine + text, { flag: 'wx' })
  // One that is there may be newer, or the team's own.
  await writeFile(schema, await schemaText(), { flag: 'wx' }).catch((error: unknown) => {
    if (!isExisting(error)) throw error
  })
}

export const isExisting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST'
