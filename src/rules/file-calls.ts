/**
 * The calls with which rule files are read, as promises. Those of node:fs/promises give a handle for each file, which
 * costs more than all else that is done to read a file of this size.
 */

import * as fs from 'node:fs'
import { promisify } from 'node:util'

export const stat = promisify(fs.stat)
export const open = promisify(fs.open)
export const read = promisify(fs.read)
export const close = promisify(fs.close)
