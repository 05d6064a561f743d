import { write, writeSync } from 'node:fs'

/** A log destination that never throws and never blocks requests. */
export interface Output {
  /** Whole lines, as text or UTF-8. The caller may reuse the bytes when this returns. */
  write(lines: string | Uint8Array): void
  /** Writes out what is still in memory, for at most a second. Later lines are dropped. */
  close(): Promise<void>
}

/** Registers `listener` for the end of the process, normal or not. Only its synchronous part runs. */
export type OnExit = (listener: () => void) => void

/**
 * How many bytes of lines are written together, and how long a line waits for others, in milliseconds. Every write
 * wakes a thread, which takes CPU from this one on a busy machine: with eight times as many writes, writing costs
 * more than formatting.
 */
const pieceBytes = 1024 * 1024
const longestWait = 50

/**
 * How much memory a stalled reader may cost, in bytes. Lines beyond it are dropped, so that requests are never
 * delayed.
 */
const maxWaiting = 16 * 1024 * 1024

/**
 * Milliseconds until the next attempt to write to a full pipe: the first wait, and the limit of the doubling waits.
 * A pipe holds 64 KB, so the wait limits the throughput of a reader that is only a little too slow.
 */
const shortestRetry = 1
const longestRetry = 16
/** Milliseconds until the next attempt to write to a full disk. */
const failureWait = 500

/** Milliseconds that a slow reader can delay the end of the program. */
const lastWordsTimeout = 1_000

interface Piece {
  readonly bytes: Buffer
  /** How many bytes of the buffer hold lines, and how many of those are written. */
  readonly used: number
  written: number
}

/**
 * Standard output, written in the background. Lines are encoded at once into buffers that are reused.
 * pino's SonicBoom (4.2, buffer mode) would need less code, but fails on a slow pipe. With a blocking standard
 * output (`process.stdout` untouched), a write that waits for its reader keeps the process from exiting: the test
 * "a pipe that is never read does not keep the process from ending" fails. With a non-blocking one, SonicBoom
 * sleeps 100 ms each time the pipe is full: a reader that needs 10 ms for 64 KB got 12 of 120 MB, against 54 MB
 * here; the test "a reader that has no room is asked again soon" fails. On a full disk it retries with every line.
 */
