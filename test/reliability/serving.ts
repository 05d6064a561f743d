/** The real program in front of a store in this process, for one scenario. */

import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { folderWith } from '../rules/directory.ts'
import { endProgram, type Program, type SpawnOptions, startProgram } from '../serve/program.ts'
import { startStore } from '../serve/store.ts'
import { NotRun } from './figure.ts'

export interface Serving {
  readonly program: Program
  readonly rules: string
  /** A temporary folder that contains the rules directory. */
  readonly place: string
}

export interface ServingOptions extends SpawnOptions {
  readonly files: Readonly<Record<string, string>>
  readonly flags?: readonly string[]
  /** Puts the files where the rules belong; default: the directory `rules`. */
  readonly prepare?: (place: string, files: Readonly<Record<string, string>>) => Promise<string>
}

/** Serves `files` during `scenario`, and always cleans up. */
export async function whileServing<Result>(
  { files, flags = [], prepare = plainly, ...options }: ServingOptions,
  scenario: (serving: Serving) => Promise<Result>,
): Promise<Result> {
  const place = await mkdtemp(join(tmpdir(), 'reliability-'))
  const store = await startStore()
  try {
    const rules = await prepare(place, files)
    const program = await startProgram(store.url, rules, flags, options)
    try {
      return await scenario({ program, rules, place })
    } finally {
      await endProgram(program)
    }
  } finally {
    await store.close()
    await rm(place, { recursive: true })
  }
}

const plainly = (place: string, files: Readonly<Record<string, string>>): Promise<string> =>
  folderWith(join(place, 'rules'), files)

/** VmRSS and its high-water mark VmHWM, in bytes (proc_pid_status(5)). */
export async function residentSet(pid: number): Promise<{ readonly now: number; readonly peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(notLinux)
  const field = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+([0-9]+) kB$`, 'm').exec(status)?.[1]) * 1024
  return { now: field('VmRSS'), peak: field('VmHWM') }
}

/** How many descriptors the process has open. */
export async function openDescriptors(pid: number): Promise<number> {
  return (await readdir(`/proc/${pid}/fd`).catch(notLinux)).length
}

function notLinux(error: unknown): never {
  if (process.platform === 'linux') throw error
  throw new NotRun('there is no /proc to read memory and descriptors from')
}

const megabyte = 1024 * 1024
export const inMegabytes = (bytes: number): string => `${(bytes / megabyte).toFixed(1)} MB`
