/** Milliseconds between two pings. Each must be answered before the next. */
const interval = 1_000
/** Unanswered pings after which a worker counts as not serving, and after which it is killed. */
const missedUntilSilent = 2
const missedUntilHung = 4

interface HeartbeatOptions {
  readonly ask: (id: number) => void
  /** No answer for several seconds. */
  readonly onHung: () => void
  /** Milliseconds; default: a monotonic clock. */
  readonly now?: () => number
}

/** Detects a worker that is stopped or stuck in a loop, because its connections would otherwise stay open. */
interface Heartbeat {
  start(): void
  answered(id: number): void
  isSilent(): boolean
  stop(): void
}

export function createHeartbeat({ ask, onHung, now = () => performance.now() }: HeartbeatOptions): Heartbeat {
  let timer: NodeJS.Timeout | undefined
  let asked = 0
  let answered = 0
  let missed = 0
  let last = 0

  function beat(): void {
    const at = now()
    // This process was suspended, so the worker may have been too (a paused container).
    if (at - last > 2 * interval) missed = 0
    else if (asked > answered) missed++
    last = at
    if (missed === missedUntilHung) onHung()
    ask(++asked)
  }

  return {
    start() {
      last = now()
      timer ??= setInterval(beat, interval).unref()
    },
    answered(id) {
      answered = Math.max(answered, id)
      missed = 0
    },
    isSilent: () => missed >= missedUntilSilent,
    stop() {
      clearInterval(timer)
      timer = undefined
    },
  }
}
