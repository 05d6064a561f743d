import { open, stat } from 'node:fs/promises'
import type { AccessKeys } from '../auth/verdict.ts'
import { inThread, moduleBeside } from '../threads/threads.ts'
import type * as credentials from './credentials.ts'
import { maxCredentialsBytes } from './credentials-bounds.ts'

/** The keys of the file as it is now; `undefined` while it cannot be read or has a mistake. */
export type CurrentKeys = () => Promise<AccessKeys | undefined>

/** Something is wrong with the file, line by line. Told once, until it is something else. */
type ReportCredentials = (problems: readonly string[]) => void

/** Two writes within this time, in milliseconds, may leave the same times: a file so young is read every time. */
const coarsestTime = 3_000

/**
 * Follows a credentials file: every call looks whether it changed, and reads it anew then. A file that cannot be read
 * gives no keys at all, not the old ones: what was changed in it may be that a key is gone.
 */
export function followCredentials(file: string, report: ReportCredentials): CurrentKeys {
  let mark: string | undefined
  let loaded: Loaded = { keys: undefined, problems: [], unreadable: false }
  let reading: Promise<void> = Promise.resolve()
  const refresh = async (): Promise<void> => {
    const seen = await markOf(file)
    if (seen !== undefined && seen === mark) return
    const told = loaded.problems.join('\n')
    loaded = await load(file)
    // Why it could not be read, as when no more files can be opened, may pass without a change of the file.
    mark = loaded.unreadable ? undefined : seen
    if (loaded.problems.length > 0 && loaded.problems.join('\n') !== told) report(loaded.problems)
  }
  return async () => {
    // One at a time, so that an older look never overrides a newer one.
    reading = reading.then(refresh, refresh)
    await reading
    return loaded.keys
  }
}

/** What changes when the file does; `undefined` while that cannot be told. */
async function markOf(file: string): Promise<string | undefined> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined)
  if (stats === undefined || Date.now() - Number(stats.ctimeMs) < coarsestTime) return undefined
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
}

const credentialsInThread = inThread<typeof credentials>(moduleBeside(import.meta.url, 'credentials'))

interface Loaded {
  readonly keys: AccessKeys | undefined
  readonly problems: readonly string[]
  readonly unreadable: boolean
}

async function load(file: string): Promise<Loaded> {
  try {
    return worded(await credentialsInThread('readCredentials', file, await readStart(file)))
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    return {
      keys: undefined,
      problems: [`${file}: the access keys cannot be read (${code})`],
      unreadable: true,
    }
  }
}

const worded = ({ keys, findings }: credentials.ReadCredentials): Loaded => ({
  keys,
  unreadable: false,
  problems: findings.map(
    ({ file, line, column, code, message }) => `${file}:${line}:${column}: ${code}: ${message}`,
  ),
})

/** One byte more than there may be tells that there are too many. */
async function readStart(file: string): Promise<Uint8Array> {
  const handle = await open(file, 'r')
  try {
    const buffer = Buffer.alloc(maxCredentialsBytes + 1)
    let length = 0
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
      if (bytesRead === 0) break
      length += bytesRead
    }
    return buffer.subarray(0, length)
  } finally {
    await handle.close()
  }
}
