import { type ChildProcess, fork } from 'node:child_process'
import { getCompileCacheDir } from 'node:module'
import { availableParallelism } from 'node:os'
import { dirname } from 'node:path'
import type { ModuleCall, Outcome, Reply } from './child.ts'

/**
 * Runs functions in child processes, so that parsing untrusted text never blocks the event loop, and the serving
 * process never loads the parsers.
 *
 * Not in worker threads: when a thread ends, V8 keeps its heap for the next thread and never frees it (20 MB in Node 26). Not
 * tinypool or piscina: their time limit starts when a call is queued, and when a child dies, its queued calls fail too.
 * Here the limit covers only the call itself, and the queued calls run again.
 */
interface Children {
  /**
   * Rejects with {@link ChildFailure} when the call ends its process or takes too long; otherwise with what the
   * function throws.
   */
  run(call: ModuleCall): Promise<unknown>
}

export interface ChildLimits {
  readonly most: number
  /** Milliseconds for one call, or for a batch of small ones. */
  readonly callTimeout: number
  /** Milliseconds for a child to start and load its modules, which can take seconds on a busy machine. */
  readonly startTimeout: number
  /** A child without calls ends after this many milliseconds. */
  readonly idle: number
  readonly heapMegabytes: number
}

/**
 * The child ended, did not start, could not load its modules, or took too long over the call. The message says which, e.g.
 * `it took longer than 5 s`.
 */
export class ChildFailure extends Error {}

/**
 * The running batch and the next one, so that a child never waits for this event loop. No more, because all results that
 * have arrived are handled in one turn, which blocks the event loop.
 */
const maxBatchesPerChild = 2

/** Limit of calls in one message. For small files, a message costs a third as much as the work, so calls are batched. */
const maxCallsInBatch = 16

/** Bytes of arguments in one batch, because all of its results are taken in one turn of the event loop. */
const maxBytesInBatch = 32_768

/**
 * Starting a child costs as much as reading a hundred small files, so a further child starts only when more than this many
 * calls are waiting.
 */
const backlogForNewChild = 32

interface Job {
  readonly call: ModuleCall
  readonly settle: PromiseWithResolvers<unknown>
  /** Bytes of its arguments. */
  readonly size: number
  /**
   * Failed attempts so far. The first failure is retried, because its cause may be the machine, such as a paused process
   * or a brief lack of memory.
   */
  failures: number
  /** It was in a batch that failed, so it is run by itself to see which call is at fault. */
  alone: boolean
}

interface Child {
  readonly forked: ChildProcess
  /** In the order in which they run. */
  readonly batches: (readonly Job[])[]
  timer: NodeJS.Timeout | undefined
  isReady: boolean
}

export function createChildren(limits: ChildLimits): Children {
  const children = new Set<Child>()
  const waiting: Job[] = []

  function dispatch(): void {
    giveWaiting()
    const isWorthIt = waiting.length > (children.size === 0 ? 0 : backlogForNewChild)
    if (!isWorthIt || children.size >= limits.most) return
    start()
    giveWaiting()
    // In a turn of its own, because starting a child blocks this event loop for milliseconds.
    setImmediate(dispatch)
  }

  function giveWaiting(): void {
    for (const child of children)
      while (child.batches.length < maxBatchesPerChild) {
        // A busy child can wait until there is enough for a batch.
        if (child.batches.length > 0 && waiting.length < maxCallsInBatch) break
        const batch = takeBatch()
        if (batch.length === 0) return
        give(child, batch)
      }
  }

  function takeBatch(): readonly Job[] {
    const batch: Job[] = []
    let bytes = 0
    while (batch.length < maxCallsInBatch) {
      const job = waiting[0]
      if (job === undefined) break
      bytes += job.size
      if (batch.length > 0 && (job.alone || bytes > maxBytesInBatch)) break
      batch.push(job)
      waiting.shift()
      if (job.alone) break
    }
    return batch
  }

  function give(child: Child, batch: readonly Job[]): void {
    child.batches.push(batch)
    // Ignored, because the 'exit' event reports a channel that has closed.
    child.forked.send(
      batch.map(({ call }) => call),
      ignore,
    )
    if (child.batches.length > 1) return
    child.forked.ref()
    child.forked.channel?.ref()
    if (child.isReady) limit(child, limits.callTimeout, tooLong)
  }

  const tooLong = `it took longer than ${limits.callTimeout / 1000} s`

  function limit(child: Child, milliseconds: number, message: string): void {
    clearTimeout(child.timer)
    child.timer = setTimeout(() => end(child, message), milliseconds)
  }

  function start(): void {
    const started = tryToFork(limits.heapMegabytes)
    if (started instanceof Error) {
      const job = waiting.shift()
      if (job !== undefined) failed(job, endedBy(started))
      return
    }
    const child: Child = { forked: started, batches: [], timer: undefined, isReady: false }
    children.add(child)
    limit(child, limits.startTimeout, 'its process did not start')
    started.on('message', (reply: Reply) => {
      if (reply === 'ready') ready(child)
      else if (reply === 'loading') limit(child, limits.startTimeout, 'its modules did not load')
      else if (reply === 'running') limit(child, limits.callTimeout, tooLong)
      else finished(child, reply)
    })
    started.on('error', (error) => end(child, endedBy(error)))
    // V8 aborts a process whose heap is full.
    started.on('exit', (_, signal) => end(child, signal === 'SIGABRT' ? tooMuch : 'its process ended'))
  }

  function ready(child: Child): void {
    child.isReady = true
    next(child)
  }

  function finished(child: Child, outcomes: readonly Outcome[]): void {
    for (const [index, { settle }] of (child.batches.shift() ?? []).entries()) {
      const outcome = outcomes[index]
      if (outcome === undefined || 'error' in outcome) settle.reject(outcome?.error)
      else settle.resolve(outcome.result)
    }
    dispatch()
    next(child)
  }

  function next(child: Child): void {
    if (child.batches.length > 0) {
      limit(child, limits.callTimeout, tooLong)
      return
    }
    clearTimeout(child.timer)
    child.forked.unref()
    child.forked.channel?.unref()
    child.timer = setTimeout(() => end(child, 'idle'), limits.idle).unref()
  }

  /** Only the running batch can be at fault, so the batches queued after it run again. */
  function end(child: Child, message: string): void {
    if (!children.delete(child)) return
    clearTimeout(child.timer)
    child.forked.kill('SIGKILL')
    const [running = [], ...others] = child.batches
    waiting.unshift(...others.flat())
    const [only, ...more] = running
    if (only !== undefined && more.length === 0) failed(only, message)
    else retryAlone(running)
    dispatch()
  }

  function retryAlone(batch: readonly Job[]): void {
    for (const job of batch) job.alone = true
    waiting.unshift(...batch)
  }

  function failed(job: Job, message: string): void {
    if (++job.failures > 1) job.settle.reject(new ChildFailure(message))
    else waiting.unshift(job)
  }

  return {
    run(call) {
      const settle = Promise.withResolvers<unknown>()
      waiting.push({ call, settle, size: sizeOf(call), failures: 0, alone: false })
      dispatch()
      return settle.promise
    },
  }
}

