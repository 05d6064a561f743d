import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { NotTested } from './suite.ts'

export interface Ran {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

export interface RunOptions {
  readonly cwd: string
  readonly env?: Readonly<Record<string, string>>
  readonly input?: string
  readonly seconds?: number
}

/** Runs a program in a clean environment: this machine's certificates, proxies and keys stay out. */
export function runCommand(program: string, args: readonly string[], options: RunOptions): Promise<Ran> {
  const { cwd, env = {}, input = '', seconds = 600 } = options
  const child = spawn(program, args, {
    cwd,
    env: { PATH: process.env.PATH, HOME: cwd, LANG: 'C.UTF-8', LC_ALL: 'C.UTF-8', TZ: 'UTC', ...env },
    timeout: 1000 * seconds,
    killSignal: 'SIGKILL',
  })
  let out = ''
  let err = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    out += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    err += piece
  })
  // A program that reads no input has closed it.
  child.stdin.on('error', () => {})
  child.stdin.end(input)
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, out, err }))
  })
}

/** The first line of `program`'s version output that contains a number. Throws {@link NotTested}. */
export function versionOf(program: string, ...flags: readonly string[]): string {
  const { status, error, stdout, stderr } = spawnSync(program, flags, { encoding: 'utf8', timeout: 60_000 })
  if (error !== undefined || status === null || status === 127)
    throw new NotTested(`${program} is not installed`)
  const line = `${stdout}\n${stderr}`.split('\n').find((text) => /\d/.test(text)) ?? 'of unknown version'
  const name = program.split('/').at(-1) ?? program
  return line.includes(name) ? line.trim() : `${name} ${line.trim()}`
}

/** `versitygw v1.8.0`: the module version that Go recorded in `program`, otherwise its own output. */
export function builtVersionOf(program: string, flag: string): string {
  const said = versionOf(program, flag)
  const { stdout } = spawnSync('go', ['version', '-m', pathOf(program)], {
    encoding: 'utf8',
    timeout: 60_000,
  })
  const [, version] = /^\tmod\t\S+\t(\S+)/m.exec(stdout ?? '') ?? []
  return version === undefined ? said : `${program.split('/').at(-1)} ${version}`
}

/** Where a shell would find `program`. */
export function pathOf(program: string): string {
  if (program.includes('/')) return program
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path)) ?? program
}
