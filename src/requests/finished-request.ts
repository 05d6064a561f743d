import type { RequestFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'

/** How the store can fail a request, as metrics, logs and answers name it. */
export const upstreamErrorTypes = [
  'refused',
  'timeout',
  'reset',
  'truncated',
  'invalid',
  'dns',
  'tls',
] as const
export type UpstreamErrorType = (typeof upstreamErrorTypes)[number]

/** One request and what became of it. Log, metrics, denials and the comparison with candidate rules all take it. */
export interface FinishedRequest {
  readonly facts: RequestFacts
  readonly plan: Plan
  /** Generation of the rules that decided. */
  readonly generation: number
  /** Address of the peer. */
  readonly client: string
  /** Status sent to the client; 0 when none was. */
  readonly status: number
  readonly milliseconds: number
  /** Until the first byte of the store's answer. */
  readonly upstreamMilliseconds: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly upstreamError: UpstreamErrorType | undefined
  /** The client went away before its answer was complete. */
  readonly aborted: boolean
}

/** What decided a request: all that denials and comparisons read. */
export type DecidedRequest = Pick<FinishedRequest, 'facts' | 'plan'>
