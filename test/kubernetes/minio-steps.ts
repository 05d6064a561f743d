import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { addressOf, annotate, type Cluster, until } from './cluster.ts'
import { askConsole } from './console.ts'
import { loadRequests, slowTransfers, underLoad, writeSlowObject } from './disturb.ts'
import type { PodClient } from './pod-client.ts'
import { askPolicies } from './policies.ts'
import { fillIn, readmeBlock, runLines } from './readme.ts'
import {
  askPreflights,
  carryObjects,
  createBucket,
  described,
  preflight,
  reader,
  s3At,
  writer,
} from './s3.ts'
import { NotTested, require, type Steps } from './step.ts'

export const namespace = 'object-store'

export interface Scene {
  readonly cluster: Cluster
  readonly client: PodClient
  readonly steps: Steps
  /** A copy of `deploy`. */
  readonly folder: string
  readonly counts: { readonly rollouts: number; readonly deletions: number; readonly kills: number }
}

const newcomer = 'https://new.example.com'
const isReady = (printed: string): boolean => printed === 'True'
const readiness = [
  ...['-n', namespace, 'get', 'pod', 'minio-0', '-o'],
  'jsonpath={.status.conditions[?(@.type=="Ready")].status}',
]
/** Of this pod, not of the previous one. */
const uid = ['-n', namespace, 'get', 'pod', 'minio-0', '-o', 'jsonpath={.metadata.uid}']

/** MinIO with the sidecar beside it, following "First time" in deploy/README.md. */
export async function minioSteps(scene: Scene): Promise<void> {
  const { cluster, client, steps, folder } = scene
  let base = ''
  const isUp = await steps.step('minio: README, First time', async () => {
    await cluster.addVolume('minio')
    const lines = (await readmeBlock('cp -r deploy/overlays/minio')).filter(
      (line) => !line.startsWith('docker '),
    )
    const copied = lines.findIndex((line) => line.startsWith('cp -r')) + 1
    await runLines(cluster, folder, lines.slice(0, copied))
    await fillIn(join(folder, 'deploy/overlays/mine/kustomization.yaml'), {
      'cors-sidecar': cluster.sidecar,
      minio: cluster.minio,
    })
    const began = performance.now()
    await runLines(cluster, folder, lines.slice(copied))
    await until(cluster, readiness, isReady)
    base = `http://${await addressOf(cluster, namespace, 'minio')}:9000`
    await client.until(preflight(base, writer, 'PUT'), 200, 30)
    return `pod Ready and serving ${((performance.now() - began) / 1000).toFixed(1)} s after the first command`
  })
  if (!isUp) return
  await steps.step('minio: a pod that is not restricted is refused', () => refusedPod(cluster))
  await steps.step('minio: objects', async () => {
    await createBucket(s3At(base, client))
    return carryObjects(base, client)
  })
  await steps.step('minio: preflights', () => askPreflights(base, client))
  await ruleSteps(scene, base)
  await steps.step('minio: console by port-forward', () => askConsole(scene))
  await steps.step('minio: logs', () => readLogs(cluster))
  await steps.step('minio: NetworkPolicies enforced', () => askPolicies(scene))
  await disturbances(scene, base)
}

async function refusedPod({ kubectl }: Cluster): Promise<string> {
  const refusal = await kubectl(['-n', namespace, 'run', 'refused', '--image=none', '--privileged']).then(
    () => '',
    (error: unknown) => String(error),
  )
  require(refusal.includes('violates PodSecurity "restricted'), `a privileged pod was let in: ${refusal}`)
  return 'violates PodSecurity "restricted"'
}

async function ruleSteps({ cluster, client, steps, folder }: Scene, base: string): Promise<void> {
  const file = join(folder, 'deploy/overlays/mine/rules/photos.yaml')
  const good = await readFile(file, 'utf8')
  const apply = async (text: string): Promise<void> => {
    await writeFile(file, text)
    await runLines(cluster, folder, ['kubectl apply --server-side -k deploy/overlays/mine'])
  }
  const live = async (status: number, seconds: number): Promise<string> => {
    const answer = await client.until(preflight(base, newcomer, 'GET'), status, seconds)
    require(answer.status === status, `not live within ${seconds} s: ${described(answer)}`)
    return `live after ${answer.seconds.toFixed(1)} s`
  }
  const widened = good.replace(`"${reader}"]`, `"${reader}", "${newcomer}"]`)
  await steps.step('minio: a rule change by apply alone', async () => {
    await apply(widened)
    return live(200, 150)
  })
  await steps.step('minio: a rule change with the annotation', async () => {
    await apply(good)
    await annotate(cluster, namespace)
    return live(403, 150)
  })
  await steps.step('minio: a bad file', async () => {
    await apply(good.replace('preset: presigned-upload', 'preset: presigned-uplaod'))
    await annotate(cluster, namespace)
    const metrics = ['get', '--raw', `/api/v1/namespaces/${namespace}/pods/minio-0:9464/proxy/metrics`]
    await until(cluster, metrics, (text) => text.includes('cors_sidecar_rule_files{state="stale"} 1'), 150)
    await askPreflights(base, client)
    const log = await cluster.kubectl(['-n', namespace, 'logs', 'minio-0', '-c', 'cors-sidecar'])
    require(log.includes('errors in photos.yaml: the last good rules stay'), 'the log does not name the file')
    require(log.includes('"code.file.path":"photos.yaml"'), 'the log does not have the place of the error')
    await apply(good)
    await annotate(cluster, namespace)
    await until(cluster, metrics, (text) => text.includes('cors_sidecar_rule_files{state="stale"} 0'), 150)
    return 'stale, the last good rules stay, the log names file and place; good again after the next apply'
  })
}

