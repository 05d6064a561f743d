import type { Reason } from '../cors/decide.ts'
import type { DecidedRequest } from './finished-request.ts'
import { type KeptRequest, keepRequest } from './kept-request.ts'
import { createTopGroups } from './top-groups.ts'

/** One denied request, with enough data to judge it again by later rules. All strings are bounded. */
export interface Denial extends KeptRequest {
  readonly mode: 'enforce' | 'report'
  readonly reason: Exclude<Reason, 'matched'>
}

export interface DenialGroup {
  readonly bucket: string | undefined
  readonly origin: string | undefined
  readonly reason: Denial['reason']
  /** Never too low. Too high by at most `overcount`, because a group that replaces another inherits its count. */
  readonly count: number
  readonly overcount: number
  readonly first: number
  readonly last: Denial
  /** One for each combination of request type, method and headers, so that a proposal can allow all of them. */
  readonly requests: readonly Denial[]
}

export interface Denials {
  /** Records the request if it was denied. */
  add(request: DecidedRequest): void
  /** Number of denials since the start. */
  total(): number
  /** The latest denials, newest first. */
  recent(): readonly Denial[]
  /** The most frequent groups, most frequent first. */
  top(): readonly DenialGroup[]
}

interface DenialsOptions {
  readonly recent?: number
  readonly groups?: number
  /** Milliseconds since 1970; default: the system clock. */
  readonly now?: () => number
}

/** Two denials of one group with the same kind need the same addition to the rules, so one of them is kept. */
export const requestKind = ({ kind, method, requestedHeaders }: Denial): string =>
  `${kind} ${method ?? ''} ${requestedHeaders ?? ''}`

/** Keeps the recent denials and their most frequent groups. Memory is bounded for any traffic. */
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
