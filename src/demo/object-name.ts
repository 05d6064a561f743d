/** An object, or the bucket if `key` is empty. */
interface ObjectAddress {
  readonly bucket: string
  readonly key: string
}

/** Longest file name that all common file systems support, in bytes. */
const maxFileName = 255

/** Reads `/BUCKET/KEY` from a request target and percent-decodes it once. */
export function readAddress(target: string): ObjectAddress | undefined {
  const path = target.split(/[?#]/, 1)[0] ?? ''
  const parts = /^\/([^/]+)(?:\/(.*))?$/s.exec(path)
  if (parts === null) return undefined
  try {
    return { bucket: decodeURIComponent(parts[1] ?? ''), key: decodeURIComponent(parts[2] ?? '') }
  } catch {
    return undefined
  }
}

/**
 * The whole key percent-encoded into one file name, so that no key can name a folder, another bucket or a hidden file,
 * and the keys `a` and `a/b` can both exist. `undefined` if the name is too long for a file system.
 */
export function fileNameOf(key: string): string | undefined {
  if (!key.isWellFormed()) return undefined
  const name = encodeURIComponent(key).replaceAll('*', '%2A').replace(/^\./, '%2E')
  return name.length > maxFileName ? undefined : name
}

/** The inverse of `fileNameOf`; `undefined` for hidden files and for names with an invalid escape. */
export function keyOf(fileName: string): string | undefined {
  if (fileName.startsWith('.')) return undefined
  try {
    return decodeURIComponent(fileName)
  } catch {
    return undefined
  }
}
