import type { Readable } from 'node:stream'

/** Longest line that is buffered, in bytes. Log lines have at most 8 KB. */
const maxLine = 1024 * 1024

/** Passes on the data of `stream` in whole lines. Drops an unfinished last line, because it is not valid JSON. */
export function readWholeLines(stream: Readable, write: (lines: Uint8Array) => void): void {
  let rest: Buffer = Buffer.alloc(0)
  stream.on('data', (chunk: Buffer) => {
    const end = chunk.lastIndexOf(0x0a) + 1
    if (end === 0) {
      rest = rest.length + chunk.length > maxLine ? Buffer.alloc(0) : Buffer.concat([rest, chunk])
      return
    }
    const lines = chunk.subarray(0, end)
    write(rest.length === 0 ? lines : Buffer.concat([rest, lines]))
    rest = chunk.subarray(end)
  })
  stream.on('error', () => {})
}
