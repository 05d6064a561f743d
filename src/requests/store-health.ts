import type { FinishedRequest, UpstreamErrorType } from './finished-request.ts'

/** Whether the store answers, as seen by forwarded requests and by probes. Times are milliseconds since 1970. */
export interface StoreHealth {
  /** `unknown`: nothing has been sent to the store yet. */
  readonly state: 'unknown' | 'answers' | 'unreachable'
  /** When this state began. */
  readonly since: number
  /** When a request or a probe last showed the state; 0 if none has. */
  readonly seen: number
  readonly lastAnswer: number | undefined
  readonly lastError: { readonly time: number; readonly type: UpstreamErrorType } | undefined
  /** Requests that failed since the last answer. */
  readonly failed: number
}

/** The part of a finished request that shows something about the store. */
export type StoreSign = Pick<FinishedRequest, 'upstreamError' | 'upstreamMilliseconds'>

export interface StoreHealthRecord {
  /** Returns false when the request shows nothing about the store, such as one that was not forwarded. */
  finished(sign: StoreSign): boolean
  /** Records the result of a probe: its error, or `undefined` when the store answered. */
  probed(error: UpstreamErrorType | undefined): void
  current(): StoreHealth
}

/**
 * Without a first byte: errors of a store that sent nothing. The others mean that it sent something, so it is
 * reachable.
 */
const unreachable: ReadonlySet<UpstreamErrorType> = new Set(['refused', 'dns', 'tls', 'timeout', 'reset'])

type Shown = Exclude<StoreHealth['state'], 'unknown'>

const stateAfter = (error: UpstreamErrorType): Shown => (unreachable.has(error) ? 'unreachable' : 'answers')

/** `undefined`: nothing was sent to the store, or the client left before the store responded. */
export function stateShownBy({ upstreamError, upstreamMilliseconds }: StoreSign): Shown | undefined {
  // A connection that broke after the response began shows that the store is reachable.
  if (upstreamMilliseconds !== undefined) return 'answers'
  return upstreamError === undefined ? undefined : stateAfter(upstreamError)
}

export function createStoreHealth(now: () => number = Date.now): StoreHealthRecord {
  let health: StoreHealth = noStoreHealth(now())
  const answered = (): void => {
    const time = now()
    health = { ...after(health, 'answers', time), lastAnswer: time, failed: 0 }
  }
  const failed = (type: UpstreamErrorType, requests: number): void => {
    const time = now()
    const lastError = { time, type }
    health = { ...after(health, stateAfter(type), time), lastError, failed: health.failed + requests }
  }
  return {
    finished({ upstreamError, upstreamMilliseconds }) {
      if (upstreamMilliseconds !== undefined) answered()
      else if (upstreamError !== undefined) failed(upstreamError, 1)
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

/** Merges what two processes have seen of the same store. The later observation decides the state. */
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
