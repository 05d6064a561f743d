/** Milliseconds between two tellings at least; what happens meanwhile is in the second. */
const interval = 250

export interface Teller {
  /** Something has changed that is to be told. */
  changed(): void
  stop(): void
}

/** Calls `tell` soon after a change, and however many there are, a few times a second at most. */
export function createTeller(tell: () => void): Teller {
  let timer: NodeJS.Timeout | undefined
  let toldAt = Number.NEGATIVE_INFINITY
  const run = (): void => {
    timer = undefined
    toldAt = performance.now()
    tell()
  }
  return {
    changed() {
      timer ??= setTimeout(run, Math.max(0, toldAt + interval - performance.now())).unref()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
