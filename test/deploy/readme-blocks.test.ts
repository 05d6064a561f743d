import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { folderWith } from '../cmd/rule-commands.ts'
import { blocksOf } from '../guides/blocks.ts'
import { main, spawnProgram } from '../serve/program.ts'

/** Blocks of the documents that test/guides/not-followed.ts lists for this file. */
const project = join(import.meta.dirname, '..', '..')

const blockWith = (document: string, part: string): string =>
  blocksOf(readFileSync(join(project, document), 'utf8')).find(({ text }) => text.includes(part))?.text ??
  expect.fail(part)

/** A checkout with the example rules. npm and docker are replaced by a check of what they would use. */
function run(block: string): {
  readonly status: number | null
  readonly stdout: string
  readonly stderr: string
  readonly folder: string
} {
  const folder = folderWith({})
  for (const path of ['rules', 'package.json', 'deploy'])
    cpSync(join(project, path), join(folder, path), { recursive: true })
  const standIns = `set -euo pipefail
export HOME="$PWD"
npm() {
  case $1 in
    ci|install) ;;
    test) grep -q '"test":' package.json ;;
    run) grep -q "\\"$2\\":" package.json ;;
    *) return 1 ;;
  esac
}
docker() { test -f "$3"; }
cors-sidecar() { '${process.execPath}' '${main}' "$@"; }
node() { [[ $1 == dist/cmd/main.js ]] && cors-sidecar "\${@:2}" --print-config; }
`
  const { status, stdout, stderr } = spawnSync('bash', ['-c', standIns + block], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status, stdout, stderr, folder }
}

describe('README.md', () => {
  test('the scripts of the first commands exist', () => {
    expect(run(blockWith('README.md', 'npm run demo'))).toMatchObject({ status: 0, stderr: '' })
  })

  test('the commands of the installation write a rule file that check accepts', () => {
    const { status, folder } = run(blockWith('README.md', 'npm install --global'))
    expect(status).toBe(0)
    expect(existsSync(join(folder, 'rules/photos.yaml'))).toBe(true)
    expect(readFileSync(join(folder, '.cors-sidecar-completion'), 'utf8')).toContain('complete -F')
    const { status: checked, stderr } = spawnSync(process.execPath, [main, 'check', '--strict'], {
      cwd: folder,
      encoding: 'utf8',
    })
    expect([checked, stderr]).toEqual([0, expect.stringContaining('0 errors, 0 warnings')])
  })

  test('the serve command starts the server', async () => {
    const words = blockWith('README.md', 'serve --upstream').trim().split(' ').slice(1)
    expect(words).toContain('0.0.0.0:8080')
    const argv = words.map((word) =>
      word === '0.0.0.0:8080' ? '127.0.0.1:0' : word === './rules' ? join(project, 'rules') : word,
    )
    const { child, lines, out, ended } = spawnProgram([...argv, '--admin', '127.0.0.1:0'])
    await new Promise<void>((resolve) =>
      lines.on('line', () => out.some((line) => line.includes('"serving"')) && resolve()),
    )
    child.kill('SIGTERM')
    expect(await ended).toMatchObject({ code: 0, err: '' })
  })

  test('the doctor commands diagnose a URL and explain a code', () => {
    const [ask = '', explain = ''] = blockWith('README.md', 'cors-sidecar doctor').trim().split('\n')
    // Avoids a lookup of example.com: the command uses a port without a listener.
    const here = ask.replace('https://s3.example.com/', 'http://localhost:1/')
    expect(here).not.toBe(ask)
    expect(run(`${here} --format json || test $? = 1`)).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('"healthy": false'),
    })
    expect(run(explain)).toMatchObject({ status: 0, stdout: expect.stringContaining('Remedy: ') })
  })
})

test.each([
  ['README.md', '# rules/photos.yaml', 'photos.yaml'],
  ['rules/README.md', 'yaml-language-server', 'photos.yaml'],
])('check has no finding for the rule file in %s', (document, part, name) => {
  const folder = folderWith({ [`rules/${name}`]: blockWith(document, part) })
  const { status, stdout, stderr } = spawnSync(process.execPath, [main, 'check', '--strict', 'rules'], {
    cwd: folder,
    encoding: 'utf8',
  })
  expect([status, stdout, stderr]).toEqual([
    0,
    '',
    expect.stringContaining('2 tests: 0 errors, 0 warnings, 0 infos'),
  ])
})

test('the commands for running without Kubernetes start with their settings', () => {
  const { status, stdout, stderr } = run(blockWith('deploy/README.md', 'npm run build'))
  expect([status, stderr]).toEqual([0, ''])
  expect(stdout).toContain('dialect: s3 # --dialect\n')
})
