import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { folderWith, temporaryFolder } from '../rules/directory.ts'
import { manifestsOf } from './kustomize.ts'
import { schemaProblems } from './schemas.ts'

const script = join(import.meta.dirname, '..', '..', 'deploy', 'overlays', 'gitops', 'sharded', 'shards.sh')

/** Without kubectl, which only applies the output. */
const run = (folder: string, shards: number) =>
  spawnSync('bash', [script, folder, String(shards)], { encoding: 'utf8', env: { PATH: '/usr/bin:/bin' } })

const configMap = z.looseObject({ data: z.record(z.string(), z.string()).default({}) })

/** The content of each ConfigMap, in order. */
async function sharded(folder: string, shards: number): Promise<readonly Record<string, string>[]> {
  const { status, stdout, stderr } = run(folder, shards)
  expect([status, stderr]).toEqual([0, ''])
  const manifests = manifestsOf(stdout)
  expect((await Promise.all(manifests.map(schemaProblems))).flat()).toEqual([])
  expect(manifests.map(({ metadata }) => metadata.name)).toEqual(
    Array.from({ length: shards }, (_, shard) => `cors-sidecar-rules-${shard}`),
  )
  return manifests.map((manifest) => configMap.parse(manifest).data)
}

/** Which file is in which ConfigMap. */
async function placed(folder: string): Promise<ReadonlyMap<string, number>> {
  const entries = (await sharded(folder, 4)).flatMap((data, shard) =>
    Object.keys(data).map((file) => [file, shard] as const),
  )
  expect(new Set(entries.map(([file]) => file)).size).toBe(entries.length)
  return new Map(entries)
}

test('each file is in one ConfigMap, and stays there when other files come and go', async () => {
  const folder = await temporaryFolder()
  const files = Object.fromEntries(
    Array.from({ length: 60 }, (_, index) => [`bucket-${index}.yaml`, 'rules: []\n']),
  )
  await folderWith(folder, { ...files, '.hidden': 'x' })
  await mkdir(join(folder, 'schema'))
  const before = await placed(folder)
  expect([...before.keys()].toSorted()).toEqual(Object.keys(files).toSorted())
  expect(new Set(before.values()).size).toBe(4)
  await folderWith(folder, { 'a-new-bucket.yaml': 'rules: []\n' })
  const after = await placed(folder)
  expect(after.size).toBe(61)
  for (const [file, shard] of before) expect(after.get(file)).toBe(shard)
})

test('each file is unchanged, except that a missing final line break is added', async () => {
  const files = {
    'plain.yaml': 'rules:\n  - id: a\n\n',
    'hard.yaml': ' "quoted" \\ \\n \\\\" \'x\' &  \r\n\t# é 例 🙂  \n--- |2-\n: {}\n',
    'empty.yaml': '',
  }
  const folder = await folderWith(await temporaryFolder(), { ...files, 'cut.yaml': 'rules: []' })
  expect(Object.assign({}, ...(await sharded(folder, 2)))).toEqual({ ...files, 'cut.yaml': 'rules: []\n' })
})

test('a shard without files is still a ConfigMap, because the pods wait for each', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'photos.yaml': 'rules: []\n' })
  const sizes = (await sharded(folder, 8)).map((data) => Object.keys(data).length)
  expect(sizes.toSorted()).toEqual([0, 0, 0, 0, 0, 0, 0, 1])
})

test('files beyond the size of a ConfigMap are refused before anything is printed', async () => {
  const folder = await folderWith(await temporaryFolder(), { 'large.yaml': `${'x'.repeat(1_000_001)}\n` })
  const { status, stdout, stderr } = run(folder, 2)
  expect([status, stdout]).toEqual([1, ''])
  expect(stderr).toContain('use more shards')
})
