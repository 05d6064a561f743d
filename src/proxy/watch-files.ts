/** Files that are read again when they change. */

import { readFile, stat } from 'node:fs/promises'

/** How often the files are looked at, in milliseconds. */
const interval = 1_000

interface FileWatch<Value> {
  /** Makes a value of the texts of the files, in their order. Throws when they cannot be used. */
  readonly read: (texts: readonly string[]) => Value
  readonly replace: (value: Value) => void
  /** Called once for each state of the files that cannot be used. */
  readonly refused: (error: unknown) => void
}

/**
 * Calls `replace` whenever the files have changed. A state that cannot be used leaves the old value; it is tried again
 * all the same, as the cause (no more files to open) may pass without a change of the files. Files are compared by
 * what they lead to, so that the swapped links of a Kubernetes secret are seen. Returns the function that ends the watch.
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
  look().finally(rest)
  const timer = setInterval(() => {
    if (busy) return
    busy = true
    look().finally(rest)
  }, interval)
  timer.unref()
  return () => clearInterval(timer)
}

/** Tells two states of the files apart. A file that is missing is a state like any other. */
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
