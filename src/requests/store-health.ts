import type { FinishedRequest, UpstreamErrorType } from './finished-request.ts'

/** Whether the store answers, from the requests that were forwarded to it and from probes. Times are milliseconds since 1970. */
export interface StoreHealth {
  /** `unknown`: nothing was sent to the store yet. */
  readonly state: 'unknown' | 'answers' | 'unreachable'
  /** When it came into this state. */
  readonly since: number
  /** The latest sign of either kind. */
  readonly seen: number
  readonly lastAnswer: number | undefined
  readonly lastError: { readonly time: number; readonly type: UpstreamErrorType } | undefined
  /** Requests that failed since the last answer. */
  readonly failed: number
}

export interface StoreHealthRecord {
  /** Whether the request said something of the store. */
  finished(request: Pick<FinishedRequest, 'upstreamError' | 'upstreamMilliseconds'>): boolean
  /** What a probe found: the error, or `undefined` for an answer. */
  probed(error: UpstreamErrorType | undefined): void
  current(): StoreHealth
}

/** With these no answer began; a broken answer comes from a store that is there. */
const unreachable: ReadonlySet<UpstreamErrorType> = new Set(['refused', 'dns', 'tls', 'timeout', 'reset'])

export function createStoreHealth(now: () => number = Date.now): StoreHealthRecord {
  let health: StoreHealth = noStoreHealth(now())
  const answered = (): void => {
    const time = now()
    health = { ...after(health, 'answers', time), lastAnswer: time, failed: 0 }
  }
  const failed = (type: UpstreamErrorType, requests: number): void => {
    const time = now()
    const state = unreachable.has(type) ? 'unreachable' : 'answers'
    health = { ...after(health, state, time), lastError: { time, type }, failed: health.failed + requests }
  }
  return {
    finished({ upstreamError, upstreamMilliseconds }) {
      // A connection that broke after the answer began says that the store is reachable.
      if (upstreamError !== undefined && upstreamMilliseconds === undefined) failed(upstreamError, 1)
      else if (upstreamMilliseconds !== undefined) answered()
      else return false
      return true
    },
    probed(error) {
      if (error === undefined) answered()
      else failed(error, 0)
    },
    current: () => health,
  }
}

const after = (health: StoreHealth, state: StoreHealth['state'], time: number): StoreHealth => ({
  ...health,
  state,
  since: health.state === state ? health.since : time,
  seen: time,
})

export const noStoreHealth = (since: number): StoreHealth => ({
  state: 'unknown',
  since,
  seen: 0,
  lastAnswer: undefined,
  lastError: undefined,
  failed: 0,
})

/** What several processes know of the same store. The latest sign decides. */
export function mergeStoreHealth(one: StoreHealth, other: StoreHealth): StoreHealth {
  const [latest, earlier] = one.seen >= other.seen ? [one, other] : [other, one]
  if (earlier.state === 'unknown') return latest
  return {
    ...latest,
    since: latest.state === earlier.state ? Math.min(latest.since, earlier.since) : latest.since,
    lastAnswer: laterOf(latest.lastAnswer, earlier.lastAnswer),
    lastError:
      (earlier.lastError?.time ?? 0) > (latest.lastError?.time ?? 0) ? earlier.lastError : latest.lastError,
    failed: latest.state === 'answers' ? latest.failed : latest.failed + earlier.failed,
  }
}

const laterOf = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other)
