/** Frees the memory of relayed pieces of a body. */

/** In bytes: below this the collector is cheaper. */
const worthFreeing = 16 * 1024

/**
 * What to call when `piece` has been written: gives its memory back at once. Left to the collector, every 64 MB of
 * pieces bring a collection of the whole heap, which doubles the cost of a large transfer. `undefined` when it is not
 * worth it, or when the memory holds, or may hold, anything after the piece.
 */
export function whenWritten(piece: Buffer): ((error?: Error | null) => void) | undefined {
  const { buffer, byteOffset, byteLength } = piece
  const aloneInIt =
    buffer instanceof ArrayBuffer &&
    byteOffset + byteLength === buffer.byteLength &&
    // A slice of Node's shared pool is less than half of it.
    byteLength * 2 > buffer.byteLength
  if (byteLength < worthFreeing || !aloneInIt) return undefined
  return (error) => {
    // After an error something may still hold it.
    if (!error) buffer.transfer(0)
  }
}
