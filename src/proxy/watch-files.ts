/** Reads files again when they change. */

import { readFile, stat } from 'node:fs/promises'

/** How often the files are checked, in milliseconds. */
const interval = 1_000

interface FileWatch<Value> {
  /** Makes a value from the file texts, in the order of the files. Throws when they are unusable. */
  readonly read: (texts: readonly string[]) => Value
  readonly replace: (value: Value) => void
  /** Called once for each unusable state of the files. */
  readonly refused: (error: unknown) => void
}

/**
 * Calls `replace` whenever the files have changed. An unusable state keeps the old value and is retried, because
 * its cause (such as too many open files) may pass without another change. Follows symbolic links, so that the
 * swapped links of a Kubernetes Secret are noticed. Returns a function that stops watching.
 */
export function watchFiles<Value>(files: readonly string[], watch: FileWatch<Value>): () => void {
  let seen: string | undefined
  let reported: string | undefined
  let busy = true
  const look = async (): Promise<void> => {
    const now = await mark(files)
    if (seen === undefined || now === seen) {
      seen = now
      return
    }
    try {
      watch.replace(watch.read(await Promise.all(files.map((file) => readFile(file, 'utf8')))))
      seen = now
    } catch (error) {
      if (now !== reported) watch.refused(error)
      reported = now
    }
  }
  const rest = (): void => {
    busy = false
  }
  void look().finally(rest)
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    void look().finally(rest)
  }, interval)
  timer.unref()
  return () => clearInterval(timer)
}

/** Identifies one state of the files. A missing file is a state like any other. */
async function mark(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map(async (file) => {
      try {
        const { ino, size, mtimeMs } = await stat(file)
        return `${ino} ${size} ${mtimeMs}`
      } catch {
        return 'missing'
      }
    }),
  )
  return states.join(', ')
}
