import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect } from 'vitest'
import { openLocalPort } from '../../src/demo/local-port.ts'
import { main } from '../serve/program.ts'
import { type Block, type Lines, missingLine } from './blocks.ts'

const project = join(import.meta.dirname, '..', '..')

/** The ports in the guides. Each is replaced by a free one, so that a guide never conflicts with other programs. */
const writtenPorts = [9000, 9001, 8080, 9464, 8088, 5173]

export interface Reader {
  /** Performs a block. `pressUpload` returns what the page at an address shows after *Upload*. */
  follow(block: Block, pressUpload: (page: string) => Promise<string>): Promise<void>
  close(): Promise<void>
}

/** A user in a checkout, after `npm ci`, with the command installed. */
export async function startReader(): Promise<Reader> {
  const folder = await mkdtemp(join(tmpdir(), 'guide-'))
  for (const name of ['deploy', 'rules'])
    await cp(join(project, name), join(folder, name), { recursive: true })
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'))
  await mkdir(join(folder, 'bin'))
  await writeFile(
    join(folder, 'bin', 'cors-sidecar'),
    `#!/bin/sh\nexec '${process.execPath}' '${main}' "$@"\n`,
    {
      mode: 0o755,
    },
  )
  const ports = await freePorts()
  // A host in the guides that stands for the reader's own becomes a port without a listener.
  const here = (written: string): string =>
    written
      .replaceAll('https://s3.example.com/', 'http://127.0.0.1:1/')
      .replaceAll(/(?<=:)(\d{4})\b/g, (port) => String(ports.get(Number(port)) ?? port))
  const rules = join(folder, 'deploy', 'guides', 'laptop', 'rules', 'photos.yaml')
  await writeFile(rules, here(await readFile(rules, 'utf8')))
  const admin = `127.0.0.1:${ports.get(9464)}`
  const env = {
    ...process.env,
    PATH: [join(folder, 'bin'), dirname(process.execPath), process.env.PATH].join(delimiter),
    HOME: folder,
    NO_COLOR: '1',
    CORS_SIDECAR_ADMIN: admin,
    PORT: String(ports.get(8088)),
    STORE: `http://localhost:${ports.get(8080)}`,
    MINIO_UPDATE: 'off',
  }
  const running: ChildProcess[] = []
  const bash = (commands: string): ChildProcess =>
    spawn('bash', ['-euo', 'pipefail', '-c', here(commands)], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
  async function stop(child: ChildProcess | undefined): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill('SIGTERM')
    await exited
  }

  async function runCommands(commands: string, exit: number, expected: Lines): Promise<void> {
    const child = bash(commands)
    const [out, err, [code]] = await Promise.all([
      child.stdout ? text(child.stdout) : '',
      child.stderr ? text(child.stderr) : '',
      once(child, 'exit'),
    ])
    const output = `${out}${err}`
    expect(code, `${commands}\n${output}`).toBe(exit)
    expect(missingLine(expected.map(here), output), output).toBeUndefined()
  }

  /** Resolves when the expected lines have been printed; at once if none are, as for output into a file. */
  async function start(command: string, expected: Lines): Promise<void> {
    const child = bash(`exec ${command.replace(/^((?:\w+=\S+ )+)/, 'env $1')}`)
    running.push(child)
    if (expected.length === 0) return
    let output = ''
    await new Promise<void>((resolve, reject) => {
      const look = (chunk: Buffer): void => {
        output += chunk.toString()
        if (missingLine(expected.map(here), output) === undefined) resolve()
      }
      child.stdout?.on('data', look)
      child.stderr?.on('data', look)
      child.once('exit', () => reject(new Error(`ended early: ${command}\n${output}`)))
    })
  }

  return {
    async follow(block, pressUpload) {
      if (block.kind === 'commands') {
        if (block.stop) await stop(running.pop())
        await runCommands(block.text, block.exit, block.expected)
      } else if (block.kind === 'background') await start(block.text.trim(), block.expected)
      else if (block.kind === 'file') {
        await mkdir(dirname(join(folder, block.path)), { recursive: true })
        const write = block.append ? appendFile : writeFile
        await write(join(folder, block.path), here(block.text))
      } else if (block.kind === 'page') {
        const expected = block.expected.map(here).join('\n')
        // Changed rules are live a moment after the file has changed.
        await expect
          .poll(() => pressUpload(here('http://localhost:8088')), { timeout: 60_000 })
          .toBe(expected)
      }
    },
    async close() {
      for (const child of running.toReversed()) await stop(child)
      await rm(folder, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}

async function freePorts(): Promise<ReadonlyMap<number, number>> {
  const opened = await Promise.all(writtenPorts.map(async (port) => [port, await openLocalPort(0)] as const))
  for (const [, { close }] of opened) await close()
  return new Map(opened.map(([written, { port }]) => [written, port]))
}
