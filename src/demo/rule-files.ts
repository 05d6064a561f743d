import { randomUUID } from 'node:crypto'
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { DemoBucket } from './example-data.ts'

/** Returns an empty string if the file was deleted. */
export async function readRuleFile(folder: string, bucket: DemoBucket): Promise<string> {
  return readFile(fileOf(folder, bucket), 'utf8').catch(() => '')
}

/** Replaces the file by a rename, so that a reload never reads half of it. */
export async function writeRuleFile(
  folder: string,
  bucket: DemoBucket,
  content: string | Uint8Array,
): Promise<void> {
  // The sidecar ignores names with a leading dot.
  const temporary = join(folder, `.${randomUUID()}`)
  await writeFile(temporary, content)
  await rename(temporary, fileOf(folder, bucket))
}

const fileOf = (folder: string, bucket: DemoBucket): string => join(folder, `${bucket}.yaml`)
