import { open } from 'node:fs/promises'

/** The first `most` bytes of a file, which may be an endless pipe. Rejects with the system's error. */
export async function readStart(path: string, most: number): Promise<Uint8Array> {
  const handle = await open(path)
  try {
    const buffer = Buffer.alloc(most)
    let length = 0
    while (length < most) {
      const { bytesRead } = await handle.read(buffer, length, most - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return buffer.subarray(0, length)
  } finally {
    await handle.close()
  }
}
