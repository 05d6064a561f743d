/** cgroups with a memory limit, as for a container (cgroups(7)): version 2, or version 1 where that is mounted. */

import { existsSync } from 'node:fs'
import { mkdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { NotRun } from '../figure.ts'

export interface ControlGroup {
  /** A process joins by writing its id to `cgroup.procs` in this folder. */
  readonly folder: string
  /** Peak memory of its processes, in MB. */
  peakMegabytes(): Promise<number>
  /** How many of its processes the OOM killer has killed. */
  kills(): Promise<number>
  remove(): Promise<void>
}

const versions = [
  {
    root: '/sys/fs/cgroup',
    mark: 'cgroup.controllers',
    limit: 'memory.max',
    peak: 'memory.peak',
    events: 'memory.events',
  },
  {
    root: '/sys/fs/cgroup/memory',
    mark: 'memory.limit_in_bytes',
    limit: 'memory.limit_in_bytes',
    peak: 'memory.max_usage_in_bytes',
    events: 'memory.oom_control',
  },
] as const

/** Rejects with {@link NotRun} where this user cannot create one. */
export async function createControlGroup(bytes: number): Promise<ControlGroup> {
  const version = versions.find(({ root, mark }) => existsSync(join(root, mark)))
  if (version === undefined) throw new NotRun('no control groups are mounted')
  const folder = join(version.root, `cors-sidecar-${process.pid}-${Math.random().toString(36).slice(2)}`)
  try {
    await mkdir(folder)
    await writeFile(join(folder, version.limit), String(bytes))
  } catch (error) {
    await rmdir(folder).catch(() => {})
    throw new NotRun(`no control group can be made: ${error instanceof Error ? error.message : error}`)
  }
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8')
  return {
    folder,
    peakMegabytes: async () => Number(await read(version.peak)) / 2 ** 20,
    kills: async () => Number(/^oom_kill (\d+)$/m.exec(await read(version.events))?.[1] ?? Number.NaN),
    async remove() {
      // Its last process may not have exited yet.
      for (let attempt = 0; attempt < 50; attempt++) {
        if (
          await rmdir(folder).then(
            () => true,
            () => false,
          )
        )
          return
        await wait(100)
      }
    },
  }
}
