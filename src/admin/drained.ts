import { json, type Reply, text } from './reply.ts'

/** One kubelet asks, once; more connections that wait would keep it from the probes. */
const maxWaiting = 8

/**
 * `/drained`: answers when the drain is over. As `preStop` of a store in the same pod it keeps the store up for the
 * transfers that are under way, and no longer. It ends nothing itself, so that it may be open to all.
 */
export function createDrainedReply(drained: () => Promise<boolean>): () => Promise<Reply> {
  let waiting = 0
  return async () => {
    if (waiting >= maxWaiting)
      return json(503, { error: 'Too many callers wait for the drain. Try again later.' })
    waiting++
    try {
      return (await drained()) ? text(200, 'drained') : text(503, 'not draining')
    } finally {
      waiting--
    }
  }
}
