import type { DialectName } from '../cors/rule.ts'
import type { Finding } from '../rule-file/issue.ts'
import { createTake, type RuleReader, type Take } from './adopt.ts'
import { type SettleTimes, settleTime } from './debounce.ts'
import type { FileCalls } from './file-calls.ts'
import { isReady, isTaken, type KnownFile, type Seen, takenFiles } from './file-index.ts'
import { isOutdated, type Listing, list, type NamedReading, readingsOf } from './listing.ts'
import { agree, systemErrorCode } from './reading.ts'
import { type Clock, createPause } from './slices.ts'

export interface LookOptions {
  readonly directory: string
  /** The server's own, for files that name none. */
  readonly dialect: DialectName
  readonly read: RuleReader
  readonly settle: SettleTimes
  readonly clock: Clock
  readonly files: FileCalls
}

/** `pending`: a file that was taken and is still there is not looked at, unless all files were swapped since. */
export type Scope = 'all' | 'pending'

export type Look =
  | {
      readonly kind: 'seen'
      readonly seen: Seen
      /** Names of the changes that are not taken yet, because they have not settled. */
      readonly pending: readonly string[]
      /** Milliseconds until the first of them may be; `undefined` when there is none. */
      readonly due: number | undefined
      /** The directory had rule files and has none now. */
      readonly emptied: boolean
    }
  /** The directory cannot be read; what was seen stands. `reason` says why, e.g. `it does not exist`. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Looks for one generation of a mount: each takes milliseconds, a swap far less. */
const maxAttempts = 5

/**
 * Looks at the directory once. Every name is looked at, what changed is read, and what the looks found unchanged for
 * its settle time is taken. The event loop is never held for longer than one file takes to parse.
 */
export async function lookAt(options: LookOptions, before: Seen, scope: Scope = 'all'): Promise<Look> {
  let seen = before
  for (let attempt = 1; ; attempt++) {
    const { look, torn } = await lookOnce(options, seen, scope)
    if (look.kind === 'failed' || !torn || attempt === maxAttempts) return look
    seen = look.seen
  }
}

/** `torn`: files were swapped meanwhile, so that what was found may be of two generations. */
async function lookOnce(
  options: LookOptions,
  before: Seen,
  scope: Scope,
): Promise<{ readonly look: Look; readonly torn: boolean }> {
  try {
    const listing = await list(options.directory)
    const emptied = before.files.size > 0 && !listing.hasRuleFiles
    const seen = await lookAtNames(options, listing, before, scope, emptied)
    const pending = [...seen.files].filter(([, known]) => !isTaken(known))
    const due = dueIn(pending, emptied, options)
    const torn = pending.some(leadsNowhere) || (await isOutdated(listing))
    return { look: { kind: 'seen', seen, pending: pending.map(([name]) => name), due, emptied }, torn }
  } catch (error) {
    return { look: { kind: 'failed', reason: reasonOf(error) }, torn: false }
  }
}

async function lookAtNames(
  options: LookOptions,
  listing: Listing,
  before: Seen,
  scope: Scope,
  emptied: boolean,
): Promise<Seen> {
  const names = [...new Set([...listing.names.keys(), ...before.files.keys()])].sort()
  const found = new Map<string, KnownFile>()
  if (scope === 'pending' && listing.generation === before.generation)
    for (const [name, known] of before.files)
      if (isTaken(known) && listing.names.has(name)) found.set(name, known)

  const notices: Finding[] = []
  const pause = createPause(options.clock)
  const take = createTake(() => takenFiles(before), options.read, options.dialect)
  const lookedAt = names.filter((name) => !found.has(name))
  for await (const reading of readingsOf(lookedAt, listing, before, options)) {
    const name = listing.names.get(reading.name)
    if (name?.kind === 'refused' && name.finding.severity !== 'error') {
      if (reading.sighting.kind !== 'gone') notices.push(name.finding)
      continue
    }
    found.set(reading.name, settle(reading, before.files.get(reading.name), emptied, options, take))
    await pause()
  }
  return { files: inOrder(names, found), notices, generation: listing.generation }
}

/**
 * What a reading makes of what is known: it is taken when the looks have found it the same for long enough. It is made
 * ready at once: while it settles there is time for it.
 */
function settle(
  { name, sighting, bytes, began }: NamedReading,
  known: KnownFile | undefined,
  emptied: boolean,
  { settle, clock }: LookOptions,
  take: Take,
): KnownFile {
  if (known?.sighting === sighting && isTaken(known)) return known
  const isSame = known !== undefined && agree(known.sighting, sighting)
  const since = isSame ? known.since : clock.elapsed()
  const seen = { sighting, since, taken: known?.taken, next: known?.next }
  if (isTaken(seen)) return { ...seen, next: undefined }
  const next = isReady(seen) ? seen.next : take(name, sighting, bytes)
  const lasted = isSame ? began - since : 0
  return lasted < settleTime(sighting, settle, emptied)
    ? { ...seen, next }
    : { ...seen, taken: next, next: undefined }
}

function inOrder(
  names: readonly string[],
  found: ReadonlyMap<string, KnownFile>,
): ReadonlyMap<string, KnownFile> {
  const files = new Map<string, KnownFile>()
  for (const name of names) {
    const known = found.get(name)
    if (known !== undefined && (known.sighting.kind !== 'gone' || known.taken !== undefined))
      files.set(name, known)
  }
  return files
}

function dueIn(
  pending: readonly (readonly [string, KnownFile])[],
  emptied: boolean,
  { settle, clock }: LookOptions,
): number | undefined {
  if (pending.length === 0) return undefined
  const moments = pending.map(([, { sighting, since }]) => since + settleTime(sighting, settle, emptied))
  const first = moments.reduce((least, moment) => Math.min(least, moment))
  return Math.max(1, Math.ceil(first - clock.elapsed()))
}

/** A link whose file is gone: in a swap it only means that the listing is older than the files. */
const leadsNowhere = ([, { sighting }]: readonly [string, KnownFile]): boolean =>
  sighting.kind === 'unreadable' && sighting.why === 'ENOENT'

const reasons: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it is not a directory'],
  ['EACCES', 'this process may not read it'],
  ['EMFILE', 'this process has too many files open'],
])

/** What is no error of the system is a bug, and thrown on. */
function reasonOf(error: unknown): string {
  const code = systemErrorCode(error)
  if (code === undefined) throw error
  return reasons.get(code) ?? `the system says ${code}`
}
