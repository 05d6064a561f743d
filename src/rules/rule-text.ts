import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { maxFileBytes } from '../rule-file/bytes.ts'

/** The text of a file in the rules directory; `undefined` if it cannot be read, is no regular file or too long, or is not UTF-8. */
export async function readRuleText(directory: string, file: string): Promise<string | undefined> {
  try {
    // O_NONBLOCK: opening a FIFO would otherwise wait for a writer, and hold a thread of the pool.
    const handle = await open(join(directory, file), constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stats = await handle.stat()
      if (!stats.isFile() || stats.size > maxFileBytes) return undefined
      const buffer = Buffer.alloc(maxFileBytes)
      const { bytesRead } = await handle.read(buffer, 0, buffer.length, 0)
      return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(buffer.subarray(0, bytesRead))
    } finally {
      await handle.close()
    }
  } catch {
    return undefined
  }
}
