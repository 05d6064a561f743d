import { setTimeout as wait } from 'node:timers/promises'
import type { Sent } from './client/job.ts'
import { addressOf, createNamespace } from './cluster.ts'
import { failuresOf, loadRequests, underLoad } from './disturb.ts'
import type { Scene } from './minio-steps.ts'
import type { PodClient } from './pod-client.ts'
import { readmeBlock, runLines } from './readme.ts'
import { askPreflights, preflight, writer } from './s3.ts'
import { NotTested, require } from './step.ts'

export const chartNamespace = 'cors-sidecar-test-chart'

/** The chart, following the README: install, upgrade under load, rollback, uninstall. */
export async function chartSteps({ cluster, client, steps, folder }: Scene, store: string): Promise<void> {
  const [line = ''] = await readmeBlock('helm upgrade --install')
  const install = line
    .replace('-n object-store', `-n ${chartNamespace}`)
    .replace('sha256:…', cluster.sidecar.digest)
    .replace('https://store.example.internal:9000', store)
    .replace('registry.example.com/cors-sidecar', cluster.sidecar.name)
  let base = ''
  const isUp = await steps.step('chart: helm upgrade --install --wait', async () => {
    await runLines(cluster, folder, ['command -v helm']).catch(() => {
      throw new NotTested('there is no helm on the PATH')
    })
    await createNamespace(cluster, chartNamespace)
    await runLines(cluster, folder, [`${install} --wait --timeout 120s`])
    base = `http://${await addressOf(cluster, chartNamespace, 'cors-sidecar')}`
    const replicas = [
      '-n',
      chartNamespace,
      'get',
      'deployment',
      'cors-sidecar',
      '-o',
      'jsonpath={.status.readyReplicas}',
    ]
    return `${await cluster.kubectl(replicas)} replica ready when helm is back; preflights: ${await askPreflights(base, client)}`
  })
  if (!isUp) return
  await steps.step('chart: upgrade and rollback under load', async () => {
    const { status: before } = await client.send(unconfigured(base))
    require(before > 0, 'no response for a bucket without rules')
    let changed = 0
    let after = 0
    const outcome = await underLoad(client, await loadRequests(base, client), async () => {
      await runLines(cluster, folder, [
        `${install} --set settings.UNCONFIGURED=forward --wait --timeout 180s`,
      ])
      changed = await statusSoon(base, client, (status) => status !== before)
      await runLines(cluster, folder, [
        `helm -n ${chartNamespace} rollback cors-sidecar 1 --wait --timeout 180s`,
      ])
      after = await statusSoon(base, client, (status) => status === before)
    })
    require(changed !== before, `after the upgrade, a bucket without rules still gets ${before}`)
    require(after === before, `after the rollback, a bucket without rules gets ${after}, not ${before}`)
    require(outcome.failed ===
      0, `${outcome.failed} of ${outcome.served} requests failed: ${failuresOf(outcome)}`)
    return `a bucket without rules gets ${before}, ${changed}, ${after}; 0 of ${outcome.served} requests failed`
  })
  await steps.step('chart: uninstall', async () => {
    await runLines(cluster, folder, [`helm -n ${chartNamespace} uninstall cors-sidecar --wait`])
    const left = await cluster.kubectl([
      '-n',
      chartNamespace,
      'get',
      'deployments,services,hpa,pdb',
      '-o',
      'name',
    ])
    require(left.trim() === '', `left: ${left}`)
    return 'nothing left'
  })
}

const unconfigured = (base: string): Sent => preflight(base, writer, 'PUT', 'no-rules')

/**
 * The status that a bucket without rules gets, once `isRight`, or after 30 s. helm --wait returns when enough of the
 * new pods are ready; one of the old pods may still get requests.
 */
async function statusSoon(
  base: string,
  client: PodClient,
  isRight: (status: number) => boolean,
): Promise<number> {
  const began = performance.now()
  for (;;) {
    const { status } = await client.send(unconfigured(base))
    if ((status > 0 && isRight(status)) || performance.now() - began > 30_000) return status
    await wait(500)
  }
}
