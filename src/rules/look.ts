import type { DialectName } from '../cors/rule.ts'
import type { Finding } from '../plan/finding.ts'
import { systemRefusal } from '../text/system-error.ts'
import { type Adopt, createAdopt, type RuleReader } from './adopt.ts'
import type { Clock } from './clock.ts'
import { type DebounceTimes, debounceTime } from './debounce.ts'
import { adoptedFiles, type FileIndex, isAdopted, isReady, type KnownFile } from './file-index.ts'
import { isOutdated, type Listing, list, readListed } from './listing.ts'
import { agree, type Reading } from './reading.ts'

interface LookOptions {
  readonly directory: string
  /** The server's dialect, for files that name none. */
  readonly dialect: DialectName
  readonly read: RuleReader
  readonly debounce: DebounceTimes
  readonly clock: Clock
  /** Milliseconds after which a file whose reading failed is read again. */
  readonly retryAfter: number
}

/** `pending` skips files that are adopted and still there, unless all files were swapped. */
export type Scope = 'all' | 'pending'

type Look =
  | {
      readonly kind: 'seen'
      readonly index: FileIndex
      /** Names of changes that are not adopted yet. */
      readonly pending: readonly string[]
      /** Milliseconds until the first of them may be adopted; `undefined` when there is none. */
      readonly due: number | undefined
      /** The directory had rule files and has none now. */
      readonly emptied: boolean
    }
  /** The directory cannot be read, so earlier results stay valid. `reason` says why, e.g. `it does not exist`. */
  | { readonly kind: 'failed'; readonly reason: string }

/** Attempts to see a single generation of a mount. An attempt takes milliseconds, a swap far less. */
const maxAttempts = 5

/**
 * Looks at the directory once: stats every name, reads what changed, and adopts what stayed unchanged for its
 * debounce time.
 */
export async function lookAt(options: LookOptions, before: FileIndex, scope: Scope = 'all'): Promise<Look> {
  let index = before
  for (let attempt = 1; ; attempt++) {
    const { look, torn } = await lookOnce(options, index, scope)
    if (look.kind === 'failed' || !torn || attempt === maxAttempts) return look
    index = look.index
  }
}

/** `torn`: files were swapped meanwhile, so two generations may be mixed. */
async function lookOnce(
  options: LookOptions,
  before: FileIndex,
  scope: Scope,
): Promise<{ readonly look: Look; readonly torn: boolean }> {
  try {
    const listing = await list(options.directory)
    await options.clock.turn()
    const emptied = before.files.size > 0 && !listing.hasRuleFiles
    const index = await lookAtNames(options, listing, before, scope, emptied)
    await options.clock.turn()
    const pending = [...index.files].filter(([, known]) => !isAdopted(known))
    const due = dueIn(pending, emptied, options)
    const torn = pending.some(leadsNowhere) || (await isOutdated(listing))
    return { look: { kind: 'seen', index, pending: pending.map(([name]) => name), due, emptied }, torn }
  } catch (error) {
    return { look: { kind: 'failed', reason: systemRefusal(error) }, torn: false }
  }
}

async function lookAtNames(
  options: LookOptions,
  listing: Listing,
  before: FileIndex,
  scope: Scope,
  emptied: boolean,
): Promise<FileIndex> {
  const names = [...new Set([...listing.names.keys(), ...before.files.keys()])].sort()
  const found = new Map<string, KnownFile>()
  if (scope === 'pending' && listing.generation === before.generation)
    for (const [name, known] of before.files)
      if (isAdopted(known) && listing.names.has(name)) found.set(name, known)

  const notices: Finding[] = []
  const adopt = createAdopt(() => adoptedFiles(before), options.read, options.dialect, options.clock)
  await eachOf(
    names.filter((name) => !found.has(name)),
    async (name) => {
      const began = options.clock.elapsed()
      const known = withoutFailed(before.files.get(name), began - options.retryAfter)
      const reading = { ...(await readListed(name, listing, known, options.clock.now)), began }
      const listed = listing.names.get(name)
      if (listed?.kind === 'refused' && listed.finding.severity !== 'error') {
        if (reading.stat.kind !== 'gone') notices.push(listed.finding)
        return
      }
      found.set(name, await nextKnown(name, reading, known, emptied, options, adopt))
    },
  )
  notices.sort((one, other) => (one.file < other.file ? -1 : 1))
  return { files: inOrder(names, found), notices, generation: listing.generation }
}

/** Forgets a result that only says, since before `until`, that reading the file failed. */
function withoutFailed(known: KnownFile | undefined, until: number): KnownFile | undefined {
  const failedAt = known?.adopted?.failedAt
  return known === undefined || failedAt === undefined || failedAt > until
    ? known
    : { ...known, adopted: undefined }
}

/** Enough to keep the children busy; bounds the number of files in memory. */
const atOnce = 64

/** Calls `act` for every name, a bounded number of them concurrently. */
async function eachOf(names: readonly string[], act: (name: string) => Promise<void>): Promise<void> {
  const rest = names.values()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (const name of rest) await act(name)
    }),
  )
}

/**
 * Merges a reading into the known state. A new state is adopted once it has lasted for its debounce time. It is read
 * and compiled at the first look, so that the work is done during that time.
 */
async function nextKnown(
  name: string,
  { stat, bytes, began }: Reading & { readonly began: number },
  known: KnownFile | undefined,
  emptied: boolean,
  { debounce, clock }: LookOptions,
  adopt: Adopt,
): Promise<KnownFile> {
  if (known?.stat === stat && isAdopted(known)) return known
  const isSame = known !== undefined && agree(known.stat, stat)
  const since = isSame ? known.since : clock.elapsed()
  const seen = {
    stat,
    since,
    adopted: known?.adopted,
    adoptedFrom: known?.adoptedFrom,
    next: known?.next,
  }
  if (isAdopted(seen)) return { ...seen, adoptedFrom: stat, next: undefined }
  const next = isReady(seen) ? seen.next : await adopt(name, stat, bytes)
  const lasted = isSame ? began - since : 0
  return lasted < debounceTime(stat, debounce, emptied, seen.adoptedFrom)
    ? { ...seen, next }
    : { ...seen, adopted: next, adoptedFrom: stat, next: undefined }
}

function inOrder(
  names: readonly string[],
  found: ReadonlyMap<string, KnownFile>,
): ReadonlyMap<string, KnownFile> {
  const files = new Map<string, KnownFile>()
  for (const name of names) {
    const known = found.get(name)
    if (known !== undefined && (known.stat.kind !== 'gone' || known.adopted !== undefined))
      files.set(name, known)
  }
  return files
}

function dueIn(
  pending: readonly (readonly [string, KnownFile])[],
  emptied: boolean,
  { debounce, clock }: LookOptions,
): number | undefined {
  if (pending.length === 0) return undefined
  const moments = pending.map(
    ([, { stat, since, adoptedFrom }]) => since + debounceTime(stat, debounce, emptied, adoptedFrom),
  )
  const first = moments.reduce((least, moment) => Math.min(least, moment))
  return Math.max(1, Math.ceil(first - clock.elapsed()))
}

/** A dangling link: during a swap it only means that the listing is outdated. */
const leadsNowhere = ([, { stat }]: readonly [string, KnownFile]): boolean =>
  stat.kind === 'unreadable' && stat.why === 'ENOENT'
