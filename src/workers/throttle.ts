/** Milliseconds between two reports at least; the second has everything that happened in between. */
const interval = 250

interface Throttle {
  /** Something has changed that has to be reported. */
  changed(): void
  stop(): void
}

/** Calls `report` soon after a change, and however many there are, a few times a second at most. */
export function createThrottle(report: () => void): Throttle {
  let timer: NodeJS.Timeout | undefined
  let reportedAt = Number.NEGATIVE_INFINITY
  const run = (): void => {
    timer = undefined
    reportedAt = performance.now()
    report()
  }
  return {
    changed() {
      timer ??= setTimeout(run, Math.max(0, reportedAt + interval - performance.now())).unref()
    },
    stop() {
      clearTimeout(timer)
    },
  }
}
