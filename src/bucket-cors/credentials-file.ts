import { stat } from 'node:fs/promises'
import type { AccessKeys } from '../auth/verification.ts'
import { inChild, moduleBeside } from '../children/children.ts'
import { readStart } from '../rules/read-start.ts'
import { messageOf, whySystemRefused } from '../text/system-error.ts'
import type * as credentials from './credentials.ts'
import { maxCredentialsBytes } from './credentials-bounds.ts'

/** The current keys of the file; `undefined` while it is unreadable or invalid. */
export type CurrentKeys = () => Promise<AccessKeys | undefined>

/** Called with one line per problem, once for each new set of problems. */
type ReportCredentials = (problems: readonly string[]) => void

/**
 * In milliseconds. Two writes within this time may leave the same mtime, so a file this young is read every time.
 */
const coarsestTime = 3_000

/**
 * Follows a credentials file: every call checks whether it changed and, if so, reads it again. An unreadable file
 * yields no keys rather than the old ones, because the change may have been to revoke a key.
 */
export function followCredentials(file: string, report: ReportCredentials): CurrentKeys {
  let mark: string | undefined
  let loaded: Loaded = { keys: undefined, problems: [], unreadable: false }
  let reading: Promise<void> = Promise.resolve()
  const refresh = async (): Promise<void> => {
    const seen = await markOf(file)
    if (seen !== undefined && seen === mark) return
    const reported = loaded.problems.join('\n')
    loaded = await load(file)
    // The cause, such as too many open files, may pass without a change of the file.
    mark = loaded.unreadable ? undefined : seen
    if (loaded.problems.length > 0 && loaded.problems.join('\n') !== reported) report(loaded.problems)
  }
  return async () => {
    // One at a time, so that an older result never replaces a newer one.
    reading = reading.then(refresh, refresh)
    await reading
    return loaded.keys
  }
}

/** Identifies a state of the file; `undefined` when there is no reliable mark. */
async function markOf(file: string): Promise<string | undefined> {
  const stats = await stat(file, { bigint: true }).catch(() => undefined)
  if (stats === undefined || Date.now() - Number(stats.ctimeMs) < coarsestTime) return undefined
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':')
}

const credentialsInChild = inChild<typeof credentials>(moduleBeside(import.meta.url, 'credentials'))

interface Loaded {
  readonly keys: AccessKeys | undefined
  readonly problems: readonly string[]
  readonly unreadable: boolean
}

async function load(file: string): Promise<Loaded> {
  try {
    // One byte past the limit, so that readCredentials can tell that the file is too large.
    const start = await readStart(file, maxCredentialsBytes + 1)
    return worded(await credentialsInChild('readCredentials', file, start))
  } catch (error) {
    return {
      keys: undefined,
      problems: [`${file}: the access keys cannot be read: ${whySystemRefused(error) ?? messageOf(error)}`],
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
