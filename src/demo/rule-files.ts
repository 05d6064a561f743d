import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DemoBucket } from './example-data.ts'

/** The text of a bucket's rule file; empty when somebody removed it. */
export async function readRuleFile(folder: string, bucket: DemoBucket): Promise<string> {
  return readFile(fileOf(folder, bucket), 'utf8').catch(() => '')
}

/** Replaces a bucket's rule file in one step: a reload never reads half of it. */
export async function writeRuleFile(
  folder: string,
  bucket: DemoBucket,
  content: string | Uint8Array,
): Promise<void> {
  // A name with a leading dot is no rule file.
  const temporary = join(folder, `.${randomUUID()}`)
  await writeFile(temporary, content)
  await rename(temporary, fileOf(folder, bucket))
}

const fileOf = (folder: string, bucket: DemoBucket): string => join(folder, `${bucket}.yaml`)
