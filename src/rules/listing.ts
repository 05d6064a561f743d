import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileName, readFileName } from '../rule-file/names.ts'
import { isAdopted, isReady, type KnownFile } from './file-index.ts'
import { type Outline, outline, type Reading, read } from './reading.ts'

/** The names in the rules directory at one moment. */
export interface Listing {
  /**
   * The directory with all symbolic links resolved, so that a link swapped meanwhile cannot mix two generations.
   */
  readonly place: string
  /**
   * Resolved paths of the directory and of its `..data` link. Kubernetes swaps that link to replace all files of a
   * mount at once.
   */
  readonly generation: string
  /** All names except the ignored ones. */
  readonly names: ReadonlyMap<string, FileName>
  readonly hasRuleFiles: boolean
}

/** Throws the system's error when the directory cannot be read. */
export async function list(directory: string): Promise<Listing> {
  const place = await realpath(directory)
  const generation = await generationOf(place)
  const names = new Map<string, FileName>()
  let hasRuleFiles = false
  for (const name of await readdir(place)) {
    const parsed = readFileName(name)
    if (parsed.kind !== 'ignored') names.set(name, parsed)
    hasRuleFiles ||= parsed.kind === 'rules'
  }
  return { place, generation, names, hasRuleFiles }
}

/** Whether files were swapped since the listing, so that two generations may be mixed. */
export const isOutdated = async ({ place, generation }: Listing): Promise<boolean> =>
  (await generationOf(place)) !== generation

async function generationOf(place: string): Promise<string> {
  const data = await realpath(join(place, '..data')).catch(() => '')
  return `${place}:${data}`
}

/**
 * Checks one name of `listing`, or of an earlier one. Reads the file only if it may have changed since `known`.
 * `now` is milliseconds since 1970.
 */
export async function readListed(
  name: string,
  listing: Listing,
  known: KnownFile | undefined,
  now: () => number,
): Promise<Reading> {
  const found = await outlineListed(name, listing)
  if (found.kind !== 'file') return { stat: found, bytes: undefined }
  const last = known?.stat
  const isUnchanged = last?.kind === 'file' && last.reliable && last.mark === found.mark
  return isUnchanged && known !== undefined && (isAdopted(known) || isReady(known))
    ? { stat: last, bytes: undefined }
    : read(join(listing.place, name), found, now())
}

async function outlineListed(name: string, { place, names }: Listing): Promise<Outline> {
  const listed = names.get(name)
  if (listed === undefined) return { kind: 'gone' }
  const found = await outline(join(place, name))
  return listed.kind === 'refused' && found.kind === 'file' ? { kind: 'unreadable', why: 'misnamed' } : found
}
