import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { run } from '../../cmd/program.ts'
import type { Terminal } from '../../cmd/terminal.ts'
import { folderWith } from './rule-commands.ts'

async function scriptOf(shell: string): Promise<string> {
  let script = ''
  const terminal: Terminal = {
    out: (text) => {
      script += text
    },
    err: (text) => expect.fail(text),
    setExitCode: (code) => expect(code).toBe(0),
    env: {},
    cwd: '/',
    colour: false,
  }
  await run(['completion', shell], terminal, { onTerminate: () => {}, onReload: () => {}, onExit: () => {} })
  return script
}

/** The candidates that a shell offers after `line`, in a folder with `rules/` and `log.ndjson`. */
type Complete = (folder: string, line: string) => readonly string[]

function output(command: string, argv: readonly string[], cwd: string): string {
  const { status, stdout, stderr } = spawnSync(command, argv, {
    cwd,
    encoding: 'utf8',
    timeout: 20_000,
    env: { ...process.env, HOME: cwd, TERM: 'xterm' },
  })
  expect([status, stderr]).toEqual([0, ''])
  return stdout
}

const bash: Complete = (folder, line) => {
  const words = line.split(' ')
  const quoted = words.map((word) => `'${word}'`).join(' ')
  const commands = `source ./script; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _cors_sidecar; printf '%s\\n' "\${COMPREPLY[@]}"`
  return output('bash', ['--norc', '-c', commands], folder)
    .split('\n')
    .filter((word) => word !== '')
}

const fish: Complete = (folder, line) =>
  output('fish', ['--no-config', '-c', `source ./script; complete -C '${line}'`], folder)
    .split('\n')
    .map((word) => word.split('\t')[0] ?? '')
    .filter((word) => word !== '')

/** zsh completes only in interactive shells, so compadd is replaced by one that prints the candidates. */
const zsh: Complete = (folder, line) => {
  const typed = line.replaceAll("'", '')
  const inner = `autoload -Uz compinit && compinit -u -d ./dump; source ./script; zstyle ':completion:*' list-colors; PS1=; LISTMAX=0
compadd() { [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] && { builtin compadd "$@"; return \\$? }; builtin compadd -A found "$@"; print -r -- "offer:\\$found" }
cmpl() { zle complete-word; print -r -- END; exit }; zle -N cmpl; bindkey '^I' cmpl`
  const outer = `zmodload zsh/zpty; zpty z zsh -f -i; zpty -w z ${shellQuoted(inner.replaceAll('\\$', '$'))}; zpty -w z 'print READY'; zpty -r z got '*READY*READY*'; zpty -n -w z ${shellQuoted(`${typed}\t`)}; zpty -r z got '*END*'; print -r -- $got`
  const shown = output('zsh', ['-f', '-c', outer], folder)
  return [...shown.matchAll(/offer:([^\r\n]*)/g)]
    .flatMap(([, words = '']) => words.split(' '))
    .filter((word) => word !== '')
}

const shellQuoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`

const installed = (shell: string): boolean => spawnSync(shell, ['--version']).status === 0

const cases: readonly (readonly [line: string, offered: readonly string[], not: readonly string[]])[] = [
  [
    'cors-sidecar ',
    [
      'serve',
      'demo',
      'check',
      'explain',
      'doctor',
      'suggest',
      'init',
      'replay',
      'convert',
      'schema',
      'completion',
      'help',
    ],
    ['worker'],
  ],
  ['cors-sidecar che', ['check'], ['serve']],
  ['cors-sidecar check --', ['--format', '--strict', '--dialect', '--explain', '--help'], ['--upstream']],
  ['cors-sidecar check --format ', ['text', 'json', 'github'], ['cos']],
  ['cors-sidecar serve --dialect ', ['cos', 'oss', 's3'], ['json']],
  ['cors-sidecar completion ', ['bash', 'zsh', 'fish'], []],
  ['cors-sidecar help ', ['serve', 'doctor'], []],
]

describe.each([
  ['bash', bash],
  ['fish', fish],
  ['zsh', zsh],
] as const)('%s', (shell, complete) => {
  test('is installed if CI requires it', () => {
    if (process.env.CI_REQUIRE_SHELLS === '1') expect(installed(shell)).toBe(true)
  })

  test.skipIf(!installed(shell)).each(cases)('completes "%s"', async (line, offered, not) => {
    const folder = folderWith({ script: await scriptOf(shell), 'rules/a.yaml': '', 'log.ndjson': '' })
    const words = complete(folder, line)
    expect(words).toEqual(expect.arrayContaining([...offered]))
    for (const word of not) expect(words).not.toContain(word)
  })

  test.skipIf(!installed(shell))('offers files and folders where they belong', async () => {
    const folder = folderWith({ script: await scriptOf(shell), 'rules/a.yaml': '', 'log.ndjson': '' })
    expect(complete(folder, 'cors-sidecar replay lo').map((word) => join(folder, word))).toContain(
      join(folder, 'log.ndjson'),
    )
    const folders = complete(folder, 'cors-sidecar check --explain x --dialect s3 ru')
    expect(folders.map((word) => word.replace(/\/$/, ''))).toContain('rules')
  })
})
