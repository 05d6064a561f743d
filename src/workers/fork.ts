import type { ChildProcess } from 'node:child_process'
import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { isMessage, type ToPrimary, type ToWorker } from './messages.ts'

export interface WorkerEnd {
  readonly code: number | null
  readonly signal: string | null
  /** Why the system could not start it, e.g. `spawn EMFILE`. */
  readonly reason?: string
}

/** The primary's side of the channel to one worker. */
export interface WorkerProcess {
  readonly pid: number | undefined
  send(message: ToWorker): void
  listen(listener: (message: ToPrimary) => void): void
  /** Resolves when it has ended and all its output has been read. */
  readonly ended: Promise<WorkerEnd>
  kill(): void
}

/**
 * Starts this program again as a worker. Its standard output goes to `output`. Never throws: a process that the
 * system could not start (out of files, processes or memory) counts as ended, with the reason.
 */
export function forkWorker(output: (stream: Readable) => void): WorkerProcess {
  // The kernel distributes connections. With node:cluster's round robin, a connection on its way to a dying worker
  // would stay open in this process, unanswered.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    args: ['worker'],
    // Piped through this process, because lines that several processes write to one pipe can get mixed.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const worker = tryToFork()
  if (worker instanceof Error) return neverStarted(worker)
  const { process: child } = worker
  // Node emits 'error' when the channel closes during a send. Ignored, because 'exit' reports the end of the worker.
  worker.on('error', ignore)
  if (child.pid === undefined) {
    // Node emits 'error' in the next tick, and never removes the worker from its list.
    delete cluster.workers?.[worker.id]
    return neverStarted(once(child, 'error').then(([error]) => error))
  }
  const { stdout } = child
  if (stdout === null) throw new Error('the output of a worker is not piped')
  output(stdout)
  return {
    pid: child.pid,
    send: (message) => {
      if (worker.isConnected()) worker.send(message, ignore)
    },
    listen(listener) {
      // Not validated further, because the worker runs this program too. `isMessage` drops what libraries send.
      worker.on('message', (message: ToPrimary) => {
        if (isMessage(message)) listener(message)
      })
    },
    ended: endOf(child, stdout),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Node reports some system errors as an event, others (`ENOMEM`) as an exception. */
function tryToFork(): Worker | Error {
  try {
    return cluster.fork()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
}

function neverStarted(why: Error | Promise<Error>): WorkerProcess {
  return {
    pid: undefined,
    send: ignore,
    listen: ignore,
    ended: Promise.resolve(why).then(({ message }) => ({ code: null, signal: null, reason: message })),
    kill: ignore,
  }
}

/** Not `once` of node:events: that rejects on 'error', which a failed send emits while the worker still runs. */
async function endOf(child: ChildProcess, output: Readable): Promise<WorkerEnd> {
  const [end] = await Promise.all([
    new Promise<WorkerEnd>((resolve) => child.once('exit', (code, signal) => resolve({ code, signal }))),
    new Promise<void>((resolve) => output.once('close', resolve)),
  ])
  return end
}

/** Only the primary of a cluster can start workers; a worker of another cluster cannot. */
export const canFork = (): boolean => cluster.isPrimary

const ignore = (): void => {}
