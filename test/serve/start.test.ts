import { spawnSync } from 'node:child_process'
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { broken, folderWith } from '../rules/directory.ts'
import { adminJson, exchange, metric, preflight } from './exchange.ts'
import { currentGeneration, generationFile, origin } from './generations.ts'
import { endProgram, main, type Program, spawnProgram, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

let folder = ''
let store: TestStore

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'start-'))
  await chmod(folder, 0o755)
  store = await startStore()
})

afterAll(async () => {
  await store.close()
  await rm(folder, { recursive: true })
})

const serve = (rules: string, ...more: readonly string[]): readonly string[] => [
  ...['serve', '--upstream', 'http://127.0.0.1:9', '--rules', rules],
  ...['--listen', '127.0.0.1:0', '--admin', '127.0.0.1:0', ...more],
]

/** Root can read every directory. */
const unprivileged = process.getuid?.() === 0 ? { uid: 65_534 } : {}
const canRunUnprivileged = spawnSync(process.execPath, [main, '--version'], unprivileged).status === 0

describe('a rules directory that cannot be used', () => {
  beforeAll(async () => {
    await writeFile(join(folder, 'file'), '')
    await symlink('loop', join(folder, 'loop'))
    await mkdir(join(folder, 'closed'), { mode: 0 })
  })

  test.for([
    ['missing', 'it does not exist', true],
    ['file', 'it is not a directory', true],
    ['loop', 'it is a symbolic link that leads back to itself', true],
    ['closed', 'permission denied: check its owner and mode', canRunUnprivileged],
  ] as const)('%s: %s', async ([name, reason, canRun], { skip }) => {
    skip(!canRun, 'another user cannot run the program')
    const { ended, out } = spawnProgram(serve(join(folder, name)), name === 'closed' ? unprivileged : {})
    expect(await ended).toEqual({
      code: 2,
      signal: null,
      err: `error: --rules ${join(folder, name)}: the directory cannot be read: ${reason}\n`,
    })
    expect(out).toEqual([])
  })
})

test.each([
  ['--admin-token-file', 'missing', 'the file cannot be read: it does not exist'],
  ['--admin-token-file', 'file', 'the file must contain one token, without spaces'],
  ['--upstream-ca', 'missing', 'the file cannot be read: it does not exist'],
])('%s with a file that cannot be used: %s', async (flag, name, reason) => {
  const rules = await folderWith(join(folder, 'good'), {})
  const store = flag === '--upstream-ca' ? ['--upstream', 'https://127.0.0.1:9'] : []
  const { ended } = spawnProgram(serve(rules, flag, join(folder, name), ...store))
  expect(await ended).toEqual({
    code: 2,
    signal: null,
    err: `error: ${flag} ${join(folder, name)}: ${reason}\n`,
  })
})

describe('some rule files with mistakes', () => {
  let rules = ''
  let program: Program

  beforeAll(async () => {
    rules = await folderWith(join(folder, 'mixed'), {
      '_default.yaml': generationFile(1),
      'good.yaml': generationFile(1),
      'broken.yaml': broken,
      'wrong.yaml': generationFile(1).replace(origin, 'https://app.example/path'),
      'twice.yaml': generationFile(1),
      'twice.json': '{"CORSRules": []}\n',
    })
    await symlink('nowhere', join(rules, 'gone.yaml'))
    program = await startProgram(store.url, rules)
  })

  afterAll(() => endProgram(program))

  test.each([
    'broken',
    'wrong',
    'twice',
    'gone',
  ])('the bucket %s fails closed, not to _default', async (bucket) => {
    const refused = await exchange(`${program.data}/${bucket}/object`, preflight(origin, 'PUT'))
    expect(refused.status).toBe(403)
    const served = await exchange(`${program.data}/${bucket}/object`, { headers: { Origin: origin } })
    expect(served.status).toBe(200)
    for (const { headers } of [refused, served])
      expect(Object.keys(headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
  })

  test.each(['good', 'any-other'])('the bucket %s is served', async (bucket) => {
    expect(await currentGeneration(program.data, bucket)).toBe(1)
  })

  test('every mistake is logged with its place, and counted', async () => {
    const lines = program.out().map((line) => JSON.parse(line))
    const places = lines
      .filter(({ level }) => level === 'error')
      .map((line) => `${line['code.file.path']}:${line.line}:${line.column}: ${line.code}`)
    expect(places.sort()).toEqual([
      expect.stringMatching(/^broken\.yaml:\d+:\d+: /),
      'gone.yaml:1:1: file-unreadable',
      expect.stringMatching(/^twice\.json:1:1: /),
      expect.stringMatching(/^twice\.yaml:1:1: /),
      'wrong.yaml:3:22: origin-has-path',
    ])
    expect((await adminJson(program.admin, '/-/rules')).states).toEqual({ ok: 2, stale: 0, invalid: 5 })
    expect(await metric(program.admin, 'cors_sidecar_rule_files{state="invalid"}')).toBe(5)
    expect(await metric(program.admin, 'cors_sidecar_rules_last_reload_successful')).toBe(0)
    expect((await exchange(`${program.admin}/readyz`)).status).toBe(200)
  })

  test('one warning names the files without rules', () => {
    const lines = program.out().map((line) => JSON.parse(line))
    expect(lines.filter(({ msg }) => msg.startsWith('rules applied'))).toMatchObject([
      {
        level: 'warn',
        msg: 'rules applied; errors in broken.yaml, gone.yaml, twice.json, twice.yaml, wrong.yaml: their preflights are refused until the errors are fixed',
      },
    ])
  })

  test('--strict-start refuses to start, and says why', async () => {
    const { ended } = spawnProgram(serve(rules, '--strict-start', '--log-level', 'silent'))
    const { code, err } = await ended
    expect(code).toBe(2)
    const lines = err.trimEnd().split('\n')
    expect(lines).toHaveLength(6)
    expect(lines).toContainEqual(expect.stringMatching(/^error: wrong\.yaml:3:22: error origin-has-path: /))
    expect(lines.at(-1)).toBe('error: --strict-start: fix the rule files with errors')
  })
})

test('an empty rules directory is served, and refuses every preflight', async () => {
  const rules = await folderWith(join(folder, 'empty'), {})
  const program = await startProgram(store.url, rules, ['--strict-start'])
  expect((await exchange(`${program.data}/site/object`, preflight(origin))).status).toBe(403)
  expect((await exchange(`${program.admin}/readyz`)).status).toBe(200)
  await endProgram(program)
})

test.each([
  ['append', 1],
  ['replace', 0],
  ['off', 0],
] as const)('--forwarded-for %s: %i warnings that X-Forwarded-For cannot be trusted', async (mode, warnings) => {
  const rules = await folderWith(await mkdtemp(join(folder, 'forwarded-')), {
    'bucket.yaml': generationFile(1),
  })
  const program = await startProgram(store.url, rules, ['--forwarded-for', mode])
  program.signal('SIGTERM')
  await program.ended
  const warned = program
    .out()
    .filter((line) => line.includes('"level":"warn"') && line.includes('use replace'))
  expect(warned).toHaveLength(warnings)
})