/** Node reports some failures of the system by an event, others (`ENOMEM`) by an exception. */
function tryToFork(heapMegabytes: number): ChildProcess | Error {
  try {
    return fork(childModule, {
      // Flags of the program, such as a script to load first, are not for its children, and neither are secrets in its
      // environment. A cache of compiled code saves half of a child's start.
      // Half of Node's default young generation is as fast, and saves 12 MB.
      execArgv: [`--max-old-space-size=${heapMegabytes}`, '--max-semi-space-size=8'],
      env: compileCache === undefined ? {} : { NODE_COMPILE_CACHE: dirname(compileCache) },
      // The directory that this process was started in may be gone.
      cwd: '/',
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
    })
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

/** The folder of this version of Node in the cache that NODE_COMPILE_CACHE names. */
const compileCache = getCompileCacheDir()

/** `.js` once built. */
const childModule = new URL(import.meta.url.endsWith('.ts') ? 'child.ts' : 'child.js', import.meta.url)

const tooMuch = 'it needed more memory than one file may use'

const endedBy = ({ message }: Error): string => `its process ended: ${message}`

const sizeOf = ({ args }: ModuleCall): number =>
  args.reduce<number>((sum, arg) => {
    if (typeof arg === 'string') return sum + arg.length
    return sum + (arg instanceof Uint8Array ? arg.byteLength : 0)
  }, 0)

const ignore = (): void => {}

const shared = createChildren({
  // Each child uses 50 MB of the pod's memory limit.
  most: Math.min(availableParallelism(), 4),
  callTimeout: 5_000,
  startTimeout: 30_000,
  idle: 1_000,
  heapMegabytes: 256,
})

/** Calls exported functions of `module` in a child process. Arguments and results must be cloneable (structured clone). */
export function inChild<Module>(module: URL): InChild<Module> {
  return async (name, ...args) => {
    const result: unknown = await shared.run({ module: module.href, name: String(name), args })
    // The child returned the result of this function.
    return result as never
  }
}

/** Has a child load a module, so that it is ready when the first call comes. */
export function loadInChild(module: URL): void {
  shared.run({ module: module.href, name: undefined, args: [] }).catch(ignore)
}

type InChild<Module> = <Name extends keyof Module>(
  name: Name,
  ...args: ArgumentsOf<Module, Name>
) => Promise<Awaited<ResultOf<Module, Name>>>

type ArgumentsOf<Module, Name extends keyof Module> = Module[Name] extends (...args: infer Given) => unknown
  ? Given
  : never

type ResultOf<Module, Name extends keyof Module> = Module[Name] extends (...args: never) => infer Result
  ? Result
  : never

/** The module `name` (without extension) beside the module at `base`, as source or as built. */
export const moduleBeside = (base: string, name: string): URL =>
  new URL(`${name}${base.slice(base.lastIndexOf('.'))}`, base)