async function readLogs({ kubectl }: Cluster): Promise<string> {
  const log = await kubectl(['-n', namespace, 'logs', 'minio-0', '-c', 'cors-sidecar'])
  const messages = log
    .trimEnd()
    .split('\n')
    .map((line) => String(JSON.parse(line).msg))
  for (const message of ['serving', 'rules applied', 'request'])
    require(messages.includes(message), `the log has no line "${message}"`)
  return `${messages.length} lines, all of them JSON`
}

async function disturbances(scene: Scene, base: string): Promise<void> {
  const { cluster, client, steps, counts } = scene
  const { kubectl } = cluster
  const requests = await loadRequests(base, client)
  const replaced = async (perform: () => Promise<unknown>): Promise<void> => {
    const before = await kubectl(uid)
    await perform()
    await until(cluster, uid, (now) => now !== before && /^[\w-]+$/.test(now))
    await until(cluster, readiness, isReady)
  }
  await steps.step(`minio: ${counts.deletions} × pod deleted during slow transfers`, async () => {
    await writeSlowObject(base, client)
    const brokenOff: string[] = []
    const { secondsWithout } = await underLoad(client, requests, async () => {
      for (let round = 0; round < counts.deletions; round++) {
        const remove = () =>
          replaced(() => kubectl(['-n', namespace, 'delete', 'pod', 'minio-0', '--wait=false']))
        brokenOff.push(...(await slowTransfers(base, client, remove)))
      }
    })
    const each = (secondsWithout / counts.deletions).toFixed(1)
    steps.figure('minio, pod deletions', `${counts.deletions}`)
    steps.figure('  transfers up and down, broken off', `${counts.deletions * 2}, ${brokenOff.length}`)
    steps.figure('  seconds without service, each', each)
    require(brokenOff.length === 0, brokenOff.join('; '))
    return `every transfer whole, ${each} s without service each`
  })
  await steps.step('minio: rollout restart and undo', async () => {
    const rollout = (...words: readonly string[]) =>
      kubectl(['-n', namespace, 'rollout', ...words, 'statefulset/minio'])
    const { secondsWithout } = await underLoad(client, requests, async () => {
      await replaced(() => rollout('restart'))
      await replaced(() => rollout('undo'))
      await rollout('status', '--timeout=120s')
    })
    return `${(secondsWithout / 2).toFixed(1)} s without service each, as there is one pod`
  })
  await steps.step(`minio: ${counts.kills} × MinIO killed`, async () => {
    const { onNode } = cluster
    if (onNode === undefined) throw new NotTested('this machine is no node of the cluster')
    const seconds: number[] = []
    for (let round = 0; round < counts.kills; round++) {
      const running = [
        '-n',
        namespace,
        'get',
        'pod',
        'minio-0',
        '-o',
        'jsonpath={.status.containerStatuses[0].restartCount}',
      ]
      const before = await kubectl(running)
      const { secondsWithout, failures } = await underLoad(client, requests, async () => {
        await onNode('ctr', ['-n', 'k8s.io', 'tasks', 'kill', '-s', 'SIGKILL', await containerId(cluster)])
        await until(cluster, running, (count) => Number(count) === Number(before) + 1)
        await until(cluster, readiness, isReady)
      })
      // A new connection is refused while the Service has no pod that is ready.
      const preflights = Object.keys(failures).filter((kind) => /kept connection, OPTIONS/.test(kind))
      require(preflights.length === 0, `preflights failed: ${preflights.join(', ')}`)
      seconds.push(secondsWithout)
    }
    const each = seconds.map((without) => without.toFixed(1)).join(', ')
    steps.figure('minio, MinIO killed', `${counts.kills}`)
    steps.figure('  seconds without any good answer', each)
    return `Ready again each time, preflights on kept connections never failed; ${each} s without any good answer (Kubernetes delays each further restart)`
  })
}

const containerId = async ({ kubectl }: Cluster): Promise<string> =>
  (
    await kubectl([
      ...['-n', namespace, 'get', 'pod', 'minio-0', '-o'],
      'jsonpath={.status.containerStatuses[?(@.name=="minio")].containerID}',
    ])
  ).replace('containerd://', '')

/** A copy of `deploy`, as readers have it. */
export const copyDeploy = (project: string, folder: string): Promise<void> =>
  cp(join(project, 'deploy'), join(folder, 'deploy'), { recursive: true })
