import type { DialectName } from '../cors/rule.ts'
import { nextSnapshot, nothingLoaded, type Snapshot } from '../plan/snapshot.ts'
import { readRules } from '../rule-file/read.ts'
import type { RuleReader } from './adopt.ts'
import { type CompiledAhead, createCompiledAhead } from './compile-ahead.ts'
import { defaultSettleTimes, type SettleTimes } from './debounce.ts'
import { type FileCalls, inBackground } from './file-calls.ts'
import { nothingSeen, readyFiles, type TakenFile, takenFiles } from './file-index.ts'
import { lookAt, type Scope } from './look.ts'
import { refuseConflicts } from './refuse-conflicts.ts'
import { describeReload, type ReloadCause, type ReloadResult } from './reload-result.ts'
import { type Clock, createPause, systemClock } from './slices.ts'

export type { ReloadCause, ReloadResult } from './reload-result.ts'

export interface RulesStore {
  /** The rules in force. A request takes them once and keeps them to its end. */
  current(): Snapshot
  /**
   * Brings the rules to what the directory says. Reloads run one after the other; those asked for during one share the
   * next, so that each sees all that was written before it was asked for. Whatever is on the disk, this does not reject.
   */
  reload(cause: ReloadCause): Promise<ReloadResult>
  /** Has `listener`, which must not throw, hear of every reload after it took effect; the function returned ends that. */
  subscribe(listener: (result: ReloadResult) => void): () => void
}

export interface RulesStoreOptions {
  readonly directory: string
  /** The server's own, for files that name none. */
  readonly dialect: DialectName
  readonly read?: RuleReader
  readonly settle?: SettleTimes
  readonly clock?: Clock
  /** How the files are read until there are rules; default: as ever after, in the background. */
  readonly firstCalls?: FileCalls
}

/** Milliseconds that a reload waits for files that are being written; what they still change then, a later one takes. */
const patience = 2_000

const emptiedReason = 'it has no rule file any more, as when a volume goes away'

/** The one mutable reference to the rules in the program, with its one writer. Nothing is loaded before a reload. */
export function createRulesStore(options: RulesStoreOptions): RulesStore {
  const { directory, dialect, read = readRules, settle = defaultSettleTimes, clock = systemClock } = options
  const { firstCalls = inBackground } = options
  const listeners = new Set<(result: ReloadResult) => void>()
  let current = nothingLoaded
  let seen = nothingSeen
  let inForce: readonly TakenFile[] = []

  /** Puts into force what was taken. Everything is made ready before, in slices; the swap is one assignment. */
  async function publish(ahead: CompiledAhead): Promise<void> {
    const files = takenFiles(seen)
    if (current.generation > 0 && areSame(files, inForce)) return
    const pause = createPause(clock)
    const now = clock.now()
    const loaded = refuseConflicts(files, current)
    await pause()
    await ahead.add(loaded, current, pause)
    await clock.turn()
    current = nextSnapshot(current, loaded, dialect, now, ahead.compile)
    inForce = files
    await clock.turn()
  }

  /** Looks until all changes have settled, or patience ends. Returns what is left to say. */
  async function catchUp(cause: ReloadCause): Promise<Pick<ReloadResult, 'failure' | 'pending'>> {
    const times = cause === 'bucket-cors' ? { ...settle, emptied: settle.file } : settle
    const files = current.generation === 0 ? firstCalls : inBackground
    const ahead = createCompiledAhead(dialect)
    let waited = 0
    for (let scope: Scope = 'all'; ; scope = 'pending') {
      const look = await lookAt({ directory, dialect, read, clock, settle: times, files }, seen, scope)
      if (look.kind === 'failed') return { failure: look.reason, pending: [] }
      const { due, pending, emptied } = look
      seen = look.seen
      const isLast = due === undefined || waited + due > patience
      // Files that change together are taken together, unless one of them stays unfinished.
      if (isLast || waited >= settle.incomplete) await publish(ahead)
      if (isLast) return { failure: emptied && pending.length > 0 ? emptiedReason : undefined, pending }
      waited += due
      await Promise.all([clock.wait(due), ahead.add(readyFiles(seen), current, createPause(clock))])
    }
  }

  async function run(cause: ReloadCause): Promise<ReloadResult> {
    const before = { snapshot: current, notices: seen.notices }
    const outcome = await catchUp(cause)
    const result = describeReload(cause, before, { snapshot: current, notices: seen.notices }, outcome)
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

const areSame = (files: readonly TakenFile[], others: readonly TakenFile[]): boolean =>
  files.length === others.length && files.every((file, index) => file === others[index])

/** Lets `run` run once at a time. Whoever asks meanwhile is served by one more run, which begins after this one. */
function oneAfterTheOther(
  run: (cause: ReloadCause) => Promise<ReloadResult>,
): (cause: ReloadCause) => Promise<ReloadResult> {
  let running: Promise<ReloadResult> | undefined
  let waiting: { readonly causes: ReloadCause[]; readonly result: Promise<ReloadResult> } | undefined

  function start(cause: ReloadCause): Promise<ReloadResult> {
    running = run(cause).finally(() => {
      if (waiting === undefined) running = undefined
    })
    return running
  }

  function startNext(): Promise<ReloadResult> {
    const causes = waiting?.causes ?? []
    waiting = undefined
    return start(causes.find((cause) => cause === 'bucket-cors') ?? causes[0] ?? 'request')
  }

  return (cause) => {
    if (running === undefined) return start(cause)
    waiting ??= { causes: [], result: running.then(startNext, startNext) }
    waiting.causes.push(cause)
    return waiting.result
  }
}
