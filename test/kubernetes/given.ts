import type { Cleanup } from './cleanup.ts'
import type { Cluster, Image } from './cluster.ts'
import { command } from './command.ts'
import { NotTested, require } from './step.ts'

/** The cluster of KUBECONFIG. It must not have any of the namespaces, because they are deleted at the end. */
export async function givenCluster(
  sidecar: string | undefined,
  minio: string | undefined,
  namespaces: readonly string[],
  cleanup: Cleanup,
): Promise<Cluster> {
  if (process.env.KUBECONFIG === undefined) throw new NotTested('no cluster: set KUBECONFIG, or use --local')
  if (sidecar === undefined || minio === undefined)
    throw new NotTested('no images: name them by --image and --minio, as the cluster can pull them')
  const kubectl: Cluster['kubectl'] = (args, options) => command('kubectl', args, options)
  const present = await kubectl(['get', 'namespaces', '--ignore-not-found', '-o', 'name', ...namespaces])
  require(present.trim() ===
    '', `use a cluster without ${present.trim().split('\n').join(', ')}: this test deletes them`)
  cleanup.add(async () => {
    await kubectl(['delete', 'namespace', '--ignore-not-found', ...namespaces])
  })
  return {
    kubectl,
    environment: process.env,
    sidecar: imageOf(sidecar),
    minio: imageOf(minio),
    addVolume: async () => {},
    loopback: [],
    hasDns: true,
    certify: undefined,
    onNode: undefined,
  }
}

function imageOf(reference: string): Image {
  const [name = '', digest = ''] = reference.split('@')
  require(/^sha256:[0-9a-f]{64}$/.test(digest), `${reference} has no digest`)
  return { name, digest }
}
