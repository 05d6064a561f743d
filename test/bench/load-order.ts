/** Instructions for `peers/load-generator.ts`. */
export interface LoadOrder {
  readonly port: number
  readonly connections: number
  readonly seconds: number
  /** Requests per second, regardless of pending responses; `undefined`: as fast as responses arrive. */
  readonly rate?: number
}

export interface LoadOutcome {
  /** Requests that were due. */
  readonly due: number
  /** Answered correctly: 200, 201 or 204. */
  readonly answered: number
  /** Other responses, by status. */
  readonly refused: Readonly<Record<string, number>>
  /** Requests whose connection broke, or that had no response when the generator gave up. */
  readonly failed: number
  /** Seconds during which requests were due. */
  readonly seconds: number
  /** Milliseconds from the last due request until everything was answered. */
  readonly drainMilliseconds: number
  /** Milliseconds from when a request was due until its response was complete. */
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly most: number
}
