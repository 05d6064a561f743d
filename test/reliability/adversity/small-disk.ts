/** A file system that can be filled up and made read-only: a tmpfs of its own. Linux, as root. */

import { execFile } from 'node:child_process'
import { mkdtemp, rm, rmdir, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { NotRun } from '../figure.ts'

const run = promisify(execFile)

export interface SmallDisk {
  readonly path: string
  /** Leaves no free block. */
  fill(): Promise<void>
  free(): Promise<void>
  setReadOnly(readOnly: boolean): Promise<void>
}

/** Runs `act` with a disk of one megabyte. Rejects with {@link NotRun} where mounting is not permitted. */
export async function withSmallDisk<Result>(act: (disk: SmallDisk) => Promise<Result>): Promise<Result> {
  const path = await mkdtemp(join(tmpdir(), 'adversity-disk-'))
  try {
    await run('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', path])
  } catch (error) {
    await rmdir(path)
    throw new NotRun(`a tmpfs cannot be mounted: ${error instanceof Error ? error.message.trim() : error}`)
  }
  try {
    return await act(smallDisk(path))
  } finally {
    // Lazily, because a process that was just killed may still hold its log.
    await run('umount', ['--lazy', path])
    await rmdir(path)
  }
}

function smallDisk(path: string): SmallDisk {
  const filler = join(path, '.filler')
  return {
    path,
    async fill() {
      // The second write fills the rest of the last block.
      for (const flag of ['w', 'a'])
        await writeFile(filler, Buffer.alloc(2 * 1024 * 1024), { flag }).catch(ignoreFull)
    },
    free: () => rm(filler),
    async setReadOnly(readOnly) {
      await run('mount', ['-o', `remount,${readOnly ? 'ro' : 'rw'}`, path])
    },
  }
}

function ignoreFull(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ENOSPC') throw error
}
