import cluster from 'node:cluster'
import { isMessage, type ToPrimary, type ToWorker } from './messages.ts'

/** A worker's side of the channel to its primary. */
export interface Channel {
  send(message: ToPrimary): void
  /** Has `listener` hear of every message from now on. */
  listen(listener: (message: ToWorker) => void): void
  /** Calls `listener` when the primary is gone. */
  onLost(listener: () => void): void
}

/** `undefined` in a process that no primary has started. */
export function openChannel(): Channel | undefined {
  const { worker } = cluster
  if (worker === undefined) return undefined
  return {
    send(message) {
      // A primary that is gone takes its workers with it: a failure matters to no one.
      worker.send(message, ignore)
    },
    listen(listener) {
      // What comes over this channel was sent by the same program.
      worker.on('message', (message: ToWorker) => {
        if (isMessage(message)) listener(message)
      })
    },
    onLost(listener) {
      worker.on('disconnect', () => {
        // Else Node ends the process within this event, before anything could be closed.
        worker.exitedAfterDisconnect = true
        listener()
      })
    },
  }
}

const ignore = (): void => {}
