import { type StoreSign, stateShownBy } from '../requests/store-health.ts'
import type { Log } from './log.ts'

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
  return (sign) => {
    const state = stateShownBy(sign)
    if (state === 'unreachable') {
      failed++
      downSince ??= now()
      if (now() - lastWarning < interval) return
      lastWarning = now()
      const type = sign.upstreamError
      log.warn(
        `the store is unreachable or does not respond (${type}): check that it is running and that --upstream is correct`,
        { store, 'error.type': type, failed },
      )
    } else if (state === 'answers' && downSince !== undefined) {
      const seconds = Math.round((now() - downSince) / 1000)
      log.info('the store is reachable again', { store, failed, seconds })
      downSince = undefined
      failed = 0
    }
  }
}
