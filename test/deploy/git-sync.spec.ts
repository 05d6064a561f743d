import { execFile, spawnSync } from 'node:child_process'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { pointLink, temporaryFolder } from '../rules/directory.ts'
import { adminJson, exchange, preflight } from '../serve/exchange.ts'
import { currentGeneration, generationFile, origin } from '../serve/generations.ts'
import { endProgram, type Program, startProgram } from '../serve/program.ts'
import { eventually } from '../serving.ts'

/**
 * Real git in the order of git-sync's own steps (v4, `SyncRepo` in main.go of kubernetes/git-sync): a shallow
 * fetch, a worktree below `.worktrees` for each commit, a link that is renamed into place, and removal of the old
 * worktree. git-sync itself is not available as a package.
 */
const hasGit = spawnSync('git', ['--version']).status === 0
const isolated = {
  ...process.env,
  GIT_CONFIG_GLOBAL: '/dev/null',
  GIT_CONFIG_SYSTEM: '/dev/null',
  GIT_AUTHOR_NAME: 'test',
  GIT_AUTHOR_EMAIL: 'test@example.com',
  GIT_COMMITTER_NAME: 'test',
  GIT_COMMITTER_EMAIL: 'test@example.com',
}
const git = async (folder: string, ...args: readonly string[]): Promise<string> =>
  (await promisify(execFile)('git', ['-C', folder, ...args], { env: isolated })).stdout.trim()

interface Repository {
  readonly folder: string
  /** Writes files and commits all of them. */
  readonly commit: (files: Readonly<Record<string, string>>) => Promise<void>
}

async function createRepository(files: Readonly<Record<string, string>>): Promise<Repository> {
  const folder = await temporaryFolder()
  await git(folder, 'init', '--quiet', '--initial-branch=main')
  const commit: Repository['commit'] = async (changed) => {
    for (const [file, text] of Object.entries(changed)) {
      await mkdir(join(folder, file, '..'), { recursive: true })
      await writeFile(join(folder, file), text)
    }
    await git(folder, 'add', '--all')
    await git(folder, 'commit', '--quiet', '--message=rules')
  }
  await commit(files)
  return { folder, commit }
}

/** One round of git-sync in `root`; rejects when the repository is unreachable. */
async function sync({ folder }: Repository, root: string): Promise<void> {
  await git(root, 'init', '--quiet')
  await git(root, 'fetch', '--quiet', '--depth=1', `file://${folder}`, 'main')
  const hash = await git(root, 'rev-parse', 'FETCH_HEAD')
  const worktree = join('.worktrees', hash)
  if ((await stat(join(root, worktree)).catch(() => undefined)) !== undefined) return
  const old = (await git(root, 'worktree', 'list', '--porcelain')).match(/^worktree .*\.worktrees.*$/gm) ?? []
  await git(root, 'worktree', 'add', '--quiet', '--force', '--detach', '--no-checkout', worktree, hash)
  await git(join(root, worktree), 'reset', '--quiet', '--hard', hash)
  await pointLink(join(root, 'current'), worktree)
  for (const line of old) await rm(line.slice('worktree '.length), { recursive: true })
  await git(root, 'worktree', 'prune')
}

async function serve(rules: string): Promise<Program> {
  const nothing = join(await temporaryFolder(), 'store.sock')
  const program = await startProgram(`unix:${nothing}`, rules)
  onTestFinished(() => endProgram(program))
  return program
}

const live = (program: Program, generation: number) =>
  eventually(
    () => currentGeneration(program.data, 'site'),
    (seen) => seen === generation,
  )
const states = async (program: Program) => (await adminJson(program.admin, '/-/rules')).states

describe.skipIf(!hasGit)('by git-sync', () => {
  // In the second, `.git` and other folders of a repository are next to the rule files.
  test.each([
    ['in a folder of the repository', 'rules'],
    ['at the top of the repository, .git beside them', '.'],
  ])('each commit of rule files %s is one reload of all of them', async (_name, folder) => {
    const path = (file: string): string => join(folder, file)
    const both = (generation: number) => ({
      [path('site.yaml')]: generationFile(generation),
      [path('other.yaml')]: generationFile(generation),
    })
    const repository = await createRepository({ ...both(1), [path('.gitignore')]: '*.bak\n' })
    const root = await temporaryFolder()
    await sync(repository, root)
    const program = await serve(join(root, 'current', folder))
    expect(await live(program, 1)).toBe(1)
    expect(await states(program)).toEqual({ ok: 2, stale: 0, invalid: 0 })
    for (const generation of [2, 3]) {
      await repository.commit(both(generation))
      await sync(repository, root)
      const { changes } = await program.logged((line) => line.generation === generation)
      expect(changes).toEqual(['other.yaml: changed', 'site.yaml: changed'])
      expect(await live(program, generation)).toBe(generation)
      expect(await currentGeneration(program.data, 'other')).toBe(generation)
    }
    expect(await states(program)).toEqual({ ok: 2, stale: 0, invalid: 0 })
    // Folders that appeared and disappeared with the links must not be reported.
    expect(program.out().filter((line) => JSON.parse(line).level === 'error')).toEqual([])
  })

  test('a round without a new commit reloads nothing', async () => {
    const repository = await createRepository({ 'rules/site.yaml': generationFile(1) })
    const root = await temporaryFolder()
    await sync(repository, root)
    const program = await serve(join(root, 'current', 'rules'))
    await sync(repository, root)
    const reload = await exchange(`${program.admin}/-/reload`, { method: 'POST' })
    expect(JSON.parse(reload.body.toString())).toMatchObject({ result: 'unchanged' })
    expect((await adminJson(program.admin, '/-/rules')).generation).toBe(1)
  })

  test('while Git is down the rules stay, and a commit that is broken keeps the last good ones', async () => {
    const repository = await createRepository({ 'rules/site.yaml': generationFile(1) })
    const root = await temporaryFolder()
    await sync(repository, root)
    const program = await serve(join(root, 'current', 'rules'))
    await rename(repository.folder, `${repository.folder}.away`)
    await expect(sync(repository, root)).rejects.toThrow()
    expect(await currentGeneration(program.data, 'site')).toBe(1)
    await rename(`${repository.folder}.away`, repository.folder)
    await repository.commit({ 'rules/site.yaml': 'rules: [\n' })
    await sync(repository, root)
    await program.logged(({ level, msg }) => level === 'warn' && String(msg).includes('site.yaml'))
    expect(await states(program)).toEqual({ ok: 0, stale: 1, invalid: 0 })
    expect(await currentGeneration(program.data, 'site')).toBe(1)
    await repository.commit({ 'rules/site.yaml': generationFile(2) })
    await sync(repository, root)
    expect(await live(program, 2)).toBe(2)
    expect((await exchange(`${program.data}/site/object`, preflight(origin, 'PUT'))).status).toBe(200)
  })
})
