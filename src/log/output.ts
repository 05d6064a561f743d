import { write, writeSync } from 'node:fs'

/** Where lines go. Whatever becomes of it, the program goes on. */
export interface Output {
  /** Whole lines, as text or as UTF-8. Bytes are not used any more when this returns. */
  write(lines: string | Uint8Array): void
  /** Writes out what is still in memory, as far as it can be written within a second. Later lines are dropped. */
  close(): Promise<void>
}

/** Has `listener` called when the process ends, for whatever reason; only what it does at once is done. */
export type OnExit = (listener: () => void) => void

/**
 * Bytes of lines that are written together, and milliseconds that a line waits for others at most. Every write wakes a
 * thread, on a busy machine in the place of this one: eight times as many cost more than to make the lines.
 */
const pieceBytes = 1024 * 1024
const longestWait = 50

/** What a reader that stalls may cost, in bytes; what does not fit is dropped, requests are not held up. */
const maxWaiting = 16 * 1024 * 1024

/**
 * Milliseconds until a reader that has no room is asked again: at first, and at most, as each time doubles them. A pipe
 * has room for 64 KB, so that a longer wait is what bounds the speed of a reader that is just slower than the lines come.
 */
const shortestRetry = 1
const longestRetry = 16
/** Milliseconds until a disk that is full is asked again. */
const failureWait = 500

/** Milliseconds that what reads can hold up the end of the program. */
const lastWordsTimeout = 1_000

interface Piece {
  readonly bytes: Buffer
  /** How many of its bytes are lines, and how many of those are written. */
  readonly used: number
  written: number
}

/**
 * Standard output, written to in the background. Lines become bytes at once, in memory that is used again.
 *
 * pino's SonicBoom (4.2, buffer mode) does the same in less code of ours, and does not hold up on a slow pipe. Where
 * standard output waits (nothing has touched `process.stdout`), a write that waits for its reader keeps the process from
 * ending: "a pipe that is never read does not keep the process from ending" fails. Where it does not wait, SonicBoom
 * sleeps 100 ms each time the pipe is full: a reader that needs 10 ms for 64 KB got 12 of 120 MB, of this 54 MB; "a
 * reader that has no room is asked again soon" fails. On a full disk it tries again with each line.
 */
export function standardOutput(onExit: OnExit = ignore): Output {
  /** In order; the first is being written, or is next. */
  const waiting: Piece[] = []
  const spare: Buffer[] = []
  let waitingBytes = 0
  let filling = newPiece()
  let used = 0
  let lost = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined
  /** Until it is over nothing is written, whatever comes. */
  let retry: NodeJS.Timeout | undefined
  let retryWait = shortestRetry
  /** Nobody reads any more, or nobody writes: lines are dropped. */
  let isOver = false
  let settled = (): void => {}

  const queue = (bytes: Buffer, length: number): void => {
    waiting.push({ bytes, used: length, written: 0 })
    waitingBytes += length
  }
  /** Takes `bytes` to be written, unless there is no room. */
  const accept = (bytes: Buffer, length: number): boolean => {
    if (waitingBytes + length > maxWaiting) {
      lost += lineCount(bytes, length)
      return false
    }
    if (lost > 0) {
      const told = Buffer.from(lossLine(lost))
      lost = 0
      queue(told, told.length)
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
      // Behind others it need not wait in a piece of its own, nearly empty.
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
    // A full disk costs lines, and is tried again.
    else writeAgain(failureWait)
    settled()
  }
  const writeAgain = (wait: number): void => {
    retry = setTimeout(() => {
      retry = undefined
      writeNext()
    }, wait).unref()
  }
  // The last lines of a process that ends by a fault are those that tell why.
  onExit(() => {
    if (isOver) return
    const isUnderWay = isWriting
    // A write that is begun cannot be taken back, and what it has no room for is lost: no other one is begun.
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
      // A character can take three bytes.
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

/** A pipe that does not wait has no room just now. */
const hasNoRoom = (code: string | undefined): boolean => code === 'EAGAIN' || code === 'EBUSY'

/** Writes `pieces` before it returns, as far as they can be written within a second. */
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
    msg: `${lines} lines of the log were lost: what reads standard output is too slow`,
    lost: lines,
  })}\n`
