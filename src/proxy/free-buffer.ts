/** Frees the memory of relayed body chunks. */

/** In bytes. Below this size the garbage collector is cheaper. */
const worthFreeing = 16 * 1024

/**
 * Returns a callback that frees `piece` once it has been written. Left to the garbage collector, every 64 MB of
 * chunks would cause a full collection, which doubles the CPU cost of a large transfer. Returns `undefined` for small
 * chunks, and when the underlying buffer may hold other data.
 */
export function whenWritten(piece: Buffer): ((error?: Error | null) => void) | undefined {
  const { buffer, byteOffset, byteLength } = piece
  const aloneInIt =
    buffer instanceof ArrayBuffer &&
    byteOffset + byteLength === buffer.byteLength &&
    // A slice of Node's shared buffer pool is at most half of the pool.
    byteLength * 2 > buffer.byteLength
  if (byteLength < worthFreeing || !aloneInIt) return undefined
  return (error) => {
    // After a failed write something may still reference it.
    if (!error) buffer.transfer(0)
  }
}
