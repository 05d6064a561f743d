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

/** A pause between two pieces of a long job: it lasts one turn of the event loop, once the slice is used up. */
export type Pause = () => Promise<void>

/** The longest a reload keeps the requests waiting, apart from a single file that takes longer by itself. */
const sliceMilliseconds = 5

export const systemClock: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  wait: (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
  turn: () => new Promise((resolve) => setImmediate(resolve)),
}

/** For work that is done piece by piece, one piece at a time: call what this returns after each piece. */
export function createPause({ elapsed, turn }: Clock): Pause {
  let started = elapsed()
  return async () => {
    if (elapsed() - started < sliceMilliseconds) return
    await turn()
    started = elapsed()
  }
}
