import cluster, { type Worker } from 'node:cluster'
import { once } from 'node:events'
import type { Readable } from 'node:stream'
import { isMessage, type ToPrimary, type ToWorker } from './messages.ts'

/** How a process ended. */
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
  /** Resolves when it has ended and all its output was read. */
  readonly ended: Promise<WorkerEnd>
  /** Ends it at once. */
  kill(): void
}

/**
 * Starts this program once more, as a worker. What it writes to its standard output is given to `output`. Never throws:
 * a process that the system cannot start (no files, processes or memory left) has ended, with the reason.
 */
export function forkWorker(output: (stream: Readable) => void): WorkerProcess {
  // The kernel hands out connections. By node:cluster's own turn-taking a connection that was on its way to a worker
  // that dies stays with this process, unanswered and open.
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    args: ['worker'],
    // Through this process: lines that several processes write to one pipe can end up in each other.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    serialization: 'advanced',
  })
  const worker = tryToFork()
  if (worker instanceof Error) return neverStarted(worker)
  const { process: child } = worker
  // A channel that closes while something is sent: the 'exit' event reports the end of the worker.
  worker.on('error', ignore)
  if (child.pid === undefined) {
    // Node emits it on the next tick, and keeps the worker listed for good.
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
      // What comes over this channel was sent by the same program.
      worker.on('message', (message: ToPrimary) => {
        if (isMessage(message)) listener(message)
      })
    },
    ended: endOf(once(child, 'exit'), once(stdout, 'close')),
    kill: () => void child.kill('SIGKILL'),
  }
}

/** Node reports some failures of the system by an event, others (`ENOMEM`) by an exception. */
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

async function endOf(exit: Promise<readonly unknown[]>, closed: Promise<unknown>): Promise<WorkerEnd> {
  const [[code, signal]] = await Promise.all([exit, closed])
  return {
    code: typeof code === 'number' ? code : null,
    signal: typeof signal === 'string' ? signal : null,
  }
}

/** The primary of a cluster can start workers; a process that is itself a worker of one cannot. */
export const canFork = (): boolean => cluster.isPrimary

const ignore = (): void => {}
