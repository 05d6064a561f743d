/** Minimum interval between two reports, in milliseconds. The second report covers everything in between. */
const interval = 250

interface Throttle {
  /** Call after each change. */
  changed(): void
  stop(): void
}

/** Calls `report` soon after a change, and at most a few times a second. */
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
