const newline = 0x0a

/**
 * Splits chunks of UTF-8 into trimmed lines and skips empty ones. Yields `undefined` for a line of more than `limit`
 * bytes, and never holds more than `limit` bytes of a line in memory.
 */
export async function* boundedLines(
  pieces: AsyncIterable<Uint8Array>,
  limit: number,
): AsyncGenerator<string | undefined, void> {
  const decoder = new TextDecoder()
  let held: Uint8Array[] = []
  let length = 0
  const take = (part: Uint8Array): void => {
    length += part.length
    if (length <= limit) held.push(part)
    else held = []
  }
  const line = (): string | undefined => {
    const text = length <= limit ? decoder.decode(Buffer.concat(held)).trim() : undefined
    held = []
    length = 0
    return text
  }
  for await (const piece of pieces) {
    let start = 0
    for (let end = piece.indexOf(newline); end >= 0; end = piece.indexOf(newline, start)) {
      take(piece.subarray(start, end))
      start = end + 1
      const text = line()
      if (text !== '') yield text
    }
    // Copied, because a slice keeps its whole chunk in memory.
    if (start < piece.length) take(piece.slice(start))
  }
  const last = line()
  if (last !== '') yield last
}
