import type { Log } from './log.ts'

/** What a finished request shows about the store. */
interface StoreSign {
  readonly upstreamError: string | undefined
  /** Until the first byte of the response; `undefined`: the store was not asked, or did not respond. */
  readonly upstreamMilliseconds: number | undefined
}

/** Failures that mean the store is unreachable. A broken response proves that it runs. */
const unreachable: ReadonlySet<string> = new Set(['refused', 'dns', 'tls', 'timeout'])
const interval = 60_000

/**
 * Warns while the store is unreachable, at most once a minute, and reports when it is back. Without this, only
 * request lines at level info would show it.
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
