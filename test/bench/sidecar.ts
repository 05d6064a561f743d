import { closeSync, openSync } from 'node:fs'
import { copyFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { accepting, freePort, type Running, runToEnd, type Testbed } from './testbed.ts'

export interface Sidecars {
  /** `cmd/main.js` of the build. */
  readonly program: string
  readonly start: (options: SidecarOptions) => Promise<Sidecar>
}

export interface SidecarOptions {
  readonly upstreamPort: number
  /** Folder of rule files. */
  readonly rules: string
  readonly logLevel: 'info' | 'silent'
  readonly flags?: readonly string[]
}

export interface Sidecar extends Running {
  readonly port: number
  readonly adminPort: number
  /** Its standard output. */
  readonly log: string
}

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Sidecars that run a built `cmd/main.js`. */
export const sidecarsOf = (testbed: Testbed, program: string): Sidecars => ({
  program,
  start: (options) => start(testbed, program, options),
})

/** Builds the program into the testbed like `npm run build`, because the published build is what counts. */
export async function buildProgram(testbed: Testbed): Promise<string> {
  const built = join(testbed.folder, 'package')
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  const settings = ['--project', join(root, 'tsconfig.build.json'), '--outDir', join(built, 'dist')]
  await runToEnd(testbed, process.execPath, [compiler, ...settings])
  await copyFile(join(root, 'package.json'), join(built, 'package.json'))
  for (const name of ['node_modules', 'rules']) await symlink(join(root, name), join(built, name))
  return join(built, 'dist/cmd/main.js')
}

async function start(testbed: Testbed, program: string, options: SidecarOptions): Promise<Sidecar> {
  const { upstreamPort, rules, logLevel, flags = [] } = options
  const port = await freePort()
  const adminPort = await freePort()
  const log = testbed.path('sidecar.log')
  // Appended to a file, as a container runtime does.
  const output = openSync(log, 'a')
  const running = testbed.start(
    process.execPath,
    [
      ...[program, 'serve', '--upstream', `http://127.0.0.1:${upstreamPort}`, '--rules', rules],
      ...['--listen', `127.0.0.1:${port}`, '--admin', `127.0.0.1:${adminPort}`],
      ...['--log-level', logLevel, ...flags],
    ],
    { stdio: ['ignore', output, 'inherit'], env: { ...process.env, NODE_ENV: 'production' } },
  )
  closeSync(output)
  await accepting(running, port)
  return { ...running, port, adminPort, log }
}
