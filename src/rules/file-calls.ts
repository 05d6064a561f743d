import * as fs from 'node:fs'
import { promisify } from 'node:util'

// O_NONBLOCK: opening a FIFO that replaced a checked file would otherwise block a thread of libuv for ever.
const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK

// Not node:fs/promises: its file handles cost more than everything else in reading such a small file.
const stat = promisify(fs.stat)
const open = promisify(fs.open)
const read = promisify(fs.read)

/**
 * The system calls for reading rule files. They run in libuv's threads, so that a hanging file system delays a
 * reload but no request. They reject with the system's error.
 */
export const fileCalls = {
  stat: (path: string): Promise<fs.BigIntStats> => stat(path, { bigint: true }),
  open: (path: string): Promise<number> => open(path, flags),
  /** Reads into `buffer` from `offset`; returns the number of bytes, 0 at the end of the file. */
  read: async (file: number, buffer: Uint8Array, offset: number): Promise<number> =>
    (await read(file, buffer, offset, buffer.length - offset, null)).bytesRead,
  close: promisify(fs.close),
}
