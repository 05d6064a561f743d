import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { maxFileBytes } from '../rule-file/bytes.ts'

/** The text of a file in the rules directory; `undefined` for what is no rule file that could have been loaded. */
export async function readRuleText(directory: string, file: string): Promise<string | undefined> {
  try {
    const handle = await open(join(directory, file))
    try {
      const { size } = await handle.stat()
      if (size > maxFileBytes) return undefined
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
