/** Changes to the rules directory: every one of them is whole or has not happened, whenever the process ends. */

import { randomBytes } from 'node:crypto'
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isBucketName } from '../plan/address.ts'
import { maxBytesRead } from '../rule-file/bytes.ts'
import { type FileFormat, formatOf } from '../rule-file/names.ts'
import { systemErrorCode } from './reading.ts'

/** What became of a change. `code` is that of the system's error, e.g. `ENOSPC`; then nothing has changed. */
export type Change = { readonly kind: 'done' } | { readonly kind: 'failed'; readonly code: string }

/** A bucket's own file as it stands in the directory now. */
export interface StoredFile {
  /** Base name. */
  readonly file: string
  readonly format: FileFormat
  /** At most `maxBytesRead` of them. */
  readonly bytes: Uint8Array
  /** The name is a symbolic link: what it leads to is kept somewhere else. */
  readonly linked: boolean
}

type Found =
  | { readonly kind: 'found'; readonly files: readonly StoredFile[] }
  | { readonly kind: 'failed'; readonly code: string }

const extensions = ['yaml', 'yml', 'json', 'xml'] as const

/** Group may read, others may not: rules name the hosts of an organisation. */
const fileMode = 0o640

/** The files that `bucket` has in `directory`: none, one, or more than there may be. */
export async function findStoredFiles(directory: string, bucket: string): Promise<Found> {
  return attempt(async () => {
    const files: StoredFile[] = []
    for (const extension of extensions) {
      const stored = await readStored(directory, ruleFileName(bucket, extension))
      if (stored !== undefined) files.push(stored)
    }
    return { kind: 'found', files }
  })
}

/** The base name of a bucket's file. What cannot be a bucket never becomes a name: that would be a bug. */
export function ruleFileName(bucket: string, extension: (typeof extensions)[number]): string {
  if (!isBucketName(bucket)) throw new Error('not a bucket name')
  return `${bucket}.${extension}`
}

async function readStored(directory: string, file: string): Promise<StoredFile | undefined> {
  const path = join(directory, file)
  try {
    const linked = (await lstat(path)).isSymbolicLink()
    const target = await stat(path)
    const format = formatOf(file)
    if (!target.isFile() || format === undefined) return undefined
    return { file, format, bytes: await readStart(path), linked }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

async function readStart(path: string): Promise<Uint8Array> {
  const handle = await open(path, 'r')
  try {
    const buffer = Buffer.alloc(maxBytesRead)
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

/**
 * Puts `text` under the name `file`, in one step: written under a hidden name beside it, flushed, renamed, and the
 * directory flushed. Resolves when it would survive a loss of power.
 */
export async function replaceFile(directory: string, file: string, text: string): Promise<Change> {
  const temporary = join(directory, temporaryName(file))
  const change = await attempt(async (): Promise<Change> => {
    const handle = await open(temporary, 'wx', fileMode)
    try {
      await handle.writeFile(text)
      // Whatever the umask: whoever may read the directory's group may read its files.
      await handle.chmod(fileMode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, file))
    await flushDirectory(directory)
    return { kind: 'done' }
  })
  if (change.kind === 'failed') await unlink(temporary).catch(ignore)
  return change
}

/** Takes the name `file` away. A name that is not there is gone already. */
export async function removeFile(directory: string, file: string): Promise<Change> {
  return attempt(async (): Promise<Change> => {
    try {
      await unlink(join(directory, file))
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error
    }
    await flushDirectory(directory)
    return { kind: 'done' }
  })
}

/** Hidden, so that no look at the directory takes it for a rule file; random, so that two writers never share one. */
const temporaryName = (file: string): string => `.${file}.${randomBytes(8).toString('hex')}.tmp`

const temporaryForm = /^\.[A-Za-z0-9].*\.(?:yaml|yml|json|xml)\.[0-9a-f]{16}\.tmp$/

/** A write takes milliseconds; what is older was left behind by a process that was killed. */
const abandonedAfter = 60 * 60 * 1000

/** Removes what killed processes left behind in `directory`. `now` is in milliseconds since 1970. Never rejects. */
export async function removeAbandoned(directory: string, now: number): Promise<void> {
  const names = await readdir(directory).catch((): string[] => [])
  for (const name of names.filter((name) => temporaryForm.test(name))) {
    const path = join(directory, name)
    const age = await lstat(path).then(
      ({ mtimeMs }) => now - mtimeMs,
      () => 0,
    )
    if (age > abandonedAfter) await unlink(path).catch(ignore)
  }
}

/** Some file systems cannot flush a directory (EINVAL, ENOTSUP): then the rename is as lasting as it gets there. */
async function flushDirectory(directory: string): Promise<void> {
  const handle: FileHandle = await open(directory, 'r')
  try {
    await handle.sync()
  } catch (error) {
    const code = systemErrorCode(error)
    if (code !== 'EINVAL' && code !== 'ENOTSUP') throw error
  } finally {
    await handle.close()
  }
}

/** What the system refuses is an answer; anything else is a bug and is thrown. */
async function attempt<T>(
  act: () => Promise<T>,
): Promise<T | { readonly kind: 'failed'; readonly code: string }> {
  try {
    return await act()
  } catch (error) {
    const code = systemErrorCode(error)
    if (code === undefined) throw error
    return { kind: 'failed', code }
  }
}

const ignore = (): void => {}
