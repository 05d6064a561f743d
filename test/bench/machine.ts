import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { programVersion } from '../../src/version.ts'

/** The programs by which a tool is found, the preferred one first, and the argument that prints its version. */
const commands = {
  nginx: [['nginx'], '-v'],
  HAProxy: [['haproxy'], '-v'],
  // A Caddy that is newer than the distribution's, under a name of its own.
  Caddy: [['caddy-current', 'caddy'], 'version'],
  Traefik: [['traefik'], 'version'],
  versitygw: [['versitygw'], '--version'],
  wrk: [['wrk'], '-v'],
  OpenSSL: [['openssl'], 'version'],
} as const
export type Tool = keyof typeof commands

const packages = [
  'http-proxy-3',
  'undici',
  'express',
  'cors',
  'http-proxy-middleware',
  'fastify',
  '@fastify/cors',
  '@fastify/http-proxy',
  'pino',
] as const

export interface Machine {
  /** One line: processors, kernel, memory. */
  readonly text: string
  /** Versions of everything that takes part, by name. */
  readonly versions: Readonly<Record<string, string>>
  /** Programs that are not installed. */
  readonly missing: readonly Tool[]
  /** The program of each tool that is installed. */
  readonly programs: Programs
}

export type Programs = Readonly<Partial<Record<Tool, string>>>

export async function readMachine(): Promise<Machine> {
  const names: readonly Tool[] = ['nginx', 'HAProxy', 'Caddy', 'Traefik', 'versitygw', 'wrk', 'OpenSSL']
  const found = await Promise.all(names.map(async (name) => ({ name, installed: await findTool(name) })))
  const installed = found.flatMap(({ name, installed }) =>
    installed === undefined ? [] : [{ name, ...installed }],
  )
  return {
    text: `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
    versions: {
      'cors-sidecar': programVersion(),
      Node: process.versions.node,
      ...Object.fromEntries(installed.map(({ name, version }) => [name, version])),
      ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    },
    missing: found.flatMap(({ name, installed }) => (installed === undefined ? [name] : [])),
    programs: Object.fromEntries(installed.map(({ name, program }) => [name, program])),
  }
}

interface Installed {
  readonly program: string
  readonly version: string
}

async function findTool(name: Tool): Promise<Installed | undefined> {
  const [candidates, argument] = commands[name]
  for (const program of candidates) {
    const said = await outputOf(program, argument)
    if (said !== undefined) return { program, version: versionIn(said) ?? (await builtVersion(program)) }
  }
  return undefined
}

/** What a program prints on stdout and stderr; `undefined` when it is not installed. wrk exits with 1. */
async function outputOf(program: string, ...argv: readonly string[]): Promise<string | undefined> {
  const outcome = await promisify(execFile)(program, [...argv]).catch((error: unknown) => error)
  if (typeof outcome !== 'object' || outcome === null || ('code' in outcome && outcome.code === 'ENOENT'))
    return undefined
  return ['stdout', 'stderr'].map((key) => String(Reflect.get(outcome, key) ?? '')).join('\n')
}

const versionIn = (said: string): string | undefined => /[0-9]+\.[0-9]+[^\s,]*/.exec(said)?.[0]

/** A Go program that `go install` built knows its version from its module only. */
async function builtVersion(program: string): Promise<string> {
  const path = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file))
  const said = path === undefined ? undefined : await outputOf('go', 'version', '-m', path)
  return /^\s*mod\s+\S+\s+v?(\S+)/m.exec(said ?? '')?.[1] ?? 'of unknown version'
}

function packageVersion(name: string): string {
  const require = createRequire(import.meta.url)
  const file = findPackageJSON(name, import.meta.url) ?? require.resolve(`${name}/package.json`)
  return String(JSON.parse(readFileSync(file, 'utf8')).version)
}
