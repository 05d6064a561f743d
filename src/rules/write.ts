/** Atomic changes to the rules directory: each is complete or has not happened, even if the process is killed. */

import { randomBytes } from 'node:crypto'
import { type FileHandle, lstat, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isBucketName } from '../plan/address.ts'
import { maxBytesRead } from '../rule-file/bytes.ts'
import { type FileFormat, formatOf } from '../rule-file/names.ts'
import { systemErrorCode } from '../text/system-error.ts'
import { readStart } from './read-start.ts'

/** `code` is the system's error code, e.g. `ENOSPC`. */
export type Change =
  | { readonly kind: 'done' }
  /** The change is made, but a power failure may undo it: flushing the directory failed. */
  | { readonly kind: 'unflushed'; readonly code: string }
  /** Nothing has changed. */
  | { readonly kind: 'failed'; readonly code: string }

/** A bucket's own file as it is in the directory now. */
export interface StoredFile {
  /** Base name. */
  readonly file: string
  readonly format: FileFormat
  /** At most `maxBytesRead` of them. */
  readonly bytes: Uint8Array
  /** The name is a symbolic link, so its target is maintained elsewhere. */
  readonly linked: boolean
}

type Found =
  | { readonly kind: 'found'; readonly files: readonly StoredFile[] }
  | { readonly kind: 'failed'; readonly code: string }

const extensions = ['yaml', 'yml', 'json', 'xml'] as const

/** Readable by the group but not by others, because rules name the hosts of an organisation. */
const fileMode = 0o640

/** The files of `bucket` in `directory`: none, one, or too many. */
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

/** The base name of a bucket's file. Throws for an invalid bucket name, because only a bug could lead here. */
export function ruleFileName(bucket: string, extension: (typeof extensions)[number]): string {
  if (!isBucketName(bucket)) throw new Error('not a bucket name')
  return `${bucket}.${extension}`
}

async function readStored(directory: string, file: string): Promise<StoredFile | undefined> {
  const path = join(directory, file)
  try {
    const linked = (await lstat(path)).isSymbolicLink()
    const format = formatOf(file)
    if (format === undefined) return undefined
    // A link that leads nowhere is protected as well: a rename would replace it.
    const target = linked ? await stat(path).catch(() => undefined) : await stat(path)
    if (target === undefined) return { file, format, bytes: new Uint8Array(), linked }
    if (!target.isFile()) return undefined
    return { file, format, bytes: await readStart(path, maxBytesRead), linked }
  } catch (error) {
    if (systemErrorCode(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Replaces `file` with `text` atomically: writes a hidden file beside it, flushes and renames it, and flushes the
 * directory. After `done`, the change survives a power failure.
 */
export async function replaceFile(directory: string, file: string, text: string): Promise<Change> {
  const temporary = join(directory, temporaryName(file))
  const change = await attempt(async (): Promise<Change> => {
    const handle = await open(temporary, 'wx', fileMode)
    try {
      await handle.writeFile(text)
      // The umask must not matter: members of the directory's group may read its files.
      await handle.chmod(fileMode)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, join(directory, file))
    return flushed(directory)
  })
  if (change.kind === 'failed') await unlink(temporary).catch(ignore)
  return change
}

/** Deletes `file`. Succeeds if it does not exist. */
export async function removeFile(directory: string, file: string): Promise<Change> {
  return attempt(async (): Promise<Change> => {
    try {
      await unlink(join(directory, file))
    } catch (error) {
      if (systemErrorCode(error) !== 'ENOENT') throw error
    }
    return flushed(directory)
  })
}

/** Hidden, so that it is never read as a rule file; random, so that two writers never share one. */
const temporaryName = (file: string): string => `.${file}.${randomBytes(8).toString('hex')}.tmp`

const temporaryForm = /^\.[A-Za-z0-9].*\.(?:yaml|yml|json|xml)\.[0-9a-f]{16}\.tmp$/

/** In milliseconds. A write takes far less, so an older file was left behind by a killed process. */
const abandonedAfter = 60 * 60 * 1000

/** Removes files that killed processes left in `directory`. `now` is milliseconds since 1970. Never rejects. */
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

/**
 * Some file systems cannot flush a directory (EINVAL, ENOTSUP); the rename is then as durable as possible there.
 */
async function flushed(directory: string): Promise<Change> {
  const flush = await attempt(async (): Promise<Change> => {
    const handle: FileHandle = await open(directory, 'r')
    try {
      await handle.sync()
    } finally {
      await handle.close()
    }
    return { kind: 'done' }
  })
  if (flush.kind !== 'failed' || flush.code === 'EINVAL' || flush.code === 'ENOTSUP') return { kind: 'done' }
  return { kind: 'unflushed', code: flush.code }
}

/** A system error becomes a result; anything else is a bug and is rethrown. */
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
