import { readdir, realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { type FileName, readFileName } from '../rule-file/names.ts'
import type { FileCalls } from './file-calls.ts'
import { isReady, isTaken, type KnownFile, type Seen } from './file-index.ts'
import { type Outline, outline, type Reading, read } from './reading.ts'
import type { Clock } from './slices.ts'

/** The names in the rules directory at one moment. */
export interface Listing {
  /** The directory with all symbolic links resolved, so that a link swapped meanwhile mixes nothing. */
  readonly place: string
  /** Where the directory and its `..data` lead: Kubernetes swaps that link to swap all files of a mount at once. */
  readonly generation: string
  /** All but the ignored ones. */
  readonly names: ReadonlyMap<string, FileName>
  readonly hasRuleFiles: boolean
}

/** What is found under one name. */
export interface NamedReading extends Reading {
  readonly name: string
  /** When the look at it began, by `clock.elapsed`. */
  readonly began: number
}

/** Enough for the threads that do it, far from any limit of open files. */
const outlinesAtOnce = 256
const readsAtOnce = 32

/** Throws the system's error when the directory cannot be read. */
export async function list(directory: string): Promise<Listing> {
  const place = await realpath(directory)
  const generation = await generationOf(place)
  const names = new Map<string, FileName>()
  let hasRuleFiles = false
  for (const name of await readdir(place)) {
    const read = readFileName(name)
    if (read.kind !== 'ignored') names.set(name, read)
    hasRuleFiles ||= read.kind === 'rules'
  }
  return { place, generation, names, hasRuleFiles }
}

/** Whether files were swapped since the listing: what was found since may be of two generations. */
export const isOutdated = async ({ place, generation }: Listing): Promise<boolean> =>
  (await generationOf(place)) !== generation

async function generationOf(place: string): Promise<string> {
  const data = await realpath(join(place, '..data')).catch(() => '')
  return `${place}:${data}`
}

/** What is found under `names`, in their order. Only what changed is read, and only a few files are in memory at once. */
export async function* readingsOf(
  names: readonly string[],
  listing: Listing,
  before: Seen,
  { clock, files }: { readonly clock: Clock; readonly files: FileCalls },
): AsyncGenerator<NamedReading, void> {
  for (const batch of chunks(names, outlinesAtOnce)) {
    const began = clock.elapsed()
    const outlined = await Promise.all(
      batch.map(async (name) => ({ name, found: await outlineListed(name, listing, files) })),
    )
    for (const part of chunks(outlined, readsAtOnce))
      yield* await Promise.all(
        part.map(async ({ name, found }) => {
          const path = join(listing.place, name)
          const known = before.files.get(name)
          return { name, began, ...(await readChanged(path, found, known, clock.now(), files)) }
        }),
      )
  }
}

async function outlineListed(name: string, { place, names }: Listing, files: FileCalls): Promise<Outline> {
  const listed = names.get(name)
  if (listed === undefined) return { kind: 'gone' }
  const found = await outline(join(place, name), files)
  return listed.kind === 'refused' && found.kind === 'file' ? { kind: 'unreadable', why: 'misnamed' } : found
}

async function readChanged(
  path: string,
  found: Outline,
  known: KnownFile | undefined,
  now: number,
  files: FileCalls,
): Promise<Reading> {
  if (found.kind !== 'file') return { sighting: found, bytes: undefined }
  const last = known?.sighting
  const isUnchanged = last?.kind === 'file' && last.reliable && last.mark === found.mark
  return isUnchanged && known !== undefined && (isTaken(known) || isReady(known))
    ? { sighting: last, bytes: undefined }
    : read(path, found, now, files)
}

function* chunks<Item>(items: readonly Item[], size: number): Generator<readonly Item[], void> {
  for (let start = 0; start < items.length; start += size) yield items.slice(start, start + size)
}
