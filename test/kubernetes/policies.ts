import type { Scene } from './minio-steps.ts'
import { type PodClient, startPodClient } from './pod-client.ts'
import { described } from './s3.ts'
import { NotTested, require } from './step.ts'

/** The namespace in which the NetworkPolicies expect Prometheus. */
const monitoringNamespace = 'monitoring'

/** Which ports of MinIO's pod a stranger and Prometheus reach. */
export async function askPolicies({ cluster, client }: Scene): Promise<string> {
  const ip = await cluster.kubectl([
    ...['-n', 'object-store', 'get', 'pod', 'minio-0', '-o', 'jsonpath={.status.podIP}'],
  ])
  const reaches = async (from: PodClient, port: number, path: string): Promise<boolean> =>
    (await from.send({ url: `http://${ip}:${port}${path}` })).status !== 0
  if (await reaches(client, 9000, '/minio/health/live'))
    throw new NotTested("this cluster does not enforce them: a stranger's pod reaches MinIO's own port")
  require(await reaches(client, 8080, '/'), "a stranger's pod does not reach the sidecar")
  require(!(await reaches(client, 9464, '/metrics')), "a stranger's pod reaches the admin port")
  // On a cluster that is not this test's, the namespace may be in use.
  if (cluster.onNode === undefined)
    return 'a stranger reaches the sidecar, but neither MinIO nor the admin port'
  const prometheus = await startPodClient(cluster, monitoringNamespace)
  const scraped = await prometheus.until({ url: `http://${ip}:9464/metrics` }, 200, 30)
  require(scraped.status ===
    200, `a pod in ${monitoringNamespace} cannot read /metrics: ${described(scraped)}`)
  require(!(await reaches(prometheus, 9000, '/minio/health/live')), 'Prometheus reaches MinIO')
  await cluster.kubectl(['delete', 'namespace', monitoringNamespace, '--wait=false'])
  return 'a stranger reaches the sidecar, but neither MinIO nor the admin port; Prometheus reaches the admin port'
}
