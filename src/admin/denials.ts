import type { Reason } from '../cors/decide.ts'
import type { RequestFacts } from '../http.ts'
import type { Plan } from '../plan.ts'

/** One refused request, with what is needed to explain it by the rules of a later moment. All texts are bounded. */
export interface Denial {
  /** Milliseconds since 1970. */
  readonly time: number
  readonly requestId: string
  /** `undefined`: the request names no bucket. */
  readonly bucket: string | undefined
  readonly kind: 'preflight' | 'actual'
  readonly mode: 'enforce' | 'report'
  readonly reason: Exclude<Reason, 'matched'>
  readonly origin: string | undefined
  /** The method that was asked for; of an actual request its own. */
  readonly method: string | undefined
  readonly requestedHeaders: string | undefined
  readonly host: string | undefined
  /** Without the query, which may hold a signature. */
  readonly path: string
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
}

/** What a denial is read from: a request that is over, when its decision was to deny. */
export interface DeniedRequest {
  readonly facts: RequestFacts
  readonly plan: Plan
}

export interface Denials {
  /** Takes note of the request if it was denied. */
  add(request: DeniedRequest): void
  /** All since the start. */
  total(): number
  /** The latest ones, newest first. */
  recent(): readonly Denial[]
  /** The most frequent groups, most frequent first. */
  top(): readonly DenialGroup[]
}

export interface DenialsOptions {
  /** How many single denials are kept. */
  readonly recent?: number
  /** How many groups are kept. */
  readonly groups?: number
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: () => number
}

/**
 * The recent denials and the most frequent groups of them, in bounded memory whatever is sent. The groups are counted
 * by Space-Saving (Metwally, Agrawal, El Abbadi 2005): every group that makes up more than 1/`groups` of all denials
 * is among them.
 */
export function createDenials({ recent = 200, groups = 200, now = Date.now }: DenialsOptions = {}): Denials {
  const ring: Denial[] = []
  const frequent = createTopGroups(groups)
  let total = 0
  return {
    add({ facts, plan }) {
      const { decision } = plan.judgement
      if (decision?.verdict !== 'deny') return
      const denial = readDenial(facts, plan, decision.reason, now())
      ring[total % recent] = denial
      total++
      frequent.add(denial)
    },
    total: () => total,
    recent: () => [...ring.slice(total % recent), ...ring.slice(0, total % recent)].reverse(),
    top: frequent.list,
  }
}

function readDenial(facts: RequestFacts, plan: Plan, reason: Denial['reason'], time: number): Denial {
  const { address, kind, handsOff } = plan.judgement
  return {
    time,
    requestId: plan.requestId,
    bucket: address.kind === 'bucket' ? kept(address.name, 63) : undefined,
    kind,
    mode: handsOff ? 'report' : 'enforce',
    reason,
    origin: optional(facts.origin, 512),
    method: kind === 'preflight' ? optional(facts.requestedMethod, 64) : kept(facts.method, 64),
    requestedHeaders: optional(facts.requestedHeaders, 1024),
    host: optional(facts.host, 256),
    // A part of the request target, which may be long.
    path: copied(kept(address.path, 512)),
  }
}

const optional = (text: string | undefined, length: number): string | undefined =>
  text === undefined ? undefined : kept(text, length)

/** At most `length` characters; what is cut is copied, because a part of a string keeps the whole of it in memory. */
const kept = (text: string, length: number): string =>
  text.length > length ? copied(`${text.slice(0, length)}…`) : text

const copied = (text: string): string => Buffer.from(text, 'utf8').toString('utf8')

interface Counter {
  readonly key: string
  count: number
  overcount: number
  first: number
  last: Denial
}

function createTopGroups(limit: number): { add(denial: Denial): void; list(): readonly DenialGroup[] } {
  const byKey = new Map<string, Counter>()
  const counters: Counter[] = []
  return {
    add(denial) {
      const key = `${denial.reason} ${denial.bucket ?? ''} ${denial.origin ?? ''}`
      const known = byKey.get(key)
      if (known !== undefined) {
        known.count++
        known.last = denial
        return
      }
      if (counters.length < limit) {
        const counter = { key, count: 1, overcount: 0, first: denial.time, last: denial }
        byKey.set(key, counter)
        counters.push(counter)
        return
      }
      const at = rarest(counters)
      const loser = counters[at]
      if (loser === undefined) return
      byKey.delete(loser.key)
      const counter = {
        key,
        count: loser.count + 1,
        overcount: loser.count,
        first: denial.time,
        last: denial,
      }
      byKey.set(key, counter)
      counters[at] = counter
    },
    list: () =>
      [...counters]
        .sort((a, b) => b.count - b.overcount - (a.count - a.overcount) || b.last.time - a.last.time)
        .map(({ count, overcount, first, last }) => ({
          bucket: last.bucket,
          origin: last.origin,
          reason: last.reason,
          count,
          overcount,
          first,
          last,
        })),
  }
}

/** Where the counter with the lowest count stands. */
function rarest(counters: readonly Counter[]): number {
  let at = 0
  let least = Number.POSITIVE_INFINITY
  for (let i = 0; i < counters.length; i++) {
    const count = counters[i]?.count ?? least
    if (count < least) {
      least = count
      at = i
    }
  }
  return at
}
