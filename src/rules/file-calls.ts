import * as fs from 'node:fs'
import { promisify } from 'node:util'

/** The calls of the system with which rule files are read. They reject with the system's error. */
export interface FileCalls {
  stat(path: string): Promise<fs.BigIntStats>
  open(path: string): Promise<number>
  /** Reads on into `buffer` from `offset`; returns how many bytes, 0 at the end of the file. */
  read(file: number, buffer: Uint8Array, offset: number): Promise<number>
  close(file: number): Promise<void>
}

// O_NONBLOCK: a FIFO put in place of a file that was looked at would otherwise hold a thread for good.
const flags = fs.constants.O_RDONLY | fs.constants.O_NONBLOCK

// Not node:fs/promises: its file handles cost more than all else that is done to read a file of this size.
const stat = promisify(fs.stat)
const open = promisify(fs.open)
const read = promisify(fs.read)

/** By the threads of the pool, so that a file system that hangs holds up a reload, and no request. */
export const inBackground: FileCalls = {
  stat: (path) => stat(path, { bigint: true }),
  open: (path) => open(path, flags),
  read: async (file, buffer, offset) =>
    (await read(file, buffer, offset, buffer.length - offset, null)).bytesRead,
  close: promisify(fs.close),
}

const atOnce = {
  stat: (path: string) => fs.statSync(path, { bigint: true }),
  open: (path: string) => fs.openSync(path, flags),
  read: (file: number, buffer: Uint8Array, offset: number) =>
    fs.readSync(file, buffer, offset, buffer.length - offset, null),
  close: fs.closeSync,
}

/** Milliseconds in which a call is answered from memory, and how many may be lost on calls that are not. */
const quick = 0.1
const mostLost = 50

/**
 * For as long as nobody is served: at once, which takes a quarter of the time where the answer is in memory. Once a file
 * system has shown that it takes longer it is asked in the background, where several calls wait at the same time.
 */
export function atOnceWhileQuick(): FileCalls {
  let lost = 0
  function timed<Given extends readonly unknown[], Answer>(
    call: (...given: Given) => Answer,
    otherwise: (...given: Given) => Promise<Answer>,
  ): (...given: Given) => Promise<Answer> {
    return async (...given) => {
      if (lost > mostLost) return otherwise(...given)
      const began = performance.now()
      try {
        return call(...given)
      } finally {
        lost += Math.max(0, performance.now() - began - quick)
      }
    }
  }
  return {
    stat: timed(atOnce.stat, inBackground.stat),
    open: timed(atOnce.open, inBackground.open),
    read: timed(atOnce.read, inBackground.read),
    close: timed(atOnce.close, inBackground.close),
  }
}
