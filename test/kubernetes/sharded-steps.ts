import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf, annotate, createNamespace, until } from './cluster.ts'
import type { Scene } from './minio-steps.ts'
import { edit, fillIn, readmeBlock, runLines } from './readme.ts'
import { described, preflight, reader, rootPassword, rootUser, writer } from './s3.ts'
import { require } from './step.ts'

export const shardedNamespace = 'cors-sidecar-test-sharded'
const buckets = 1_000
const newcomer = 'https://new.example.com'

/** A thousand rule files in eight ConfigMaps. */
export async function shardedSteps({ cluster, client, steps, folder }: Scene): Promise<void> {
  const overlay = join(folder, 'deploy/overlays/sharded-copy')
  const rules = join(folder, 'rules')
  const apply = async (): Promise<void> => {
    const lines = (await readmeBlock('shards.sh')).map((line) =>
      line.replace('object-store', shardedNamespace),
    )
    await runLines(cluster, folder, lines)
  }
  let base = ''
  const isUp = await steps.step(`sharded: ${buckets} rule files in eight ConfigMaps`, async () => {
    await cluster.addVolume('sharded')
    await cp(join(folder, 'deploy/overlays/gitops'), overlay, { recursive: true })
    const kustomization = join(overlay, 'sharded/kustomization.yaml')
    await fillIn(kustomization, { 'cors-sidecar': cluster.sidecar, minio: cluster.minio }, shardedNamespace)
    // Its kinds belong to the Prometheus Operator, which is not installed.
    await edit(kustomization, /^ *- .*components\/monitoring\n/m, '')
    const file = await readFile(join(folder, 'deploy/overlays/legacy/rules/photos.yaml'), 'utf8')
    await mkdir(rules)
    for (let bucket = 0; bucket < buckets; bucket++)
      await writeFile(join(rules, `bucket-${bucket}.yaml`), file)
    await createNamespace(cluster, shardedNamespace)
    const root = [
      `--from-literal=MINIO_ROOT_USER=${rootUser}`,
      `--from-literal=MINIO_ROOT_PASSWORD=${rootPassword}`,
    ]
    await cluster.kubectl(['-n', shardedNamespace, 'create', 'secret', 'generic', 'minio-root', ...root])
    await runLines(cluster, folder, ['kubectl apply --server-side -k deploy/overlays/sharded-copy/sharded'])
    const began = performance.now()
    await apply()
    const ready = 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'
    await until(
      cluster,
      ['-n', shardedNamespace, 'get', 'pod', 'minio-0', '-o', ready],
      (text) => text === 'True',
    )
    base = `http://${await addressOf(cluster, shardedNamespace, 'minio')}:9000`
    const answer = await client.until(preflight(base, writer, 'PUT', 'bucket-77'), 200, 30)
    require(answer.status === 200, described(answer))
    return `Ready and right ${((performance.now() - began) / 1000).toFixed(1)} s after the shards were applied`
  })
  if (!isUp) return
  await steps.step('sharded: one file changed', async () => {
    await edit(join(rules, 'bucket-77.yaml'), `"${reader}"]`, `"${reader}", "${newcomer}"]`)
    await apply()
    await annotate(cluster, shardedNamespace)
    const answer = await client.until(preflight(base, newcomer, 'GET', 'bucket-77'), 200, 150)
    require(answer.status === 200, described(answer))
    const other = await client.send(preflight(base, newcomer, 'GET', 'bucket-78'))
    require(other.status === 403, `another bucket changed, too: ${described(other)}`)
    return `live after ${answer.seconds.toFixed(1)} s, and for that bucket alone`
  })
}
