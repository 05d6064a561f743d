import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'

/** Bytes parsed in one turn of the event loop: about forty of the smallest requests. */
const bytesInATurn = 1_024

/** Feeds the bytes of clients to the parser in small pieces, one connection per turn: see {@link SlowSocket}. */
export function createSlowFeed(): (socket: Socket) => Duplex {
  const queue: (() => void)[] = []
  let isScheduled = false
  const schedule = (): void => {
    if (isScheduled || queue.length === 0) return
    isScheduled = true
    setImmediate(runNext)
  }
  const runNext = (): void => {
    isScheduled = false
    queue.shift()?.()
    schedule()
  }
  const inTurn = (run: () => void): void => {
    queue.push(run)
    schedule()
  }
  return (socket) => new SlowSocket(socket, inTurn)
}

/**
 * Delivers the bytes of a socket in small pieces. Node parses each read of up to 64 KB in one go. That creates up to two
 * thousand request objects, even if the first request ends the connection, and takes 50 ms of CPU per connection.
 */
class SlowSocket extends Duplex {
  readonly #socket: Socket
  readonly #read: () => void

  constructor(socket: Socket, inTurn: (run: () => void) => void) {
    super({ allowHalfOpen: true })
    this.#socket = socket
    let left: Buffer = Buffer.alloc(0)
    /** False while nothing reads: Node's parser pauses when a request has a body that is unread. */
    let isWanted = true
    const feed = (): void => {
      if (this.destroyed || left.length === 0) return
      isWanted = this.push(left.subarray(0, bytesInATurn))
      left = left.subarray(bytesInATurn)
      if (isWanted) goOn()
    }
    // Node reports the end even of a paused socket, so bytes may still be left here.
    let hasEnded = false
    const goOn = (): void => {
      if (left.length > 0) inTurn(feed)
      else if (hasEnded) this.push(null)
      else socket.resume()
    }
    this.#read = () => {
      if (isWanted) return
      isWanted = true
      goOn()
    }
    socket.on('data', (bytes: Buffer) => {
      socket.pause()
      left = bytes
      inTurn(feed)
    })
    socket.once('end', () => {
      hasEnded = true
      if (left.length === 0) this.push(null)
    })
    socket.once('error', (error) => this.destroy(error))
    socket.once('close', () => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.#socket.remoteAddress
  }

  get bytesRead(): number {
    return this.#socket.bytesRead
  }

  /** Includes bytes that are still queued here, as in {@link Socket}. */
  get bytesWritten(): number {
    return this.#socket.bytesWritten - this.#socket.writableLength + this.writableLength
  }

  override _read(): void {
    this.#read()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, written: (error?: Error | null) => void): void {
    this.#socket.write(bytes, written)
  }

  override _final(ended: (error?: Error | null) => void): void {
    this.#socket.end(() => ended())
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.#socket.destroy()
    destroyed(error)
  }
}
