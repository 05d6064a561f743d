import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { folderWith, temporaryFolder } from '../rules/directory.ts'
import { manifestsOf } from './kustomize.ts'

const script = join(import.meta.dirname, '..', '..', 'deploy', 'overlays', 'gitops', 'sharded', 'shards.sh')
const hasKubectl = spawnSync('kubectl', ['version', '--client']).status === 0

const run = (folder: string, shards: number) =>
  spawnSync('bash', [script, folder, String(shards)], { encoding: 'utf8' })

/** Which file is in which ConfigMap. */
function placed(folder: string): ReadonlyMap<string, string> {
  const { status, stdout, stderr } = run(folder, 4)
  expect([status, stderr]).toEqual([0, ''])
  const configMap = z.looseObject({ data: z.record(z.string(), z.string()).default({}) })
  const documents = manifestsOf(stdout.replace(/---\n$/, ''))
  expect(documents.map(({ metadata }) => metadata.name)).toEqual(
    [0, 1, 2, 3].map((shard) => `cors-sidecar-rules-${shard}`),
  )
  const entries = documents.flatMap((document) =>
    Object.keys(configMap.parse(document).data).map((file) => [file, document.metadata.name] as const),
  )
  expect(new Set(entries.map(([file]) => file)).size).toBe(entries.length)
  return new Map(entries)
}

describe.skipIf(!hasKubectl)('rule files in several ConfigMaps', () => {
  test('each file is in one, and stays there whatever comes and goes', async () => {
    const folder = await temporaryFolder()
    const files = Object.fromEntries(
      Array.from({ length: 60 }, (_, index) => [`bucket-${index}.yaml`, 'rules: []\n']),
    )
    await folderWith(folder, { ...files, '.hidden': 'x' })
    await mkdir(join(folder, 'schema'))
    const before = placed(folder)
    expect([...before.keys()].toSorted()).toEqual(Object.keys(files).toSorted())
    expect(new Set(before.values()).size).toBe(4)
    await folderWith(folder, { 'a-new-bucket.yaml': 'rules: []\n' })
    const after = placed(folder)
    expect(after.size).toBe(61)
    for (const [file, shard] of before) expect(after.get(file)).toBe(shard)
  })

  test('more than a ConfigMap takes is refused before anything is applied', async () => {
    const folder = await folderWith(await temporaryFolder(), { 'large.yaml': 'x'.repeat(1_000_001) })
    const { status, stderr } = run(folder, 1)
    expect(status).toBe(1)
    expect(stderr).toContain('use more shards')
  })
})
