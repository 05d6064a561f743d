import type { Reason } from '../cors/decide.ts'
import type { DecidedRequest } from './finished-request.ts'
import { type KeptRequest, keepRequest } from './kept-request.ts'
import { createTopGroups } from './top-groups.ts'

/** One refused request, with what is needed to explain it by the rules of a later moment. All texts are bounded. */
export interface Denial extends KeptRequest {
  readonly mode: 'enforce' | 'report'
  readonly reason: Exclude<Reason, 'matched'>
}

/** Denials of one bucket, origin and reason. */
export interface DenialGroup {
  readonly bucket: string | undefined
  readonly origin: string | undefined
  readonly reason: Denial['reason']
  /** Never too low, and too high by `overcount` at most: a group that pushed another out has taken on its count. */
  readonly count: number
  readonly overcount: number
  readonly first: number
  /** The latest one. */
  readonly last: Denial
  /** One of each method and list of headers, for a change that allows all of them. */
  readonly requests: readonly Denial[]
}

export interface Denials {
  /** Takes note of the request if it was denied. */
  add(request: DecidedRequest): void
  /** All since the start. */
  total(): number
  /** The latest ones, newest first. */
  recent(): readonly Denial[]
  /** The most frequent groups, most frequent first. */
  top(): readonly DenialGroup[]
}

interface DenialsOptions {
  /** How many single denials are kept. */
  readonly recent?: number
  /** How many groups are kept. */
  readonly groups?: number
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
}

/** Requests of one kind ask the same of the rules, but for their origin. */
export const requestKind = ({ kind, method, requestedHeaders }: Denial): string =>
  `${kind} ${method ?? ''} ${requestedHeaders ?? ''}`

/** The recent denials and the most frequent groups of them, in bounded memory whatever is sent. */
export function createDenials({ recent = 200, groups = 200, now = Date.now }: DenialsOptions = {}): Denials {
  const ring: Denial[] = []
  const frequent = createTopGroups<Denial>(groups, requestKind)
  let total = 0
  return {
    add({ facts, plan }) {
      const { decision, handsOff } = plan.judgement
      if (decision?.verdict !== 'deny') return
      const { reason } = decision
      const time = now()
      const denial: Denial = {
        ...keepRequest(facts, plan, time),
        mode: handsOff ? 'report' : 'enforce',
        reason,
      }
      ring[total % recent] = denial
      total++
      frequent.add(`${reason} ${denial.bucket ?? ''} ${denial.origin ?? ''}`, denial, time)
    },
    total: () => total,
    recent: () => [...ring.slice(total % recent), ...ring.slice(0, total % recent)].reverse(),
    top: () =>
      frequent.list().map(({ count, overcount, first, last, kinds }) => ({
        bucket: last.bucket,
        origin: last.origin,
        reason: last.reason,
        count,
        overcount,
        first,
        last,
        requests: kinds,
      })),
  }
}
