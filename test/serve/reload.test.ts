import { mkdtemp, rename, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { folderWith, replace } from '../rules/directory.ts'
import { adminJson, exchange, metric, preflight } from './exchange.ts'
import { currentGeneration, generationFile, generationOf, origin } from './generations.ts'
import { endProgram, type Program, startProgram } from './program.ts'
import { startStore, type TestStore } from './store.ts'

let rules = ''
let store: TestStore
let program: Program

beforeAll(async () => {
  rules = await folderWith(await mkdtemp(join(tmpdir(), 'reload-')), {
    'site.yaml': generationFile(1),
    'other.yaml': generationFile(1),
  })
  store = await startStore()
  program = await startProgram(store.url, rules, ['--log-level', 'debug'])
})

afterAll(async () => {
  await endProgram(program)
  await store.close()
  await rm(rules, { recursive: true })
})

/** Resolves when the log reports that this generation is live. */
const live = (generation: number) =>
  program.logged((line) => line.msg === 'rules applied' && line.generation === generation)

const states = async () => (await adminJson(program.admin, '/-/rules')).states

test('a file that is renamed into place takes effect by itself, while requests run', async () => {
  const seen: (number | string)[] = []
  const client = (async () => {
    while (seen.at(-1) !== 2) seen.push(await currentGeneration(program.data, 'site'))
  })()
  await replace(rules, 'site.yaml', generationFile(2))
  expect(await live(2)).toMatchObject({ cause: 'watch', changes: ['site.yaml: changed'] })
  expect(await currentGeneration(program.data, 'site')).toBe(2)
  await client
  expect(seen).toEqual([...seen].sort())
  expect(new Set(seen)).toEqual(new Set([1, 2]))
  expect(await currentGeneration(program.data, 'other')).toBe(1)
})

test('SIGHUP makes the sidecar read the directory', async () => {
  const before = program.out().length
  program.signal('SIGHUP')
  expect(await program.logged(({ cause }) => cause === 'signal', before)).toMatchObject({
    msg: 'rules unchanged',
  })
  await replace(rules, 'site.yaml', generationFile(3))
  program.signal('SIGHUP')
  await live(3)
  expect(await currentGeneration(program.data, 'site')).toBe(3)
})

test('POST /-/reload answers when the rules are live', async () => {
  await replace(rules, 'site.yaml', generationFile(4))
  expect(await adminJson(program.admin, '/-/reload', 'POST')).toMatchObject({
    generation: 4,
    states: { ok: 2, stale: 0, invalid: 0 },
    errors: [],
  })
  expect(await currentGeneration(program.data, 'site')).toBe(4)
})

test('a file with a mistake keeps the last good rules, is reported with its place, and recovers', async () => {
  const before = program.out().length
  await replace(rules, 'site.yaml', generationFile(5).replace(origin, `${origin}/path`))
  const line = await program.logged(({ level }) => level === 'error', before)
  expect(line).toMatchObject({ 'code.file.path': 'site.yaml', line: 3, column: 22, code: 'origin-has-path' })
  expect(await program.logged(({ msg }) => String(msg).startsWith('no new rules'), before)).toMatchObject({
    level: 'warn',
    msg: 'no new rules applied; errors in site.yaml: the last good rules stay until the errors are fixed',
  })
  expect(await currentGeneration(program.data, 'site')).toBe(4)
  expect(await currentGeneration(program.data, 'other')).toBe(1)
  expect(await states()).toEqual({ ok: 1, stale: 1, invalid: 0 })
  expect(await metric(program.admin, 'cors_sidecar_rule_files{state="stale"}')).toBe(1)
  expect(await metric(program.admin, 'cors_sidecar_rules_last_reload_successful')).toBe(0)

  // The rest of the directory is not delayed.
  await replace(rules, 'other.yaml', generationFile(6))
  const { errors, ...reloaded } = await adminJson(program.admin, '/-/reload', 'POST')
  expect(reloaded).toMatchObject({ generation: 6, states: { ok: 1, stale: 1, invalid: 0 } })
  expect(errors).toMatchObject([{ file: 'site.yaml', line: 3, column: 22, code: 'origin-has-path' }])
  expect(await currentGeneration(program.data, 'other')).toBe(6)
  expect(await currentGeneration(program.data, 'site')).toBe(4)

  await replace(rules, 'site.yaml', generationFile(7))
  await live(7)
  expect(await currentGeneration(program.data, 'site')).toBe(7)
  expect(await states()).toEqual({ ok: 2, stale: 0, invalid: 0 })
  expect(await metric(program.admin, 'cors_sidecar_rule_files{state="stale"}')).toBe(0)
  expect(await metric(program.admin, 'cors_sidecar_rules_last_reload_successful')).toBe(1)
})

test('removing a rule file removes its rules from the running server', async () => {
  await rm(join(rules, 'other.yaml'))
  await live(8)
  const refused = await exchange(`${program.data}/other/object`, preflight(origin))
  expect(refused.status).toBe(403)
  expect(refused.headers['access-control-allow-origin']).toBeUndefined()
  const served = await exchange(`${program.data}/other/object`, { headers: { Origin: origin } })
  expect(served.status).toBe(200)
  expect(served.headers['access-control-allow-origin']).toBeUndefined()
  const actual = await exchange(`${program.data}/site/object`, { headers: { Origin: origin } })
  expect(generationOf(actual)).toBe(7)
})

test('an unreadable directory is reported once, and so is its recovery', async () => {
  const before = program.out().length
  const hidden = `${rules}-hidden`
  const linesWith = (what: string): string[] =>
    program
      .out()
      .slice(before)
      .filter((line) => line.includes(what))
  const signal = async (done: () => boolean): Promise<void> => {
    program.signal('SIGHUP')
    await expect.poll(done, { timeout: 10_000 }).toBe(true)
  }
  await rename(rules, hidden)
  await signal(() => linesWith('cannot be used').length >= 1)
  await signal(() => linesWith('cannot be used').length >= 2)
  await rename(hidden, rules)
  await signal(() => linesWith('can be used again').length === 1)
  const lines = linesWith('cannot be used').map((line) => JSON.parse(line))
  const levels = lines.map(({ level }) => level)
  expect(lines[0].msg).toBe(
    `the rules directory ${rules} cannot be used: it does not exist; the current rules stay active`,
  )
  expect(levels).toEqual(['error', ...levels.slice(1).map(() => 'debug')])
})
