import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire, findPackageJSON } from 'node:module'
import { availableParallelism, cpus, release, totalmem, type } from 'node:os'
import { promisify } from 'node:util'
import { programVersion } from '../../src/version.ts'

const commands = {
  nginx: ['nginx', '-v'],
  HAProxy: ['haproxy', '-v'],
  Caddy: ['caddy', 'version'],
  wrk: ['wrk', '-v'],
  OpenSSL: ['openssl', 'version'],
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
] as const

export interface Machine {
  /** One line: processors, kernel, memory. */
  readonly text: string
  /** Versions of everything that takes part, by name. */
  readonly versions: Readonly<Record<string, string>>
  /** Programs that are not installed. */
  readonly missing: readonly Tool[]
}

export async function readMachine(): Promise<Machine> {
  const names: readonly Tool[] = ['nginx', 'HAProxy', 'Caddy', 'wrk', 'OpenSSL']
  const found = await Promise.all(names.map(async (name) => [name, await versionOf(name)] as const))
  const installed = found.flatMap(([name, version]) => (version === undefined ? [] : [[name, version]]))
  return {
    text: `${availableParallelism()} cores, ${cpus()[0]?.model ?? 'unknown CPU'}, ${(totalmem() / 2 ** 30).toFixed(0)} GiB, ${type()} ${release()}`,
    versions: {
      'cors-sidecar': programVersion(),
      Node: process.versions.node,
      ...Object.fromEntries(installed),
      ...Object.fromEntries(packages.map((name) => [name, packageVersion(name)])),
    },
    missing: found.flatMap(([name, version]) => (version === undefined ? [name] : [])),
  }
}

/** Some print it on stderr, and wrk exits with 1: the first version in the output counts. */
async function versionOf(name: Tool): Promise<string | undefined> {
  const [command, argument] = commands[name]
  const outcome = await promisify(execFile)(command, [argument]).catch((error: unknown) => error)
  if (typeof outcome !== 'object' || outcome === null || ('code' in outcome && outcome.code === 'ENOENT'))
    return undefined
  const said = ['stdout', 'stderr'].map((key) => String(Reflect.get(outcome, key) ?? '')).join('\n')
  return /[0-9]+\.[0-9]+[^\s,]*/.exec(said)?.[0]
}

function packageVersion(name: string): string {
  const require = createRequire(import.meta.url)
  const file = findPackageJSON(name, import.meta.url) ?? require.resolve(`${name}/package.json`)
  return String(JSON.parse(readFileSync(file, 'utf8')).version)
}
