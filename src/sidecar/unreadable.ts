/** Why a file cannot be read, plainly, for what its user can mend; `undefined` for every other error. */
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
