/** What `peers/load-generator.ts` is to do. */
export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests per second, whatever becomes of the earlier ones; `undefined`: as fast as they are answered. */
  readonly rate?: number
}

export interface LoadOutcome {
  /** Requests that were due. */
  readonly due: number
  /** Answered as they should be: 200, 201 or 204. */
  readonly answered: number
  /** Answers of other statuses, by status. */
  readonly refused: Readonly<Record<string, number>>
  /** Requests whose connection broke off, or that had no answer when the generator gave up. */
  readonly failed: number
  /** Seconds during which requests were due. */
  readonly seconds: number
  /** Milliseconds after the last request was due until everything was answered. */
  readonly drainMilliseconds: number
  /** Milliseconds from when a request was due until its answer was whole. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly most: number
}
