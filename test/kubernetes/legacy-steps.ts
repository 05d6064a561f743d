import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf, type Cluster, createNamespace, until } from './cluster.ts'
import { failuresOf, loadRequests, slowTransfers, underLoad, writeSlowObject } from './disturb.ts'
import type { Scene } from './minio-steps.ts'
import { edit, fillIn, runLines } from './readme.ts'
import { askPreflights, carryObjects, preflight, writer } from './s3.ts'
import { NotTested, require } from './step.ts'

export const legacyNamespace = 'cors-sidecar-test-legacy'
const deployment = 'deployment/cors-sidecar'
const readyReplicas = ['get', deployment, '-o', 'jsonpath={.status.readyReplicas}']

/** Three replicas in front of a store elsewhere. */
export async function legacySteps(
  { cluster, client, steps, folder, counts }: Scene,
  store: string,
): Promise<void> {
  const kubectl = (args: readonly string[]): Promise<string> =>
    cluster.kubectl(['-n', legacyNamespace, ...args])
  const ready = (count: number): Promise<number> =>
    until(cluster, ['-n', legacyNamespace, ...readyReplicas], (printed) => printed === String(count))
  let base = ''
  const isUp = await steps.step('legacy: apply', async () => {
    await cp(join(folder, 'deploy/overlays/legacy'), join(folder, 'deploy/overlays/old'), { recursive: true })
    await fillIn(
      join(folder, 'deploy/overlays/old/kustomization.yaml'),
      { 'cors-sidecar': cluster.sidecar },
      legacyNamespace,
    )
    await edit(
      join(folder, 'deploy/overlays/old/upstream.yaml'),
      'https://store.example.internal:9000',
      store,
    )
    await createNamespace(cluster, legacyNamespace)
    await runLines(cluster, folder, ['kubectl apply --server-side -k deploy/overlays/old'])
    const one = await until(
      cluster,
      ['-n', legacyNamespace, ...readyReplicas],
      (printed) => Number(printed) > 0,
    )
    const three = await ready(3)
    base = `http://${await addressOf(cluster, legacyNamespace, 'cors-sidecar')}`
    await client.until(preflight(base, writer, 'PUT'), 200, 30)
    return `first replica after ${one.toFixed(0)} s, three after ${(one + three).toFixed(0)} s, by the autoscaler`
  })
  if (!isUp) return
  await steps.step('legacy: objects and preflights', async () =>
    [await carryObjects(base, client), await askPreflights(base, client)].join('; '),
  )
  await steps.step('legacy: apply again leaves the replicas', async () => {
    await runLines(cluster, folder, ['kubectl apply --server-side -k deploy/overlays/old'])
    require((await kubectl(['get', deployment, '-o', 'jsonpath={.spec.replicas}'])) ===
      '3', 'the replicas were set back')
    return '3'
  })
  const requests = await loadRequests(base, client)
  const rollout = async (word: 'restart' | 'undo'): Promise<void> => {
    await kubectl(['rollout', word, deployment])
    await kubectl(['rollout', 'status', deployment, '--timeout=180s'])
  }
  await steps.step(`legacy: ${counts.rollouts} × rollout under load, the last an undo`, async () => {
    const outcome = await underLoad(client, requests, async () => {
      for (let round = 1; round <= counts.rollouts; round++)
        await rollout(round < counts.rollouts ? 'restart' : 'undo')
      // Pods of the last rollout are still draining.
      await until(cluster, ['-n', legacyNamespace, 'get', 'pods', '-o', 'name'], threePods)
    })
    steps.figure('legacy, rollouts under load', `${counts.rollouts}`)
    steps.figure('  requests, failed', `${outcome.served + outcome.failed}, ${outcome.failed}`)
    steps.figure('  longest time between two answers, s', outcome.longestGap.toFixed(2))
    require(outcome.failed ===
      0, `${outcome.failed} of ${outcome.served} requests failed: ${failuresOf(outcome)}`)
    return `0 of ${outcome.served} requests failed`
  })
  await steps.step(
    `legacy: ${counts.deletions} × all pods deleted during slow transfers, under load`,
    async () => {
      await writeSlowObject(base, client)
      const broken: string[] = []
      const outcome = await underLoad(client, requests, async () => {
        for (let round = 0; round < counts.deletions; round++) {
          broken.push(...(await slowTransfers(base, client, () => deletePods(cluster, ready))))
          await until(cluster, ['-n', legacyNamespace, 'get', 'pods', '-o', 'name'], threePods)
        }
      })
      steps.figure('legacy, deletions of all three pods', `${counts.deletions}`)
      steps.figure('  transfers up and down, broken off', `${counts.deletions * 2}, ${broken.length}`)
      steps.figure('  requests, failed', `${outcome.served + outcome.failed}, ${outcome.failed}`)
      require(broken.length === 0, broken.join('; '))
      require(outcome.failed ===
        0, `${outcome.failed} of ${outcome.served} requests failed: ${failuresOf(outcome)}`)
      return `every transfer whole, 0 of ${outcome.served} requests failed`
    },
  )
  await steps.step('legacy: scaling by load', async () => {
    const served = await kubectl(['get', '--raw', '/apis/metrics.k8s.io/v1beta1/nodes']).catch(() => '')
    if (served === '') throw new NotTested('this cluster has no metrics-server')
    // The overlay's 500m for each of three replicas takes more cores than small nodes have.
    const lower = [{ op: 'replace', path: '/spec/metrics/0/resource/target/averageValue', value: '20m' }]
    let seconds = 0
    const outcome = await underLoad(client, requests, async () => {
      await kubectl(['patch', 'hpa', 'cors-sidecar', '--type=json', '-p', JSON.stringify(lower)])
      seconds = await until(
        cluster,
        ['-n', legacyNamespace, ...readyReplicas],
        (printed) => Number(printed) > 3,
      )
    })
    require(outcome.failed === 0, `${outcome.failed} requests failed: ${failuresOf(outcome)}`)
    // With this target the autoscaler would go on to twelve replicas, which would slow the steps after this one.
    await kubectl(['delete', 'hpa,deployment', '--all', '--wait=false'])
    return `a fourth replica ready ${seconds.toFixed(0)} s after the target was lowered to 20m, no request failed`
  })
}

const threePods = (printed: string): boolean => printed.trim().split('\n').length === 3

/** Deletes the pods one by one, as when nodes are drained, each only after three are ready again. */
async function deletePods(cluster: Cluster, ready: (count: number) => Promise<number>): Promise<void> {
  const list = await cluster.kubectl(['-n', legacyNamespace, 'get', 'pods', '-o', 'name'])
  for (const pod of list.trim().split('\n')) {
    await cluster.kubectl(['-n', legacyNamespace, 'delete', pod, '--wait=false'])
    await until(
      cluster,
      ['-n', legacyNamespace, ...readyReplicas],
      (printed) => Number(printed) < 3,
      5,
    ).catch(() => 0)
    await ready(3)
  }
}
