import { existsSync, statSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { schemaLine, schemaPath } from '../src/rule-file/names.ts'
import { systemErrorCode, systemErrorMeaning, systemRefusal } from '../src/text/system-error.ts'

/** The schema as printed by `cors-sidecar schema`. */
export async function schemaText(): Promise<string> {
  // Imported on demand, so that the help does not load zod.
  const { ruleFileSchema } = await import('../src/rule-file/editor-schema.ts')
  return `${JSON.stringify(ruleFileSchema(), null, 2)}\n`
}

/**
 * Writes a YAML rule file with the comment by which editors find its schema, and the schema itself. Rejects with
 * EEXIST when the rule file exists: it is never overwritten.
 */
export async function writeNewRuleFile(folder: string, name: string, text: string): Promise<void> {
  const schema = join(folder, schemaPath)
  await makeDirectory(dirname(schema))
  await writeFile(join(folder, name), schemaLine + text, { flag: 'wx' })
  // An existing schema may be newer, or the team's own.
  await writeFile(schema, await schemaText(), { flag: 'wx' }).catch((error: unknown) => {
    if (!isExisting(error)) throw error
  })
}

export const isExisting = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EEXIST'

/**
 * Creates a directory and its parents. `mkdir` of Node with `recursive` never returns where the system says ENOENT
 * below a directory that exists, as in /proc.
 */
export async function makeDirectory(path: string): Promise<void> {
  try {
    await mkdir(path)
  } catch (error) {
    if (isDirectory(path)) return
    const parent = dirname(path)
    if (systemErrorCode(error) !== 'ENOENT' || parent === path || existsSync(parent)) throw error
    await makeDirectory(parent)
    await makeDirectory(path)
  }
}

const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() === true

/** Why a directory cannot be created or written to. Rethrows an error that is not from the system. */
export function whyUnwritable(error: unknown): string {
  // `makeDirectory` accepts an existing directory, so EEXIST means that something else has this path.
  if (isExisting(error)) return systemErrorMeaning('ENOTDIR')
  return systemErrorCode(error) === 'ENOENT' ? 'no directory can be created there' : systemRefusal(error)
}
