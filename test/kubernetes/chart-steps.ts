import { addressOf, createNamespace } from './cluster.ts'
import { failuresOf, loadRequests, underLoad } from './disturb.ts'
import type { Scene } from './minio-steps.ts'
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
    const unconfigured = () =>
      client.until(preflight(base, writer, 'PUT', 'no-rules'), 0, 0).then(({ status }) => status)
    const before = await unconfigured()
    let changed = 0
    const outcome = await underLoad(client, await loadRequests(base, client), async () => {
      await runLines(cluster, folder, [
        `${install} --set settings.UNCONFIGURED=forward --wait --timeout 180s`,
      ])
      changed = await unconfigured()
      await runLines(cluster, folder, [
        `helm -n ${chartNamespace} rollback cors-sidecar 1 --wait --timeout 180s`,
      ])
    })
    require(changed !== before &&
      (await unconfigured()) === before, 'the changed setting is not seen, or stays')
    require(outcome.failed ===
      0, `${outcome.failed} of ${outcome.served} requests failed: ${failuresOf(outcome)}`)
    return `a bucket without rules answers ${before}, ${changed}, ${before}; 0 of ${outcome.served} requests failed`
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
