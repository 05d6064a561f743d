import type { AdminOptions } from '../admin/admin.ts'

/** State of a serving process, as the admin port reports it. */
export interface Lifecycle {
  readonly health: AdminOptions['health']
  /** Both ports accept connections. */
  ready(): void
  draining(): void
  /** Everything has been delivered. */
  drained(): void
}

/**
 * How long `/drained` waits for a drain to begin, in milliseconds. Longer than the 5 s of the sidecar's `preStop` hook
 * plus the start of the hook's `node`, which took more than 5 s on a busy machine. If the store restarts alone, no drain
 * begins, and the store's own `preStop` hook waits this long.
 */
const usualPatience = 20_000

export function createLifecycle(patience: number = usualPatience): Lifecycle {
  let state: 'starting' | 'ready' | 'draining' = 'starting'
  const begun = Promise.withResolvers<true>()
  const ended = Promise.withResolvers<true>()
  return {
    health: {
      live: () => state !== 'starting',
      ready: () => state === 'ready',
      async drained() {
        const { promise: tooLong, resolve } = Promise.withResolvers<false>()
        const timer = setTimeout(resolve, patience, false)
        try {
          return (await Promise.race([begun.promise, tooLong])) && (await ended.promise)
        } finally {
          clearTimeout(timer)
        }
      },
    },
    ready() {
      state = 'ready'
    },
    draining() {
      state = 'draining'
      begun.resolve(true)
    },
    drained: () => ended.resolve(true),
  }
}
