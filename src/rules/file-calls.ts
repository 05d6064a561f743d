import * as fs from 'node:fs'
import { promisify } from 'node:util'

// O_NONBLOCK: a FIFO put in place of a file that was looked at would otherwise hold a thread of the pool for good.
const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK

// Not node:fs/promises: its file handles cost more than all else that is done to read a file of this size.
const stat = promisify(fs.stat)
const open = promisify(fs.open)
const read = promisify(fs.read)

/**
 * The system calls with which rule files are read, by the threads of libuv: a file system that hangs holds up a reload,
 * and no request. They reject with the system's error.
 */
export const fileCalls = {
  stat: (path: string): Promise<fs.BigIntStats> => stat(path, { bigint: true }),
  open: (path: string): Promise<number> => open(path, flags),
  /** Reads on into `buffer` from `offset`; returns how many bytes, 0 at the end of the file. */
  read: async (file: number, buffer: Uint8Array, offset: number): Promise<number> =>
    (await read(file, buffer, offset, buffer.length - offset, null)).bytesRead,
  close: promisify(fs.close),
}
