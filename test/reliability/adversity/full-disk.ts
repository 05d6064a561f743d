/**
 * Figure 13: a full or read-only disk, or a lack of file descriptors, blocks rule changes but never requests, and the
 * sidecar recovers from it.
 */

import { type Measured, NotRun } from '../figure.ts'
import { rulesOnBadDisk } from './bad-rules-disk.ts'
import { logOnFullDisk } from './full-log.ts'
import { withoutFiles } from './no-files.ts'

/**
 * `count`: rounds of each kind of shortage. A kind that this machine cannot produce is reported as not run, and the
 * promise as not held.
 */
export async function measure({ count }: { readonly count: number }): Promise<Measured> {
  const parts = [
    await measured('EMFILE', () => withoutFiles(count)),
    await measured('ENOSPC', () => rulesOnBadDisk('ENOSPC', count)),
    await measured('EROFS', () => rulesOnBadDisk('EROFS', count)),
    await measured('log on a full disk', () => logOnFullDisk(count)),
  ]
  return {
    measured: parts.map(({ measured }) => measured).join('; '),
    held: parts.every(({ held }) => held),
  }
}

async function measured(name: string, act: () => Promise<Measured>): Promise<Measured> {
  try {
    return await act()
  } catch (error) {
    if (!(error instanceof NotRun)) throw error
    return { measured: `${name}: NOT RUN, ${error.message}`, held: false }
  }
}
