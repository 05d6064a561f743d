import { hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { maxBytesRead } from '../rule-file/bytes.ts'
import { fileCalls } from './file-calls.ts'

/** What a look at the rules directory found under one name. */
export type Stat =
  | {
      readonly kind: 'file'
      /** Device, inode, size and times: while they stay as they are, the file need not be read again. */
      readonly mark: string
      /** Whether `mark` can be relied on: it cannot while a further write could still get the same times. */
      readonly reliable: boolean
      /** Size and time of the last write. */
      readonly written: string
      /** Device and inode. */
      readonly inode: string
      /** The inode was changed after the last write, as a rename does. */
      readonly renamed: boolean
      /** SHA-256 of the bytes. */
      readonly hash: string
      /** Whether the last line is complete. A write that is cut off seldom ends with one. */
      readonly endsWithNewline: boolean
    }
  /** `why` is the code of the system's error, or `irregular`: neither a file nor a link to one. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** Nothing there that could be a rule file; a folder is none. */
  | { readonly kind: 'gone' }

/** The same, without opening the file. */
export type Outline =
  | {
      readonly kind: 'file'
      readonly mark: string
      readonly written: string
      readonly inode: string
      readonly renamed: boolean
      readonly size: number
      /** The later of the last write and the last change of the inode, in milliseconds since 1970. */
      readonly changedAt: number
    }
  | Exclude<Stat, { kind: 'file' }>

/** With the bytes, when the file was read. */
export interface Reading {
  readonly stat: Stat
  readonly bytes: Uint8Array | undefined
}

/** The process, not the file, is what is wrong: said of the whole look, so that no file gets the blame. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/** Times of a file system may be whole seconds (NFS, FAT even two), and its clock may not be ours. */
const coarsestTime = 3_000

/** Looks at `path` without opening it; symbolic links are followed. Throws when the process is out of resources. */
export async function outline(path: string): Promise<Outline> {
  try {
    const stats = await fileCalls.stat(path)
    if (stats.isDirectory()) return { kind: 'gone' }
    if (!stats.isFile()) return { kind: 'unreadable', why: 'irregular' }
    return {
      kind: 'file',
      mark: [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join(':'),
      written: `${stats.size}:${stats.mtimeNs}`,
      inode: `${stats.dev}:${stats.ino}`,
      renamed: stats.ctimeNs > stats.mtimeNs,
      size: Number(stats.size),
      changedAt: Number(latest(stats)),
    }
  } catch (error) {
    return unreadable(error)
  }
}

/**
 * Reads the file that `outlined` was told of, at most `maxBytesRead` bytes of it. `now` is in milliseconds since 1970.
 * Throws when the process is out of resources.
 */
export async function read(
  path: string,
  outlined: Extract<Outline, { kind: 'file' }>,
  now: number,
): Promise<Reading> {
  try {
    const bytes = await readBounded(path, outlined.size)
    const stat: Stat = {
      kind: 'file',
      mark: outlined.mark,
      reliable: now - outlined.changedAt > coarsestTime,
      written: outlined.written,
      inode: outlined.inode,
      renamed: outlined.renamed,
      hash: hash('sha256', bytes),
      endsWithNewline: bytes.at(-1) === 0x0a,
    }
    return { stat, bytes }
  } catch (error) {
    return { stat: unreadable(error), bytes: undefined }
  }
}

/** Whether two looks found the same: the same bytes, and nobody wrote in between. */
export function agree(one: Stat, other: Stat): boolean {
  if (one.kind === 'file')
    return other.kind === 'file' && one.hash === other.hash && one.written === other.written
  if (one.kind === 'unreadable') return other.kind === 'unreadable' && one.why === other.why
  return other.kind === 'gone'
}

/** The code of a system error, e.g. `ENOENT`; `undefined` for what no system call reported. */
export function systemErrorCode(error: unknown): string | undefined {
  return error instanceof Error && 'syscall' in error && 'code' in error ? String(error.code) : undefined
}

function latest({ mtimeMs, ctimeMs }: BigIntStats): bigint {
  return mtimeMs > ctimeMs ? mtimeMs : ctimeMs
}

function unreadable(error: unknown): Extract<Stat, { kind: 'unreadable' }> {
  const code = systemErrorCode(error)
  if (code === undefined || exhausted.has(code)) throw error
  return { kind: 'unreadable', why: code }
}

async function readBounded(path: string, size: number): Promise<Uint8Array> {
  const file = await fileCalls.open(path)
  try {
    // One byte more than the file should have tells that it grew. Some file systems give every size as 0.
    const buffer = Buffer.allocUnsafe(size === 0 ? maxBytesRead : Math.min(size + 1, maxBytesRead))
    let length = 0
    while (length < buffer.length) {
      const bytesRead = await fileCalls.read(file, buffer, length)
      length += bytesRead
      // What is not filled up although there was room for it is the end.
      if (bytesRead === 0 || length === size) break
    }
    return buffer.subarray(0, length)
  } finally {
    await fileCalls.close(file)
  }
}
