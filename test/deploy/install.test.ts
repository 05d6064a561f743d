import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { folderWith } from '../cmd/rule-commands.ts'

const project = join(import.meta.dirname, '..', '..')
const { version } = JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }

/** This test's Node first on the PATH, and none of npm's own variables. */
const env = { PATH: `${dirname(process.execPath)}:${process.env.PATH}`, HOME: process.env.HOME }
const run = (command: string, argv: readonly string[], cwd: string) =>
  spawnSync(command, argv, { cwd, encoding: 'utf8', env, timeout: 60_000 })

test('npm install -g of the checkout gives the command', () => {
  const prefix = folderWith({})
  expect(
    run(
      'npm',
      ['install', '--global', '--offline', '--no-audit', '--no-fund', '--prefix', prefix, '.'],
      project,
    ),
  ).toMatchObject({ status: 0 })
  const { stdout, stderr } = run(join(prefix, 'bin', 'cors-sidecar'), ['--version'], prefix)
  expect([stdout, stderr]).toEqual([`${version}\n`, ''])
})

test('npx in the checkout gives the command', () => {
  const { status, stdout } = run('npx', ['--offline', 'cors-sidecar', '--version'], project)
  expect([status, stdout]).toEqual([0, `${version}\n`])
})

/** A checkout, as far as the command examines it. */
function checkout(...more: readonly string[]): string {
  const folder = folderWith({})
  mkdirSync(join(folder, 'bin'))
  for (const path of ['bin/cors-sidecar.js', 'package.json']) cpSync(join(project, path), join(folder, path))
  for (const path of more) symlinkSync(join(project, path), join(folder, path))
  return folder
}

const oldNode = [
  '--import',
  "data:text/javascript,Object.defineProperty(process.features, 'typescript', { value: false })",
]

test.each([
  [
    'without packages',
    ['cmd', 'src'],
    [],
    "the packages it needs are not installed: run 'npm ci' in the checkout",
  ],
  [
    'without a build, on a Node that runs no TypeScript',
    ['cmd', 'src', 'node_modules'],
    oldNode,
    "run 'npm ci && npm run build' in the checkout, or use Node 26",
  ],
])('a checkout %s says what to do', (_, paths, flags, words) => {
  const folder = checkout(...paths)
  const { status, stdout, stderr } = run(
    process.execPath,
    [...flags, join(folder, 'bin/cors-sidecar.js'), '--version'],
    folder,
  )
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toMatch(/^error: cors-sidecar cannot start: [^\n]*\n$/)
  expect(stderr).toContain(words)
})
