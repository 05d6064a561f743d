import type { Log } from './log.ts'

/** What a request that is over says of the store. */
interface StoreSign {
  readonly upstreamError: string | undefined
  /** Until the first byte of its answer; `undefined`: the store was not asked, or did not answer. */
  readonly upstreamMilliseconds: number | undefined
}

/** Failures by which the store cannot be reached; a broken answer is one of a store that is there. */
const unreachable: ReadonlySet<string> = new Set(['refused', 'dns', 'tls', 'timeout'])
const interval = 60_000

/**
 * Warns while the store cannot be reached, at most once a minute, and says when it is back. Without it a store that is
 * down shows in the request lines alone, at info.
 */
export function createStoreWatch(
  log: Pick<Log, 'warn' | 'info'>,
  store: string,
  now: () => number = Date.now,
): (sign: StoreSign) => void {
  let downSince: number | undefined
  let lastWarning = Number.NEGATIVE_INFINITY
  let failed = 0
  return ({ upstreamError, upstreamMilliseconds }) => {
    if (upstreamError !== undefined && unreachable.has(upstreamError)) {
      failed++
      downSince ??= now()
      if (now() - lastWarning < interval) return
      lastWarning = now()
      log.warn(`the store cannot be reached (${upstreamError}): check that it runs, and --upstream`, {
        store,
        'error.type': upstreamError,
        failed,
      })
    } else if (downSince !== undefined && upstreamError === undefined && upstreamMilliseconds !== undefined) {
      log.info('the store answers again', { store, failed, seconds: Math.round((now() - downSince) / 1000) })
      downSince = undefined
      failed = 0
    }
  }
}