export function standardOutput(onExit: OnExit = ignore): Output {
  /** In order. The first is being written, or is next. */
  const waiting: Piece[] = []
  const spare: Buffer[] = []
  let waitingBytes = 0
  let filling = newPiece()
  let used = 0
  let lost = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined
  /** Set while a retry is pending; nothing is written until then. */
  let retry: NodeJS.Timeout | undefined
  let retryWait = shortestRetry
  /** The reader is gone, or the log is closed: lines are dropped. */
  let isOver = false
  let settled = (): void => {}

  const queue = (bytes: Buffer, length: number): void => {
    waiting.push({ bytes, used: length, written: 0 })
    waitingBytes += length
  }
  /** Queues `bytes`, unless there is no room. */
  const accept = (bytes: Buffer, length: number): boolean => {
    if (waitingBytes + length > maxWaiting) {
      lost += lineCount(bytes, length)
      return false
    }
    if (lost > 0) {
      const report = Buffer.from(lossLine(lost))
      lost = 0
      queue(report, report.length)
    }
    if (length > 0) queue(bytes, length)
    return true
  }
  const passOn = (): void => {
    if (used === 0 && lost === 0) return
    if (accept(filling, used) && used > 0) filling = spare.pop() ?? newPiece()
    used = 0
    writeNext()
  }
  const passOnSoon = (): void => {
    timer ??= setTimeout(() => {
      timer = undefined
      // While others are queued, a partly filled buffer can keep filling.
      if (waiting.length === 0) passOn()
    }, longestWait).unref()
  }
  const writeNext = (): void => {
    const [piece] = waiting
    if (piece === undefined) settled()
    else if (!isWriting && retry === undefined) {
      isWriting = true
      write(1, piece.bytes, piece.written, piece.used - piece.written, null, (error, bytes) => {
        isWriting = false
        if (error === null) took(piece, bytes)
        else failed(error)
      })
    }
  }
  const took = (piece: Piece, bytes: number): void => {
    piece.written += bytes
    waitingBytes -= bytes
    retryWait = shortestRetry
    if (piece.written === piece.used) {
      waiting.shift()
      if (spare.length === 0 && piece.bytes.length === pieceBytes) spare.push(piece.bytes)
      if (waiting.length === 0 && (used > 0 || lost > 0)) passOnSoon()
    }
    writeNext()
  }
  const failed = ({ code }: NodeJS.ErrnoException): void => {
    if (hasNoRoom(code)) {
      writeAgain(retryWait)
      retryWait = Math.min(2 * retryWait, longestRetry)
      return
    }
    if (code === 'EPIPE') end()
    // Such as a full disk. Until it has room again, lines that do not fit in memory are lost.
    else writeAgain(failureWait)
    settled()
  }
  const writeAgain = (wait: number): void => {
    retry = setTimeout(() => {
      retry = undefined
      writeNext()
    }, wait).unref()
  }
  // The last lines of a crashing process say why it crashed.
  onExit(() => {
    if (isOver) return
    const isUnderWay = isWriting
    // Keeps `passOn` from starting a background write, which the process would not live to finish. A write that is
    // under way cannot be cancelled, so its piece is not written again.
    isWriting = true
    passOn()
    writeNow(isUnderWay ? waiting.slice(1) : waiting)
  })
  const end = (): void => {
    isOver = true
    clearTimeout(timer)
    clearTimeout(retry)
    waiting.length = 0
    waitingBytes = 0
  }
  return {
    write(lines) {
      if (isOver) return
      // A UTF-16 unit takes at most three bytes in UTF-8.
      const most = typeof lines === 'string' ? 3 * lines.length : lines.length
      if (used + most > pieceBytes) passOn()
      if (used === 0) passOnSoon()
      if (most > pieceBytes) {
        const bytes = Buffer.from(lines)
        accept(bytes, bytes.length)
        writeNext()
      } else if (typeof lines === 'string') used += filling.write(lines, used)
      else {
        filling.set(lines, used)
        used += lines.length
      }
    },
    async close() {
      if (isOver) return
      passOn()
      await new Promise<void>((resolve) => {
        const deadline = setTimeout(resolve, lastWordsTimeout)
        settled = () => {
          clearTimeout(deadline)
          resolve()
        }
        clearTimeout(retry)
        retry = undefined
        writeNext()
      })
      end()
    },
  }
}

const ignore = (): void => {}

const newPiece = (): Buffer => Buffer.allocUnsafeSlow(pieceBytes)

const hasNoRoom = (code: string | undefined): boolean => code === 'EAGAIN' || code === 'EBUSY'

/** Writes `pieces` synchronously, for at most a second. */
function writeNow(pieces: readonly Piece[]): void {
  const deadline = performance.now() + lastWordsTimeout
  for (const piece of pieces)
    while (piece.written < piece.used)
      try {
        piece.written += writeSync(1, piece.bytes, piece.written, piece.used - piece.written)
      } catch (error) {
        const isWorthWaiting = error instanceof Error && 'code' in error && hasNoRoom(String(error.code))
        if (!isWorthWaiting || performance.now() > deadline) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, shortestRetry)
      }
}

function lineCount(bytes: Buffer, length: number): number {
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0 && at < length; at = bytes.indexOf(0x0a, at + 1)) count++
  return count
}

const lossLine = (lines: number): string =>
  `${JSON.stringify({
    level: 'warn',
    time: new Date().toISOString(),
    msg: `lost ${lines} log ${lines === 1 ? 'line' : 'lines'}: standard output is too slow or its disk is full`,
    lost: lines,
  })}\n`
