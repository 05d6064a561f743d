/** Deploys to a real cluster following deploy/README.md: `npm run test:kubernetes -- --help`. */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chartNamespace, chartSteps } from './chart-steps.ts'
import { createCleanup } from './cleanup.ts'
import type { Cluster } from './cluster.ts'
import { distributedNamespace, distributedSteps } from './distributed-steps.ts'
import { givenCluster } from './given.ts'
import { guideNamespaces, guideSteps } from './guide-steps.ts'
import { startStore, storeNamespace } from './installed-minio.ts'
import { legacyNamespace, legacySteps } from './legacy-steps.ts'
import { requireLocal, startLocal } from './local.ts'
import { copyDeploy, minioSteps, namespace, type Scene } from './minio-steps.ts'
import { clientNamespace, startPodClient } from './pod-client.ts'
import { project } from './readme.ts'
import { shardedNamespace, shardedSteps } from './sharded-steps.ts'
import { createSteps } from './step.ts'

const help = `npm run test:kubernetes -- [--local] [--full]

Deploys every overlay by deploy/README.md to a cluster, and disturbs it under load.

  --local          brings a cluster of one node up from packages, builds the images, and removes all of it at the end;
                   needs root on Linux. Otherwise the cluster is the one that KUBECONFIG names.
  --image REF      without --local: the sidecar's image as the cluster can pull it, NAME@sha256:DIGEST
  --minio REF      without --local: an image of MinIO, NAME@sha256:DIGEST
  --only NAMES     of minio,legacy,chart,guide,sharded,distributed; the last only with --full or by name
  --full           20 rollouts, 10 deletions, 5 kills of MinIO in place of 2, 1 and 1, and the kubelet's usual interval of
                   60 s for changed ConfigMaps in place of 10; --rollouts, --deletions and --kills set one of the counts
`

const namespaces = [
  namespace,
  legacyNamespace,
  chartNamespace,
  storeNamespace,
  ...guideNamespaces,
  shardedNamespace,
  distributedNamespace,
  clientNamespace,
]

const everything: readonly string[] = ['minio', 'legacy', 'chart', 'guide', 'sharded', 'distributed']

const shortCounts: Scene['counts'] = { rollouts: 2, deletions: 1, kills: 1 }
const fullCounts: Scene['counts'] = { rollouts: 20, deletions: 10, kills: 5 }

/** 2: there is no cluster, and none can be started. */
const exitCodes = { passed: 0, failed: 1, 'not tested': 2 } as const

process.exit(await run(process.argv.slice(2)))

async function run(argv: readonly string[]): Promise<0 | 1 | 2> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      local: { type: 'boolean' },
      full: { type: 'boolean' },
      help: { type: 'boolean' },
      image: { type: 'string' },
      minio: { type: 'string' },
      only: { type: 'string' },
      rollouts: { type: 'string' },
      deletions: { type: 'string' },
      kills: { type: 'string' },
    },
  })
  if (values.help === true) {
    console.log(help)
    return 0
  }
  const began = performance.now()
  const steps = createSteps()
  const cleanup = createCleanup()
  let cluster: Cluster | undefined
  await steps.step('cluster and images', async () => {
    const said: string[] = []
    if (values.local === true) requireLocal()
    cluster =
      values.local === true
        ? await startLocal((line) => said.push(line), cleanup, values.full === true ? 60 : 10)
        : await givenCluster(values.image, values.minio, [...namespaces], cleanup)
    return said.length > 0 ? said.join(', ') : 'the cluster of KUBECONFIG'
  })
  if (cluster !== undefined) {
    const usual = values.full === true ? fullCounts : shortCounts
    const counts = {
      rollouts: Number(values.rollouts ?? usual.rollouts),
      deletions: Number(values.deletions ?? usual.deletions),
      kills: Number(values.kills ?? usual.kills),
    }
    const folder = await mkdtemp(join(tmpdir(), 'cors-sidecar-deploy-'))
    cleanup.add(() => rm(folder, { recursive: true, force: true }))
    const usually = values.full === true ? everything : everything.filter((name) => name !== 'distributed')
    const wanted = values.only?.split(',') ?? usually
    await deploy({ cluster, steps, counts, folder }, (name) => wanted.includes(name))
  }
  await cleanup.run()
  console.log(`${((performance.now() - began) / 60_000).toFixed(1)} min`)
  return exitCodes[steps.close()]
}

async function deploy(parts: Omit<Scene, 'client'>, isWanted: (name: string) => boolean): Promise<void> {
  const { cluster, steps, folder } = parts
  await copyDeploy(project, folder)
  let client: Scene['client'] | undefined
  await steps.step('client in a pod of its own', async () => {
    client = await startPodClient(cluster, clientNamespace)
    return 'Ready'
  })
  if (client === undefined) return
  const scene = { ...parts, client }
  // Most steps wait, so those in front of a store run beside those of stores with a sidecar beside them.
  const tracks = await Promise.allSettled([beside(scene, isWanted), inFront(scene, isWanted)])
  for (const track of tracks)
    if (track.status === 'rejected')
      await steps.step('what stands between the steps', () => Promise.reject(track.reason))
  if (steps.hasFailed()) console.log(await warningsOf(cluster))
}

/** Why a pod was killed, or left its Service, is in the cluster's events, which end with the cluster. */
function warningsOf({ kubectl }: Cluster): Promise<string> {
  const columns =
    'TIME:.lastTimestamp,COUNT:.count,NAMESPACE:.metadata.namespace,OBJECT:.involvedObject.name,MESSAGE:.message'
  return kubectl([
    ...['get', 'events', '--all-namespaces', '--field-selector', 'type=Warning'],
    ...['--sort-by', '.lastTimestamp', '--output', `custom-columns=${columns}`],
  ]).catch((error: unknown) => `no events: ${String(error)}`)
}

async function beside(scene: Scene, isWanted: (name: string) => boolean): Promise<void> {
  if (isWanted('minio')) await minioSteps(scene)
  if (isWanted('sharded')) await shardedSteps(scene)
  if (isWanted('distributed')) await distributedSteps(scene)
}

async function inFront(scene: Scene, isWanted: (name: string) => boolean): Promise<void> {
  if (!['legacy', 'chart', 'guide'].some(isWanted)) return
  let store = ''
  await scene.steps.step('a store of its own', async () => {
    store = await startStore(scene.cluster, scene.client)
    return 'Ready'
  })
  if (store === '') return
  if (isWanted('legacy')) await legacySteps(scene, store)
  if (isWanted('chart')) await chartSteps(scene, store)
  if (isWanted('guide')) await guideSteps(scene)
}
