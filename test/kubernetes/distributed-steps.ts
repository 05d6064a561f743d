import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf, createNamespace, until } from './cluster.ts'
import { failuresOf, loadRequests, underLoad } from './disturb.ts'
import type { Scene } from './minio-steps.ts'
import { edit, fillIn, runLines } from './readme.ts'
import {
  askPreflights,
  carryObjects,
  createBucket,
  preflight,
  rootPassword,
  rootUser,
  s3At,
  writer,
} from './s3.ts'
import { NotTested, require } from './step.ts'

export const distributedNamespace = 'cors-sidecar-test-distributed'

/** Four nodes of MinIO with a sidecar each; in a cluster of one node, all on that. */
export async function distributedSteps({ cluster, client, steps, folder }: Scene): Promise<void> {
  const overlay = join(folder, 'deploy/overlays/four')
  const statefulSet = ['-n', distributedNamespace, 'get', 'statefulset/minio', '-o']
  let base = ''
  const isUp = await steps.step('minio-distributed: apply', async () => {
    if (!cluster.hasDns)
      throw new NotTested('its nodes find each other by name, and this cluster resolves none')
    for (const node of [0, 1, 2, 3]) await cluster.addVolume(`four-${node}`)
    await cp(join(folder, 'deploy/overlays/minio-distributed'), overlay, { recursive: true })
    const images = { 'cors-sidecar': cluster.sidecar, minio: cluster.minio }
    await fillIn(join(overlay, 'kustomization.yaml'), images, distributedNamespace)
    // Four times the request of half a core is more than a small machine has.
    const args = '          args: [server,'
    const small = '          resources: {requests: {cpu: 50m, memory: 256Mi}}\n'
    await edit(join(overlay, 'nodes.yaml'), args, `${small}${args}`)
    await createNamespace(cluster, distributedNamespace)
    const root = [
      `--from-literal=MINIO_ROOT_USER=${rootUser}`,
      `--from-literal=MINIO_ROOT_PASSWORD=${rootPassword}`,
    ]
    await cluster.kubectl(['-n', distributedNamespace, 'create', 'secret', 'generic', 'minio-root', ...root])
    await runLines(cluster, folder, ['kubectl apply --server-side -k deploy/overlays/four'])
    const ready = 'jsonpath={.status.readyReplicas}'
    const seconds = await until(cluster, [...statefulSet, ready], (printed) => printed === '4', 300)
    base = `http://${await addressOf(cluster, distributedNamespace, 'minio')}:9000`
    await client.until(preflight(base, writer, 'PUT'), 200, 30)
    return `four pods ready after ${seconds.toFixed(0)} s`
  })
  if (!isUp) return
  await steps.step('minio-distributed: objects and preflights', async () => {
    await createBucket(s3At(base, client))
    return [await carryObjects(base, client), await askPreflights(base, client)].join('; ')
  })
  await steps.step('minio-distributed: rollout under load', async () => {
    const outcome = await underLoad(client, await loadRequests(base, client), async () => {
      const rollout = ['-n', distributedNamespace, 'rollout']
      await cluster.kubectl([...rollout, 'restart', 'statefulset/minio'])
      await cluster.kubectl([...rollout, 'status', 'statefulset/minio', '--timeout=400s'], { seconds: 420 })
    })
    steps.figure('minio-distributed, rollout of four pods', '1')
    steps.figure('  requests, failed', `${outcome.served + outcome.failed}, ${outcome.failed}`)
    const preflights = Object.keys(outcome.failures).filter((kind) => kind.includes('OPTIONS'))
    require(preflights.length === 0, `preflights failed: ${failuresOf(outcome)}`)
    // MinIO itself refuses some requests while one of its nodes leaves or comes back.
    const refused = outcome.failed === 0 ? '' : `: ${failuresOf(outcome)}`
    return `no preflight failed; ${outcome.failed} of ${outcome.served + outcome.failed} requests failed${refused}`
  })
}
