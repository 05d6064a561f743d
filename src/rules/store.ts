import type { DialectName } from '../cors/rule.ts'
import { nothingLoaded, type Snapshot, snapshotInSteps } from '../plan/snapshot.ts'
import type { RuleReader } from './adopt.ts'
import { type Clock, systemClock } from './clock.ts'
import { type DebounceTimes, defaultDebounce } from './debounce.ts'
import { type AdoptedFile, adoptedFiles, emptyIndex, type FileIndex } from './file-index.ts'
import { lookAt, type Scope } from './look.ts'
import { readInChild } from './read-in-child.ts'
import { agree } from './reading.ts'
import { refuseConflicts } from './refuse-conflicts.ts'
import { describeReload, type ReloadCause, type ReloadResult } from './reload-result.ts'

export type { ReloadCause, ReloadResult } from './reload-result.ts'

export interface RulesStore {
  /** The active rules. A request takes them once and keeps them to its end. */
  current(): Snapshot
  /**
   * Updates the rules from the directory. Reloads run one at a time. Calls during a reload share the next one, so
   * that each sees everything written before it. Does not reject for any content of the directory.
   */
  reload(cause: ReloadCause): Promise<ReloadResult>
  /**
   * Calls `listener`, which must not throw, after every reload has taken effect. Returns a function that
   * unsubscribes it.
   */
  subscribe(listener: (result: ReloadResult) => void): () => void
}

export interface RulesStoreOptions {
  readonly directory: string
  /** The server's dialect, for files that name none. */
  readonly dialect: DialectName
  /** Default: `readInChild`. */
  readonly read?: RuleReader
  readonly debounce?: DebounceTimes
  readonly clock?: Clock
}

/**
 * How long a reload waits for files that are being written, in milliseconds. Later changes are left to the next
 * reload.
 */
const patience = 2_000

/**
 * How long a file whose reading failed stays unread, in milliseconds, unless somebody asks for a reload: a failed reading
 * keeps a child process busy for up to 10 s.
 */
const retryInterval = 60_000

const emptiedReason = 'it no longer has any rule file, as when a volume is unmounted'

/**
 * The only mutable reference to the rules in the program, with its only writer. Nothing is loaded before the first
 * reload.
 */
export function createRulesStore(options: RulesStoreOptions): RulesStore {
  const { directory, dialect, read = readInChild, debounce = defaultDebounce, clock = systemClock } = options
  const listeners = new Set<(result: ReloadResult) => void>()
  let current = nothingLoaded
  let index = emptyIndex
  let live: readonly AdoptedFile[] = []
  /** Files that kept changing during the whole previous reload, so the others do not wait for them. */
  let churning: ReadonlySet<string> = new Set()

  /** Swaps in the adopted files. Yields between the steps, so that each blocks only briefly with 10,000 files. */
  async function publish(): Promise<void> {
    const files = adoptedFiles(index)
    if (current.generation > 0 && areSame(files, live)) return
    const now = clock.now()
    await clock.turn()
    const loaded = refuseConflicts(files, current)
    await clock.turn()
    const steps = snapshotInSteps(current, loaded, dialect, now)
    let step = steps.next()
    while (step.done !== true) {
      await clock.turn()
      step = steps.next()
    }
    current = step.value
    live = files
    await clock.turn()
  }

  /** Looks until every change is adopted or `patience` ends. Returns what is left. */
  async function catchUp(
    cause: ReloadCause,
    isAsked: boolean,
  ): Promise<Pick<ReloadResult, 'failure' | 'pending'>> {
    const times = cause === 'bucket-cors' ? { ...debounce, emptied: debounce.file } : debounce
    const retryAfter = isAsked ? 0 : retryInterval
    let waited = 0
    for (let scope: Scope = 'all'; ; scope = 'pending') {
      const look = await lookAt(
        { directory, dialect, read, clock, debounce: times, retryAfter },
        index,
        scope,
      )
      if (look.kind === 'failed') return { failure: look.reason, pending: [] }
      const { due, pending, emptied } = look
      churning = stillChanging(churning, index, look.index)
      index = look.index
      const onlyChurning = waited > 0 && pending.every((name) => churning.has(name))
      const isLast = due === undefined || onlyChurning || waited + due > patience
      // Files that change together are adopted together, unless one of them stays unfinished.
      if (isLast || waited >= debounce.incomplete) await publish()
      if (isLast) churning = new Set(pending)
      if (isLast) return { failure: emptied && pending.length > 0 ? emptiedReason : undefined, pending }
      waited += due
      await clock.wait(due)
    }
  }

  async function run(causes: readonly ReloadCause[]): Promise<ReloadResult> {
    const cause = causes.find((one) => one === 'bucket-cors') ?? causes[0] ?? 'request'
    const isAsked = causes.some((one) => one === 'signal' || one === 'request')
    const before = { snapshot: current, notices: index.notices }
    const outcome = await catchUp(cause, isAsked)
    const result = describeReload(cause, before, { snapshot: current, notices: index.notices }, outcome)
    for (const listener of listeners) listener(result)
    return result
  }

  return {
    current: () => current,
    reload: oneAfterTheOther(run),
    subscribe(listener) {
      listeners.add(listener)
      return () => {
        listeners.delete(listener)
      }
    },
  }
}

/** Those of `names` that changed between the two looks. */
function stillChanging(names: ReadonlySet<string>, before: FileIndex, after: FileIndex): ReadonlySet<string> {
  if (names.size === 0) return names
  const changed = [...names].filter((name) => {
    const [one, other] = [before.files.get(name), after.files.get(name)]
    return one === undefined || other === undefined || !agree(one.stat, other.stat)
  })
  return new Set(changed)
}

const areSame = (files: readonly AdoptedFile[], others: readonly AdoptedFile[]): boolean =>
  files.length === others.length && files.every((file, index) => file === others[index])

/** Runs `run` one at a time. Calls during a run share one more run, which starts after it. */
function oneAfterTheOther(
  run: (causes: readonly ReloadCause[]) => Promise<ReloadResult>,
): (cause: ReloadCause) => Promise<ReloadResult> {
  let running: Promise<ReloadResult> | undefined
  let waiting: { readonly causes: ReloadCause[]; readonly result: Promise<ReloadResult> } | undefined

  function start(causes: readonly ReloadCause[]): Promise<ReloadResult> {
    running = run(causes).finally(() => {
      if (waiting === undefined) running = undefined
    })
    return running
  }

  function startNext(): Promise<ReloadResult> {
    const causes = waiting?.causes ?? []
    waiting = undefined
    return start(causes)
  }

  return (cause) => {
    if (running === undefined) return start([cause])
    waiting ??= { causes: [], result: running.then(startNext, startNext) }
    waiting.causes.push(cause)
    return waiting.result
  }
}
