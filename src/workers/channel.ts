import cluster from 'node:cluster'
import { isMessage, type ToPrimary, type ToWorker } from './messages.ts'

/** A worker's side of the channel to its primary. */
export interface Channel {
  send(message: ToPrimary): void
  /** Calls `listener` for every message from now on. */
  listen(listener: (message: ToWorker) => void): void
  /** Calls `listener` when the primary is gone. */
  onLost(listener: () => void): void
}

/** `undefined` when no primary has started this process. */
export function openChannel(): Channel | undefined {
  const { worker } = cluster
  if (worker === undefined) return undefined
  return {
    send(message) {
      // A failed send means that the primary is gone; then this worker exits too.
      worker.send(message, ignore)
    },
    listen(listener) {
      // Not validated further, because the primary runs this program too. `isMessage` drops what libraries send.
      worker.on('message', (message: ToWorker) => {
        if (isMessage(message)) listener(message)
      })
    },
    onLost(listener) {
      worker.on('disconnect', () => {
        // Without this, Node exits during the event, before connections are closed.
        worker.exitedAfterDisconnect = true
        listener()
      })
    },
  }
}

const ignore = (): void => {}
