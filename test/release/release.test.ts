import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { releaseVersions } from './versions.ts'

const project = fileURLToPath(new URL('../../', import.meta.url))
const workflows = readdirSync(join(project, '.github/workflows')).map((name) => `.github/workflows/${name}`)
const textOf = (path: string): string => readFileSync(join(project, path), 'utf8')

const usesIn = (text: string): string[] => [...text.matchAll(/\buses: (\S+)(.*)$/gm)].map(([line]) => line)

const workflow = z.looseObject({
  permissions: z.strictObject({}),
  jobs: z.record(
    z.string(),
    z.looseObject({ permissions: z.record(z.string(), z.string()), steps: z.array(z.looseObject({})) }),
  ),
})

describe.each([...workflows, 'action.yml'])('%s', (path) => {
  test('uses every action by the commit of a named release', () => {
    for (const line of usesIn(textOf(path)))
      expect(line).toMatch(/^uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/)
  })
})

describe.each(workflows)('%s', (path) => {
  const { jobs } = workflow.parse(parse(textOf(path)))

  test('keeps no credentials after the checkout', () => {
    const checkouts = Object.values(jobs)
      .flatMap(({ steps }) => steps)
      .filter(({ uses }) => String(uses).startsWith('actions/checkout@'))
    expect(checkouts.length).toBeGreaterThan(0)
    for (const step of checkouts) expect(step.with).toMatchObject({ 'persist-credentials': false })
  })

  test('puts no expression into a shell command, because its value would run as code', () => {
    const commands = Object.values(jobs).flatMap(({ steps }) => steps.map(({ run }) => String(run ?? '')))
    expect(commands.filter((command) => command.includes('${{'))).toEqual([])
  })
})

test('package, lock file, chart and changelog name one version', () => {
  const versions = releaseVersions()
  expect(versions.map(([, version]) => version)).toEqual(versions.map(() => versions[0]?.[1]))
  expect(versions[0]?.[1]).toMatch(/^\d+\.\d+\.\d+$/)
})

test('the packed package holds the built program, the rules and the documents, and nothing else', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'packed-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const { stdout } = await promisify(execFile)(
    'npm',
    ['pack', '--json', '--dry-run', '--ignore-scripts', '--pack-destination', folder],
    { cwd: project },
  )
  const packed: unknown = JSON.parse(stdout)
  const [{ files }] = z
    .tuple([z.object({ files: z.array(z.object({ path: z.string() })) })])
    .parse(Array.isArray(packed) ? packed : Object.values(Object(packed)))
  const names = files.map(({ path }) => path)
  expect(names).toEqual(expect.arrayContaining(['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md']))
  expect(names).toEqual(expect.arrayContaining(['rules/README.md', 'rules/schema/rule-file.json']))
  expect(names.filter((name) => /^(?:test|src|cmd|deploy|\.github|\.ci)\//.test(name))).toEqual([])
  expect(names.filter((name) => /\.test\.|\.map$|tsbuildinfo/.test(name))).toEqual([])
})
