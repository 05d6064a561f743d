/** The code of a system error, e.g. `ENOENT`; `undefined` for any other error. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
}

/** What a system error means for the file or directory that a message has named. */
const meanings: ReadonlyMap<string, string> = new Map([
  ['ENOENT', 'it does not exist'],
  ['ENOTDIR', 'it is not a directory'],
  ['EISDIR', 'it is a directory'],
  ['EACCES', 'permission denied: check its owner and mode'],
  ['EPERM', 'permission denied: check its owner and mode'],
  ['ELOOP', 'it is a symbolic link that leads back to itself'],
  ['EROFS', 'its file system is read-only'],
  ['ENOSPC', 'the disk is full'],
  ['EMFILE', 'this process has too many files open'],
  ['ENFILE', 'the system has too many files open'],
])

export const systemErrorMeaning = (code: string): string => meanings.get(code) ?? `system error ${code}`

/** Why a file or directory cannot be used; `undefined` when `error` is not from the system. */
export function whySystemRefused(error: unknown): string | undefined {
  const code = systemErrorCode(error)
  return code === undefined ? undefined : systemErrorMeaning(code)
}

/** Why a file or directory cannot be used. Rethrows an error that is not from the system, because it is a bug. */
export function systemRefusal(error: unknown): string {
  const why = whySystemRefused(error)
  if (why === undefined) throw error
  return why
}

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** Whether a `TextDecoder` with `fatal` rejected the bytes. */
export const isNotUtf8 = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
