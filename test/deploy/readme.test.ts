import { spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { settingEntries } from '../../src/settings/table.ts'
import { main } from '../serve/program.ts'
import { hasHelm, helm } from './helm.ts'
import { hasKustomize, kustomizeCommand, manifestsOf } from './kustomize.ts'

const project = join(import.meta.dirname, '..', '..')
const readme = readFileSync(join(project, 'deploy', 'README.md'), 'utf8')

test('the runbook has one row for each alert', () => {
  const rules = z
    .object({
      spec: z.object({
        groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string().optional() })) })),
      }),
    })
    .parse(parse(readFileSync(join(project, 'deploy', 'monitoring', 'prometheusrule.yaml'), 'utf8')))
  const alerts = rules.spec.groups.flatMap(({ rules }) => rules.flatMap(({ alert }) => alert ?? []))
  const lines = [...readme.matchAll(/^\| (CorsSidecar\w+) \|/gm)].map(([, alert]) => alert)
  expect(lines.toSorted()).toEqual(alerts.toSorted())
})

test('the files, scripts and settings in deploy/README.md exist', () => {
  const { scripts } = z
    .object({ scripts: z.record(z.string(), z.string()) })
    .parse(JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')))
  // The copy that a reader makes.
  for (const [, path = ''] of readme.matchAll(/((?:deploy|test)\/[\w./-]+)/g))
    if (!path.startsWith('deploy/overlays/mine'))
      expect(existsSync(join(project, path.replace(/\.$/, ''))), path).toBe(true)
  for (const [, path = ''] of readme.matchAll(/`((?:overlays|components)\/[\w./-]+)`/g))
    expect(existsSync(join(project, 'deploy', path)), path).toBe(true)
  for (const [, script = ''] of readme.matchAll(/npm run ([\w:]+)/g))
    expect(Object.keys(scripts)).toContain(script)
  const flags = settingEntries.map(
    ({ name }) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
  )
  for (const [, flag = ''] of readme.matchAll(/`(--[a-z-]+)`/g))
    expect([...flags, '--server-side', '--max-old-space-size'], flag).toContain(flag)
})

/** A folder that contains only `deploy`, as readers have it. */
function elsewhere(): string {
  const folder = mkdtempSync(join(tmpdir(), 'deploy-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  cpSync(join(project, 'deploy'), join(folder, 'deploy'), { recursive: true })
  return folder
}

const blocks = [...readme.matchAll(/```sh\n(.*?)```/gs)].map(([, text = '']) => text)
const blockWith = (part: string): string => blocks.find((text) => text.includes(part)) ?? expect.fail(part)

/** Stand-ins for the missing container engine and cluster. */
const standIns = `set -euo pipefail
cors-sidecar() { '${process.execPath}' '${main}' "$@"; }
docker() { test -f "$3"; }
helm() { command '${helm}' template --kube-version 1.32.0 "\${@:3}"; }
kubectl() {
  if [[ $1 == kustomize ]]; then command ${kustomizeCommand.join(' ')} "$2"
  elif [[ $* == 'apply --server-side -k '* ]]; then test -d "$4"
  elif [[ $1 == apply ]]; then cat
  fi
}
`
const run = (folder: string, commands: string) =>
  spawnSync('bash', ['-c', standIns + commands], { cwd: folder, encoding: 'utf8', timeout: 30_000 })

test.skipIf(!hasKustomize)('the commands of the first deployment work in a folder with only deploy', () => {
  const folder = elsewhere()
  const { status, stdout, stderr } = run(folder, blockWith('cp -r'))
  expect([status, stderr]).toEqual([
    0,
    expect.stringMatching(/^1 rule file, \d rules?, \d tests?: 0 errors, 0 warnings, 0 infos\n$/),
  ])
  expect(manifestsOf(stdout).map(({ kind }) => kind)).toContain('StatefulSet')
})

test('a rule file that the kustomization does not list is named', () => {
  const folder = elsewhere()
  cpSync(join(folder, 'deploy/overlays/minio'), join(folder, 'deploy/overlays/mine'), { recursive: true })
  const ask = () => run(folder, blockWith('not listed'))
  expect(ask()).toMatchObject({ status: 0, stdout: '' })
  writeFileSync(join(folder, 'deploy/overlays/mine/rules/videos.yaml'), 'rules: []\n')
  expect(ask()).toMatchObject({ status: 1, stdout: 'not listed: rules/videos.yaml\n' })
})

test.skipIf(!hasHelm)('the helm command in deploy/README.md renders the chart', () => {
  const { status, stdout, stderr } = run(elsewhere(), blockWith('helm').replace('…', '0'.repeat(64)))
  expect([status, stderr]).toEqual([0, ''])
  expect(manifestsOf(stdout).map(({ kind }) => kind)).toContain('Deployment')
})

test('the shards.sh command in deploy/README.md prints eight ConfigMaps', () => {
  const folder = elsewhere()
  cpSync(join(folder, 'deploy/base/rules'), join(folder, 'rules'), { recursive: true })
  const { status, stdout, stderr } = run(folder, blockWith('shards.sh'))
  expect([status, stderr]).toEqual([0, ''])
  expect(manifestsOf(stdout)).toHaveLength(8)
})
