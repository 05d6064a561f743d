import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ModuleCall, Reply } from './thread.ts'

/**
 * Runs functions of modules in worker threads, so that untrusted text never blocks the event loop and its parsers are
 * never loaded by the thread that serves.
 *
 * node:worker_threads rather than tinypool or piscina: their time limit starts when a call is queued, and a thread that
 * dies takes the calls queued to it along. Here the limit is that of the call itself, and the others are run again.
 */
interface Threads {
  /** Rejects with {@link ThreadFailure} when the call ends its thread or takes too long, else with what it throws. */
  run(call: ModuleCall): Promise<unknown>
}

export interface ThreadLimits {
  readonly most: number
  /** Milliseconds of one call. */
  readonly callTimeout: number
  /** Milliseconds for a thread to load its modules; a machine under load can take seconds. */
  readonly startTimeout: number
  /** Milliseconds without a call until a thread ends. */
  readonly idle: number
  readonly heapMegabytes: number
}

/** The call ended its thread, or took too long. The message says which, e.g. `it took longer than 5 s`. */
export class ThreadFailure extends Error {}

/** The second call is sent ahead, so that a thread need not wait for the event loop between two. */
const callsAhead = 2

/** Starting a thread costs as much as a hundred small files: below so many waiting calls one more is not worth it. */
const worthAThread = 16

interface Job {
  readonly call: ModuleCall
  readonly settle: PromiseWithResolvers<unknown>
  /** A first failure can be that of the machine: a paused process, no memory for a moment. */
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
      // Flags of the program, such as a script to load first, are not for its threads, and neither are secrets in its environment.
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

  /** Only the call that was running can be at fault: those behind it are run again. */
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

/** Calls functions that a module exports in a thread of this process; a result must be something that can be cloned. */
export function inThread<Module>(module: URL): InThread<Module> {
  return async (name, ...args) => {
    const result: unknown = await shared.run({ module: module.href, name: String(name), args })
    // The function of this very module has returned it.
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

/** The module `name`, without extension, beside the module at `base`, as source or as built. */
export const moduleBeside = (base: string, name: string): URL =>
  new URL(`${name}${base.slice(base.lastIndexOf('.'))}`, base)
