/** Milliseconds between two questions to a worker; each must be answered before the next. */
const interval = 1_000
/** Questions without an answer after which a worker does not count as serving, and after which it is ended. */
const missedUntilSilent = 2
const missedUntilHung = 4

interface HeartbeatOptions {
  readonly ask: (id: number) => void
  /** No answer for some seconds. */
  readonly onHung: () => void
  /** Milliseconds; default: a clock that never goes back. */
  readonly now?: () => number
}

/** Whether a process answers. One that is stopped, or in a loop, holds connections that nothing else would end. */
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
    // Where this process was held up, the other may have been, too (a paused container).
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
