/** Why a file cannot be read, in words for its user; `undefined` for errors that a user cannot fix. */
export function whyUnreadable(error: unknown): string | undefined {
  switch (error instanceof Error && 'code' in error ? error.code : undefined) {
    case 'ENOENT':
      return 'there is no such file'
    case 'EACCES':
      return 'reading it is not permitted'
    case 'EISDIR':
      return 'it is a directory'
    default:
      return undefined
  }
}
