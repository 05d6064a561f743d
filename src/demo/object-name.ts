/** One object of the folder store, or the bucket itself when `key` is empty. */
interface ObjectAddress {
  readonly bucket: string
  readonly key: string
}

/** Longest file name, in bytes, that every common file system takes. */
const maxFileName = 255

/** Reads `/BUCKET/KEY` out of a request target, percent-decoded once; `undefined` when it is no such path. */
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
 * The file name of a key: the whole key percent-encoded into one name, so that no key can name a folder, another
 * bucket or a hidden file, and `a` beside `a/b` is no conflict. `undefined` for a key too long for a file system.
 */
export function fileNameOf(key: string): string | undefined {
  if (!key.isWellFormed()) return undefined
  const name = encodeURIComponent(key).replaceAll('*', '%2A').replace(/^\./, '%2E')
  return name.length > maxFileName ? undefined : name
}

/** The key of a file name made by `fileNameOf`; `undefined` for a hidden file or a name that no key has. */
export function keyOf(fileName: string): string | undefined {
  if (fileName.startsWith('.')) return undefined
  try {
    return decodeURIComponent(fileName)
  } catch {
    return undefined
  }
}
