import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'

const project = join(import.meta.dirname, '..', '..', '..')
const folder = mkdtempSync(join(tmpdir(), 'packed-'))
// Keeps the rest of the environment, which may configure npm's registry.
const env = { ...process.env, PATH: `${dirname(process.execPath)}:${process.env.PATH}` }
const run = (command: string, ...argv: readonly string[]) =>
  spawnSync(command, argv, { cwd: project, encoding: 'utf8', env })

beforeAll(() => {
  expect(run('npm', 'pack', '--pack-destination', folder)).toMatchObject({ status: 0 })
  const file = join(
    folder,
    readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? expect.fail('nothing was packed'),
  )
  const quiet = ['--no-audit', '--no-fund']
  expect(run('npm', 'install', '--global', ...quiet, '--prefix', join(folder, 'global'), file)).toMatchObject(
    { status: 0 },
  )
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  [['--version'], /^\d+\.\d+\.\d+\n$/],
  [['schema'], /"cors-sidecar rule file"/],
  [
    [
      'explain',
      '--rules',
      join(project, 'rules'),
      '--bucket',
      'uploads',
      '--origin',
      'https://app.example.com',
      '--method',
      'PUT',
    ],
    /allowed/,
  ],
] as const)('npm install -g of the packed file gives a command that works: %j', (argv, expected) => {
  const { status, stdout } = run(join(folder, 'global', 'bin', 'cors-sidecar'), ...argv)
  expect(status).toBe(0)
  expect(stdout).toMatch(expected)
})
