/** Time as the loading of rules needs it, so that a test needs no clock. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds since some moment, never going back. */
  readonly elapsed: () => number
  readonly wait: (milliseconds: number) => Promise<void>
  /** Lets everything else that is ready run first. */
  readonly turn: () => Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}
