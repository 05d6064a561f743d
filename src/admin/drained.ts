import { json, type Reply, text } from './reply.ts'

/** The kubelet calls this once. More waiting callers could use up the connections that its probes need. */
const maxWaiting = 8

/**
 * `/drained`: answers when the drain is over. As the `preStop` hook of a store in the same pod, it keeps the store
 * running until the transfers under way have ended. It changes nothing, so every caller may use it.
 */
export function createDrainedReply(drained: () => Promise<boolean>): () => Promise<Reply> {
  let waiting = 0
  return async () => {
    if (waiting >= maxWaiting)
      return json(503, { error: 'Too many callers are waiting for the drain. Try again later.' })
    waiting++
    try {
      return (await drained()) ? text(200, 'drained') : text(503, 'not draining')
    } finally {
      waiting--
    }
  }
}
