/** Injected, so that tests need no real clock. */
export interface Clock {
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Monotonic milliseconds, from an arbitrary start. */
  readonly elapsed: () => number
  readonly wait: (milliseconds: number) => Promise<void>
  /** Yields to everything else that is ready to run. */
  readonly turn: () => Promise<void>
}

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  // Twice, because an immediate that is set in an I/O callback runs before the event loop polls for new requests.
  // https://nodejs.org/en/learn/asynchronous-work/event-loop-timers-and-nexttick
  turn: () => new Promise((resolve) => setImmediate(() => setImmediate(resolve))),
}
