import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Lines, missingLine } from '../guides/blocks.ts'
import type { Cluster, Image } from './cluster.ts'
import { command } from './command.ts'
import { rootPassword, rootUser } from './s3.ts'
import { require } from './step.ts'

export const project = join(import.meta.dirname, '..', '..')

/** The lines of the shell block in deploy/README.md that contains this text. */
export async function readmeBlock(part: string): Promise<readonly string[]> {
  const readme = await readFile(join(project, 'deploy', 'README.md'), 'utf8')
  const blocks = [...readme.matchAll(/```sh\n(.*?)\n```/gs)].map(([, text = '']) => text)
  const block = blocks.find((text) => text.includes(part))
  require(block !== undefined, `deploy/README.md has no block of commands with ${part}`)
  return block.split('\n')
}

/** Runs commands of the README in a folder that contains only `deploy`, as readers have it. */
export function runLines(
  { environment, loopback }: Cluster,
  folder: string,
  lines: readonly string[],
): Promise<string> {
  const prelude = [
    'set -euo pipefail',
    `cors-sidecar() { '${process.execPath}' '${join(project, 'cmd', 'main.ts')}' "$@"; }`,
  ]
  const [program = 'bash', ...args] = [...loopback, 'bash', '-c']
  const secrets = lines.map((line) =>
    line
      .replace('MINIO_ROOT_USER=…', `MINIO_ROOT_USER=${rootUser}`)
      .replace('MINIO_ROOT_PASSWORD=…', `MINIO_ROOT_PASSWORD=${rootPassword}`),
  )
  const script = [...prelude, ...secrets].join('\n')
  return command(program, [...args, script], { cwd: folder, env: environment })
}

/** Starts a command of a page. When it has printed the expected lines, resolves with what ends it. */
export async function startLine(
  { environment, loopback }: Cluster,
  folder: string,
  line: string,
  expected: Lines,
): Promise<() => void> {
  const [program = 'bash', ...args] = [...loopback, 'bash', '-c', `exec ${line}`]
  const child = spawn(program, args, { cwd: folder, env: environment, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (piece: string) => {
      output += piece
      if (missingLine(expected, output) === undefined) resolve()
    })
    child.once('error', reject)
    child.once('close', () => reject(new Error(`ended early: ${line}: ${output}`)))
  })
  return () => void child.kill()
}

/** Replaces an overlay's placeholder images, and the README's namespace. */
export async function fillIn(
  file: string,
  images: Readonly<Record<string, Image>>,
  namespace?: string,
): Promise<void> {
  let text = await readFile(file, 'utf8')
  for (const [placeholder, { name, digest }] of Object.entries(images))
    text = text.replace(
      new RegExp(`(- name: ${placeholder}\\n *newName: ).*(\\n *digest: ).*`),
      (_, before, between) => `${before}${name}${between}${digest}`,
    )
  require(!/sha256:0{64}/.test(text), `${file} still has a placeholder`)
  if (namespace !== undefined) text = text.replace(/^namespace: .*$/m, `namespace: ${namespace}`)
  await writeFile(file, text)
}

export async function edit(file: string, before: string | RegExp, after: string): Promise<void> {
  const text = await readFile(file, 'utf8')
  const changed = text.replace(before, after)
  require(changed !== text, `${file} has no ${before}`)
  await writeFile(file, changed)
}
