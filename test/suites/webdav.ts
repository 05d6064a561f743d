import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Client, runBoth } from './both.ts'
import { runCommand, versionOf } from './command.ts'
import { apache, nginx, type StoreKind } from './stores.ts'
import type { Suite } from './suite.ts'

const inFront = { flags: ['--dialect', 'http'], buckets: ['dav'] }

export const webdavSuites: readonly Suite[] = [apache, nginx].flatMap((store) => [
  suiteOf('litmus', litmus, store),
  suiteOf('cadaver', cadaver, store),
])

function suiteOf(program: string, client: Client, store: StoreKind): Suite {
  return {
    name: `${program} against ${store.name}`,
    least: 20,
    // litmus has no flag for its version.
    versions: async () =>
      `${program === 'litmus' ? litmusVersion() : versionOf(program, '--version')}, ${store.version()}`,
    run: () => runBoth(store, inFront, client),
  }
}

function litmusVersion(): string {
  versionOf('litmus', '--help')
  return versionOf('dpkg-query', '--show', 'litmus').replace('dpkg-query ', '').replace('\t', ' ')
}

async function litmus(endpoint: string, folder: string) {
  const { out } = await runCommand('litmus', ['--keep-going', `${endpoint}/dav/`], { cwd: folder })
  return readLitmus(out)
}

/**
 * Lines such as ` 4. put_get_utf8_segment.. FAIL (why)`, under `-> running `basic':`. After a warning the result is
 * on a line of its own: `    ....... pass (with 1 warning)`.
 */
export function readLitmus(text: string): ReadonlyMap<string, string> {
  const outcomes = new Map<string, string>()
  let part = ''
  let test = ''
  // A progress line is overwritten by the next one.
  for (const line of text.split(/[\r\n]+/)) {
    part = /^-> running `(\w+)'/.exec(line)?.[1] ?? part
    const [, number = '', name, rest = ''] = /^ *(\d+)\. (\w+?)\.{2,} *(.*)$/.exec(line) ?? []
    if (name !== undefined) test = `${part} ${number.padStart(2, '0')} ${name}`
    const said = name === undefined ? /^ *\.{5,} *(.*)$/.exec(line)?.[1] : rest
    if (said === undefined || said === '') continue
    const before = outcomes.get(test)
    const outcome = said === 'pass' ? 'ok' : withoutChance(said.trim())
    outcomes.set(test, before === undefined ? outcome : `${before}: ${outcome}`)
  }
  return outcomes
}

const script = `put note.txt
put note.txt deep%20name.txt
ls
propnames note.txt
mkcol folder
put note.txt folder/inner.txt
copy note.txt folder/copied.txt
move folder/copied.txt folder/moved.txt
lock note.txt
unlock note.txt
cd folder
ls
cat moved.txt
cat absent.txt
get moved.txt taken.txt
delete inner.txt
ls
cd ..
rmcol folder
ls
`

async function cadaver(endpoint: string, folder: string) {
  await writeFile(join(folder, 'note.txt'), 'grüße aus der notiz\n')
  const options = { cwd: folder, input: script, seconds: 120 }
  const { code, out, err } = await runCommand('cadaver', [`${endpoint}/dav/`], options)
  return new Map([['exit', code === 0 ? 'ok' : `code ${code}`], ...readCadaver(script, `${out}\n${err}`)])
}

/** The output after each prompt, with the command before it. */
export function readCadaver(commands: string, text: string): ReadonlyMap<string, string> {
  const [opening = '', ...answers] = text.split(/^dav:\S+ /m)
  const named = commands
    .split('\n')
    .map((command, at) => [`${String(at + 1).padStart(2)} ${command}`, at] as const)
  const said = (answer: string): string => withoutChance(answer.replaceAll(/\s+/g, ' ').trim())
  return new Map([
    [' 0 open', said(opening)],
    ...named.map(([name, at]) => [name, `ok ${said(answers[at] ?? '(no prompt)')}`] as const),
  ])
}

/** Removes transfer progress, ports, tokens and times. */
const withoutChance = (text: string): string =>
  text
    .replaceAll(/Progress: \[.*?\d+ bytes ?/g, '')
    .replaceAll(/127\.0\.0\.1:\d+/g, 'STORE')
    .replaceAll(/opaquelocktoken:\S+/g, 'TOKEN')
    .replaceAll(/(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), [0-9A-Za-z :]+ GMT/g, 'TIME')
    .replaceAll(/[A-Z][a-z]{2} +\d+ +\d\d:\d\d/g, 'TIME')
