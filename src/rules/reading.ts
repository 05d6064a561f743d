import { hash } from 'node:crypto'
import type { BigIntStats } from 'node:fs'
import { maxBytesRead } from '../rule-file/bytes.ts'
import { systemErrorCode } from '../text/system-error.ts'
import { fileCalls } from './file-calls.ts'

/** What a look at the rules directory found under one name. */
export type Stat =
  | {
      readonly kind: 'file'
      /** Device, inode, size and times. While they stay the same, the file need not be read again. */
      readonly mark: string
      /** Whether `mark` can be trusted. False while another write could still get the same times. */
      readonly reliable: boolean
      /** Size and time of the last write. */
      readonly written: string
      /** Device and inode. */
      readonly inode: string
      /** The inode changed after the last write, which a rename causes. */
      readonly renamed: boolean
      /** SHA-256 of the bytes. */
      readonly hash: string
      /** Whether the last line is complete. A truncated write rarely ends with a line break. */
      readonly endsWithNewline: boolean
    }
  /** `why` is the system's error code, or `irregular`: neither a file nor a link to one. */
  | { readonly kind: 'unreadable'; readonly why: string }
  /** Nothing that could be a rule file; folders do not count. */
  | { readonly kind: 'gone' }

/** Like {@link Stat}, but without opening the file. */
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

/** `bytes` is set when the file was read. */
export interface Reading {
  readonly stat: Stat
  readonly bytes: Uint8Array | undefined
}

/** The process is at fault, not the file, so the whole look fails and no file is blamed. */
const exhausted: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM'])

/**
 * In milliseconds. File systems may store times in whole seconds (NFS) or in steps of two (FAT), and their clock may
 * differ from ours.
 */
const coarsestTime = 3_000

/** Checks `path` without opening it. Follows symbolic links. Throws when the process is out of resources. */
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
 * Reads the file that `outlined` describes, at most `maxBytesRead` bytes. `now` is milliseconds since 1970. Throws
 * when the process is out of resources.
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

/** Whether two looks found the same bytes without a write in between. */
export function agree(one: Stat, other: Stat): boolean {
  if (one.kind === 'file')
    return other.kind === 'file' && one.hash === other.hash && one.written === other.written
  if (one.kind === 'unreadable') return other.kind === 'unreadable' && one.why === other.why
  return other.kind === 'gone'
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
    // One byte more than the size, to notice a file that grew. Some file systems report every size as 0.
    const buffer = Buffer.allocUnsafe(size === 0 ? maxBytesRead : Math.min(size + 1, maxBytesRead))
    let length = 0
    while (length < buffer.length) {
      const bytesRead = await fileCalls.read(file, buffer, length)
      length += bytesRead
      // A short read means the end of the file.
      if (bytesRead === 0 || length === size) break
    }
    return buffer.subarray(0, length)
  } finally {
    await fileCalls.close(file)
  }
}
