import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ModuleCall, Reply } from './thread.ts'

/**
 * Runs functions in worker threads, so that parsing untrusted text never blocks the event loop, and the serving
 * thread never loads the parsers.
 * Not tinypool or piscina: their time limit starts when a call is queued, and a dying thread takes its queued calls
 * along. Here the limit covers only the call itself, and the queued calls run again.
 */
interface Threads {
  /**
   * Rejects with {@link ThreadFailure} when the call ends its thread or takes too long; otherwise with what the
   * function throws.
   */
  run(call: ModuleCall): Promise<unknown>
}

export interface ThreadLimits {
  readonly most: number
  /** Milliseconds for one call. */
  readonly callTimeout: number
  /** Milliseconds for a thread to load its modules, which can take seconds on a busy machine. */
  readonly startTimeout: number
  /** A thread without calls ends after this many milliseconds. */
  readonly idle: number
  readonly heapMegabytes: number
}

/** The call ended its thread or took too long. The message says which, e.g. `it took longer than 5 s`. */
export class ThreadFailure extends Error {}

/** The next call is sent ahead, so that the thread need not wait for this event loop between two calls. */
const callsAhead = 2

/**
 * Starting a thread costs as much as a hundred small files, so a new one needs at least this many waiting calls.
 */
const worthAThread = 16

interface Job {
  readonly call: ModuleCall
  readonly settle: PromiseWithResolvers<unknown>
  /** Attempts so far. The first failure may be the machine's: a paused process, or a brief lack of memory. */
  attempts: number
}

interface Thread {
  readonly worker: Worker
  /** In the order in which they run. */
  readonly jobs: Job[]
  timer: NodeJS.Timeout | undefined
  isReady: boolean
}

export function createThreads(limits: ThreadLimits): Threads {
  const threads = new Set<Thread>()
  const waiting: Job[] = []

  function dispatch(): void {
    for (const thread of threads)
      while (thread.jobs.length < callsAhead) {
        const job = waiting.shift()
        if (job === undefined) break
        give(thread, job)
      }
    const isWorthIt = waiting.length > (threads.size === 0 ? 0 : worthAThread)
    if (!isWorthIt || threads.size >= limits.most) return
    start()
    dispatch()
  }

  function give(thread: Thread, job: Job): void {
    thread.jobs.push(job)
    thread.worker.postMessage(job.call)
    if (thread.jobs.length > 1) return
    thread.worker.ref()
    if (thread.isReady) limit(thread, limits.callTimeout, tooLong)
  }

  const tooLong = `it took longer than ${limits.callTimeout / 1000} s`

  function limit(thread: Thread, milliseconds: number, message: string): void {
    clearTimeout(thread.timer)
    thread.timer = setTimeout(() => end(thread, message), milliseconds)
  }

  function start(): void {
    const worker = new Worker(threadModule, {
      resourceLimits: { maxOldGenerationSizeMb: limits.heapMegabytes },
      // Threads get neither the program's flags, such as a preload script, nor the secrets in its environment.
      execArgv: [],
      env: {},
    })
    const thread: Thread = { worker, jobs: [], timer: undefined, isReady: false }
    threads.add(thread)
    limit(thread, limits.startTimeout, 'its thread did not start')
    worker.on('message', (reply: Reply) => {
      if (reply === 'ready') ready(thread)
      else if (reply === 'loading') limit(thread, limits.startTimeout, 'its modules did not load')
      else if (reply === 'running') limit(thread, limits.callTimeout, tooLong)
      else finished(thread, reply)
    })
    worker.on('error', (error) => end(thread, messageOf(error)))
    worker.on('exit', () => end(thread, 'its thread ended'))
  }

  function ready(thread: Thread): void {
    thread.isReady = true
    next(thread)
  }

  function finished(thread: Thread, reply: Exclude<Reply, string>): void {
    const job = thread.jobs.shift()
    if ('error' in reply) job?.settle.reject(reply.error)
    else job?.settle.resolve(reply.result)
    dispatch()
    next(thread)
  }

  function next(thread: Thread): void {
    if (thread.jobs.length > 0) {
      limit(thread, limits.callTimeout, tooLong)
      return
    }
    clearTimeout(thread.timer)
    thread.worker.unref()
    thread.timer = setTimeout(() => end(thread, 'idle'), limits.idle).unref()
  }

  /** Only the running call can be at fault, so those queued behind it run again. */
  function end(thread: Thread, message: string): void {
    if (!threads.delete(thread)) return
    clearTimeout(thread.timer)
    void thread.worker.terminate()
    const [running, ...others] = thread.jobs
    if (running !== undefined && ++running.attempts > 1) running.settle.reject(new ThreadFailure(message))
    else if (running !== undefined) others.unshift(running)
    waiting.unshift(...others)
    dispatch()
  }

  return {
    run(call) {
      const settle = Promise.withResolvers<unknown>()
      waiting.push({ call, settle, attempts: 0 })
      dispatch()
      return settle.promise
    },
  }
}

/** `.js` once built. */
const threadModule = new URL(import.meta.url.endsWith('.ts') ? 'thread.ts' : 'thread.js', import.meta.url)

const messageOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY'
    ? 'it took more memory than there may be for one file'
    : `its thread ended: ${error instanceof Error ? error.message : String(error)}`

const shared = createThreads({
  most: availableParallelism(),
  callTimeout: 5_000,
  startTimeout: 30_000,
  idle: 1_000,
  heapMegabytes: 256,
})

/** Calls exported functions of a module in a thread of this process. The result must be cloneable. */
export function inThread<Module>(module: URL): InThread<Module> {
  return async (name, ...args) => {
    const result: unknown = await shared.run({ module: module.href, name: String(name), args })
    // The value was returned by that very function.
    return result as never
  }
}

type InThread<Module> = <Name extends keyof Module>(
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
