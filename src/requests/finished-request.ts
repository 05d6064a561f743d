import type { RequestFacts } from '../http.ts'
import type { Plan } from '../plan/plan.ts'

/** How the store can fail a request. Stable API: metrics, logs and responses use these names. */
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

/** One finished request. Log, metrics, denials and the comparison with candidate rules use it. */
export interface FinishedRequest {
  readonly facts: RequestFacts
  readonly plan: Plan
  /** Generation of the rules that decided. */
  readonly generation: number
  readonly client: string
  /** Status sent to the client; 0 when none was. */
  readonly status: number
  readonly milliseconds: number
  /** From the complete request to the first byte of the store's response; `undefined` when none came. */
  readonly upstreamMilliseconds: number | undefined
  readonly bytesIn: number
  readonly bytesOut: number
  readonly upstreamError: UpstreamErrorType | undefined
  /** The client disconnected before its response was complete. */
  readonly aborted: boolean
}

/** The part of a finished request that denials and comparisons read. */
export type DecidedRequest = Pick<FinishedRequest, 'facts' | 'plan'>
